//! Components of published contracts run for ever. The files in `tests/published/` are what was built against each when
//! it was current; they are never built again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what went wrong by panicking")]

mod support;

use dualwright_model::{Leg, Operation, Record, Value};
use dualwright_plugin_host::{Grants, GuestChange, Limits, Outcome};
use sha2::{Digest, Sha256};

use support::{guest, host, patient};

const MAP_1_0: &[u8] = include_bytes!("published/customer-groups-1.0.0.wasm");

fn record(cells: &[(&str, Value)]) -> Record {
    cells.iter().map(|(column, value)| ((*column).into(), value.clone())).collect()
}

#[test]
fn the_frozen_component_is_the_one_that_was_frozen() {
    let digest = format!("{:x}", Sha256::digest(MAP_1_0));
    assert_eq!(digest, "726d891f6ec2881c0102f8b396ec44e0f9cc78db9a523ba21ccaf193fb07594c");
}

#[tokio::test]
async fn a_map_of_contract_1_0_runs_in_both_directions() {
    let plugin =
        host(patient()).load("customer-groups-1.0.0.wasm", MAP_1_0, &Grants::default()).expect("loads");
    assert_eq!(plugin.description().version, "0.1.0");
    assert_eq!(plugin.contract(), "1.0.0");

    let finops = record(&[
        ("dataAreaId", Value::text("usmf")),
        ("CustomerGroupId", Value::text("30")),
        ("Description", Value::text("Détail")),
        ("IsSalesTaxIncludedInPrice", Value::text("Yes")),
    ]);
    let dataverse = record(&[
        ("msdyn_company.cdm_companycode", Value::text("usmf")),
        ("msdyn_groupid", Value::text("30")),
        ("msdyn_description", Value::text("Détail")),
        ("msdyn_issalestaxincludedinprice", Value::Boolean(true)),
    ]);
    for (leg, from, to) in [(Leg::ToDataverse, &finops, &dataverse), (Leg::ToFinops, &dataverse, &finops)] {
        let change = GuestChange { operation: Operation::Upsert, record: from.clone() };
        let answers = plugin.transform(leg, false, &[change]).await;
        assert_eq!(answers, [Ok(Outcome::Upsert(to.clone()))], "{leg}");
    }
}

/// What an older component may be granted, it is granted by the newest host.
#[tokio::test]
async fn imports_of_contract_1_0_are_linked() {
    let settings = [("reason".to_owned(), "because".to_owned())].into();
    let grants = Grants { log: true, settings, ..Grants::default() };
    let plugin = host(Limits { ..patient() }).load("talk", &guest("talk"), &grants).expect("loads");
    let change = GuestChange { operation: Operation::Upsert, record: record(&[("K", Value::text("1"))]) };
    let answers = plugin.transform(Leg::ToDataverse, false, &[change]).await;
    assert_eq!(answers, [Ok(Outcome::Skip("because".to_owned()))]);
}

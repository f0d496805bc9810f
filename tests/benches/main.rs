//! The figures of the whole path, both sides of every comparison in one run:
//!
//!     cargo bench -p dualwright-tests --bench sync -- [--rows 100000] [--edits 200]
//!
//! 1. Initial sync of customers from F&O to Dataverse by the real binary, with its peak memory; and the same rows
//!    written to the same kind of emulator by a bare bulk client that knows nothing but `$batch`.
//! 2. Live latency of single edits, each way, from the edit's answer to the moment the other side shows it; and the two
//!    raw HTTP calls (write here, write there) without anything in between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark is run by hand, and one that fails should say so at once"
)]

mod client;
mod process;

use std::time::{Duration, Instant};

use client::{Bulk, Service};
use process::{Emulators, Runtime};
use serde_json::{Value, json};

/// Rows a `$batch`, and batches in flight, for the bare client: the best of what was tried against this emulator.
const BATCH: usize = 500;
const IN_FLIGHT: usize = 4;

fn main() {
    let argument = |name: &str, default: usize| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    // Under `--` cargo adds arguments of its own; what is unknown is passed over.
    let (rows, edits) = (argument("--rows", 100_000), argument("--edits", 200));
    tokio::runtime::Runtime::new().unwrap().block_on(run(rows, edits));
}

async fn run(rows: usize, edits: usize) {
    println!("{rows} customers, {edits} edits each way\n");
    let bare = bare_bulk(rows).await;
    let emulators = Emulators::start();
    let finops = Service::finops(&emulators.finops).await;
    let dataverse = Service::dataverse(&emulators.dataverse).await;
    seed_finops(&finops, rows).await;
    let runtime = Runtime::start(&emulators);
    // What an operator enters in F&O's business events catalogue.
    finops.activate_data_events(&runtime.nudge_address("finops"), &["CustomersV3"]).await;
    let began = Instant::now();
    let peak = runtime.wait_until_running("customers-accounts", Duration::from_secs(1800)).await;
    let whole = began.elapsed();
    let sync = runtime.initial_sync_seconds("customers-accounts").await;
    let there = dataverse.count("accounts").await;
    assert_eq!(there, rows, "every row arrived");
    println!("initial sync                        rows/s    seconds");
    println!("  dualwright: read, map, write,  {:>9.0} {:>10.1}", rows as f64 / sync, sync);
    println!("    read back and compare");
    println!("  bare client: write only        {:>9.0} {:>10.1}", rows as f64 / bare, bare);
    println!("  all four maps, with start-up               {:>10.1}", whole.as_secs_f64());
    println!("  peak memory of the runtime     {:>9.0} MB", peak as f64 / 1_000_000.0);
    live(&finops, &dataverse, edits).await;
    let after = runtime.peak_memory();
    println!("  peak memory after the edits    {:>9.0} MB", after as f64 / 1_000_000.0);
}

fn customer(number: usize) -> Value {
    json!({
        "dataAreaId": "usmf", "CustomerAccount": format!("C-{number:06}"), "PartyType": "Organization",
        "OrganizationName": format!("Customer number {number} Ltd."), "CustomerGroupId": format!("G{:02}", number % 20),
        "PaymentTerms": format!("N{:02}", number % 5), "CreditLimit": 1000 + number % 977,
        "DeliveryAddressCity": "Århus", "DeliveryAddressStreet": format!("Nygade {number}"),
        "DeliveryAddressZipCode": "8000", "PrimaryContactEmail": format!("office{number}@example.com"),
        "PrimaryContactPhone": "+45 555 0100", "SalesMemo": "Pays on time.", "OnHoldStatus": "No",
    })
}

fn account(number: usize) -> Value {
    json!({
        "name": format!("Customer number {number} Ltd."), "creditlimit": 1000 + number % 977,
        "msdyn_customergroupid@odata.bind": format!("/msdyn_customergroups(msdyn_groupid='G{:02}')", number % 20),
        "address1_city": "Århus", "address1_line1": format!("Nygade {number}"), "address1_postalcode": "8000",
        "emailaddress1": format!("office{number}@example.com"), "telephone1": "+45 555 0100",
        "description": "Pays on time.", "msdyn_onholdstatus": 806_380_000, "customertypecode": 3,
        "accountnumber": format!("C-{number:06}"),
    })
}

async fn seed_finops(finops: &Service, rows: usize) {
    let company = json!({"LegalEntityId": "USMF", "Name": "Contoso"});
    finops.bulk(&[Bulk::post("LegalEntities", &company)], 1, 1).await;
    let terms = (0..5).map(|number| {
        let row = json!({"dataAreaId": "usmf", "Name": format!("N{number:02}"), "NumberOfDays": number});
        Bulk::post("PaymentTerms", &row)
    });
    let groups = (0..20).map(|number| {
        let row = json!({"dataAreaId": "usmf", "CustomerGroupId": format!("G{number:02}"), "Description": "A group"});
        Bulk::post("CustomerGroups", &row)
    });
    finops.bulk(&terms.chain(groups).collect::<Vec<_>>(), 100, 1).await;
    let customers: Vec<Bulk> = (0..rows).map(|number| Bulk::post("CustomersV3", &customer(number))).collect();
    finops.bulk(&customers, BATCH, IN_FLIGHT).await;
}

/// The same rows, by a client that only writes.
async fn bare_bulk(rows: usize) -> f64 {
    let emulators = Emulators::start();
    let dataverse = Service::dataverse(&emulators.dataverse).await;
    let company =
        dataverse.create("cdm_companies", &json!({"cdm_companycode": "USMF", "cdm_name": "Contoso"})).await;
    let mut groups = Vec::new();
    for number in 0..20 {
        let row = json!({"msdyn_groupid": format!("G{number:02}"), "msdyn_company@odata.bind": format!("/cdm_companies({company})")});
        groups.push(dataverse.create("msdyn_customergroups", &row).await);
    }
    let writes: Vec<Bulk> = (0..rows)
        .map(|number| {
            let mut row = account(number);
            row["msdyn_company@odata.bind"] = json!(format!("/cdm_companies({company})"));
            row["msdyn_customergroupid@odata.bind"] =
                json!(format!("/msdyn_customergroups({})", groups[number % 20]));
            Bulk::post("accounts", &row)
        })
        .collect();
    let began = Instant::now();
    dataverse.bulk(&writes, BATCH, IN_FLIGHT).await;
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(dataverse.count("accounts").await, rows, "every row arrived");
    seconds
}

async fn live(finops: &Service, dataverse: &Service, edits: usize) {
    println!("\nlive, milliseconds                       p50       p99");
    let mut here = Vec::new();
    let mut there = Vec::new();
    let mut raw_finops = Vec::new();
    let mut raw_dataverse = Vec::new();
    for edit in 0..edits {
        let account = format!("C-{:06}", edit * 7 % 100);
        let id = dataverse.find("accounts", "accountnumber", &account, "accountid").await;
        let key = format!("CustomersV3(dataAreaId='usmf',CustomerAccount='{account}')");
        let row = format!("accounts({id})");
        // Columns that no map reads: nothing follows from these two.
        raw_finops.push(finops.patch_timed(&key, &json!({"CustomerReference": format!("r{edit}")})).await);
        raw_dataverse.push(dataverse.patch_timed(&row, &json!({"tickersymbol": format!("t{edit}")})).await);

        let memo = format!("from F&O {edit}");
        finops.patch_timed(&key, &json!({"SalesMemo": memo})).await;
        here.push(dataverse.time_until(&row, "description", &memo).await);
        let memo = format!("from Dataverse {edit}");
        dataverse.patch_timed(&row, &json!({"description": memo})).await;
        there.push(finops.time_until(&key, "SalesMemo", &memo).await);
    }
    let raw: Vec<f64> = raw_finops.iter().zip(&raw_dataverse).map(|(one, two)| one + two).collect();
    print_line("F&O to Dataverse, edit answered to seen", &mut here);
    print_line("Dataverse to F&O, edit answered to seen", &mut there);
    print_line("one write here and one there, raw", &mut raw.clone());
    print_line("  F&O write alone", &mut raw_finops);
    print_line("  Dataverse write alone", &mut raw_dataverse);
}

fn print_line(name: &str, millis: &mut [f64]) {
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| millis[((millis.len() as f64 * share) as usize).min(millis.len() - 1)];
    println!("  {name:<38} {:>6.1} {:>9.1}", at(0.5), at(0.99));
}

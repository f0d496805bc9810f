//! Clients that others wrote against the emulators.

use support::SecurePair;

use crate::script::{self, Outcome, Proof};
use crate::{install, table};

/// Not 127.0.0.1: one of the clients takes that for a mock and sends it a made-up token.
const ADDRESS: &str = "127.0.0.2";

/// Both emulators, where this machine has such an address.
fn start() -> Option<SecurePair> {
    if std::net::TcpListener::bind((ADDRESS, 0)).is_err() {
        install::skipped(
            "clients that others wrote",
            &format!("this machine has no loopback address {ADDRESS}"),
        );
        return None;
    }
    Some(SecurePair::start(ADDRESS).unwrap())
}

fn check(proofs: &[Proof]) {
    let failed: Vec<String> = proofs
        .iter()
        .filter(|proof| proof.outcome == Outcome::Fails)
        .map(|proof| format!("{} ({}), {}: {}", proof.client, proof.system, proof.operation, proof.detail))
        .collect();
    assert!(failed.is_empty(), "what does not work:\n  {}", failed.join("\n  "));
}

#[tokio::test]
async fn clients_do_what_the_table_says() {
    let Some(pair) = start() else { return };
    let python = async {
        let installed = match install::python().await {
            Ok(installed) => installed,
            Err(why) => {
                install::skipped("clients in Python", &why);
                return Vec::new();
            }
        };
        let scripts = ["dataverse_sdk.py", "d365fo.py", "generic_odata.py"];
        let runs = scripts.map(|name| script::python(&installed, name, &pair));
        futures::future::join_all(runs).await.concat()
    };
    let node = async {
        match install::node().await {
            Ok(installed) => script::node(&installed, "dynamics_web_api.mjs", &pair).await,
            Err(why) => {
                install::skipped("clients in JavaScript", &why);
                Vec::new()
            }
        }
    };
    let (mut proofs, more) = tokio::join!(python, node);
    proofs.extend(more);
    check(&proofs);
    let file = install::folder().join("README.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let renewed = table::renewed(&text, &proofs);
    if std::env::var_os("UPDATE_TABLE").is_some() {
        std::fs::write(&file, &renewed).unwrap();
    } else {
        assert_eq!(text, renewed, "the table in {} is not current: UPDATE_TABLE=1 renews it", file.display());
    }
}

#[tokio::test]
async fn metadata_is_valid_and_enough_to_generate_clients() {
    let Some(pair) = start() else { return };
    match install::node().await {
        Ok(installed) => {
            let proofs = script::node(&installed, "metadata.mjs", &pair).await;
            check(&proofs);
            assert_eq!(proofs.len(), 3, "{proofs:?}");
        }
        Err(why) => install::skipped("validation of $metadata", &why),
    }
}

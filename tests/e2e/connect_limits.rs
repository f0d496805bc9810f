//! The Dataverse connector spends what the emulator's service protection allows, over real HTTP, and no row fails.

use std::sync::Arc;
use std::time::Duration;

use dualwright_connect::dataverse::{Dataverse, DataverseConfig};
use dualwright_connect::http::SignIn;
use dualwright_connect::{Connector, Precondition, Selection, Write, WriteOutcome, WriteTarget};
use dualwright_emulators::{Options, Running, dataverse};
use dualwright_model::{Record, Value};
use futures::StreamExt;
use serde_json::{Value as Json, json};

const CALLS: usize = 160;
const ROWS: usize = 5;

fn companies() -> Selection {
    Selection {
        table: "cdm_companies".into(),
        columns: vec!["cdm_name".into()],
        key: vec!["cdm_companycode".into()],
        filter: None,
    }
}

fn company(number: usize) -> Write {
    Write {
        target: WriteTarget::Key(vec![Value::text(format!("C{number}"))]),
        cells: [("cdm_name".into(), Value::text("Contoso"))].into_iter().collect::<Record>(),
        delete: false,
        precondition: Precondition::Absent,
    }
}

async fn told(emulator: &Running) -> anyhow::Result<Json> {
    Ok(reqwest::get(format!("{}/emulator/quota", emulator.url())).await?.json().await?)
}

async fn write_under(limits: Json) -> anyhow::Result<Json> {
    let folder = tempfile::tempdir()?;
    let emulator = dataverse::start(Options::new(folder.path().join("dataverse.sqlite"))).await?;
    let url = emulator.url();
    let answer = reqwest::Client::new().post(format!("{url}/emulator/quota")).json(&limits).send().await?;
    anyhow::ensure!(answer.status().is_success(), "{}", answer.text().await?);
    let sign_in = SignIn::new(&url, "tenant", &url, "dualwright", "dualwright-secret".into());
    let mut config = DataverseConfig::new(&url, sign_in);
    config.http.limit_window = Duration::from_secs(1);
    let connector = Arc::new(Dataverse::connect(config)?);
    // As many maps at once as it has: they share the connector, and so what is allowed.
    let outcomes: Vec<_> = futures::stream::iter(0..CALLS)
        .map(|call| {
            let connector = Arc::clone(&connector);
            let writes: Vec<Write> = (0..ROWS).map(|row| company(call * ROWS + row)).collect();
            async move { connector.apply(&companies(), &writes).await }
        })
        .buffer_unordered(24)
        .collect()
        .await;
    for outcome in outcomes.into_iter().collect::<Result<Vec<_>, _>>()?.iter().flatten() {
        anyhow::ensure!(matches!(outcome, WriteOutcome::Written(_)), "{outcome:?}");
    }
    let told = told(&emulator).await?;
    let page = connector.scan(&companies(), None, 5000).await?;
    assert_eq!(page.changes.len(), CALLS * ROWS);
    emulator.shutdown().await;
    Ok(told["clients"]["dualwright"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_limit_of_requests_every_row_arrives() -> anyhow::Result<()> {
    let told = write_under(json!({ "window_seconds": 1, "requests": 50, "concurrent": 52 })).await?;
    assert!(told["requests"].as_u64() >= Some(CALLS as u64), "{told}");
    assert!(told["refused_requests"].as_u64() < Some(CALLS as u64 / 2), "slowed down in time: {told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_limit_of_requests_at_once_every_row_arrives() -> anyhow::Result<()> {
    let told = write_under(json!({ "window_seconds": 1, "concurrent": 3 })).await?;
    assert!(told["requests"].as_u64() >= Some(CALLS as u64), "{told}");
    Ok(())
}

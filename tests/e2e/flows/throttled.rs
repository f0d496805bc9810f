//! A system that says 429 for a while: nothing fails, everything arrives.

use anyhow::ensure;
use reqwest::Method;
use serde_json::json;
use support::{RUNTIME, Service, wait_until};

use super::story::{Mark, PATIENCE, Story, customer};

const CUSTOMERS: usize = 20;

/// How long the systems refuse, in seconds; the whole minute where `DUALWRIGHT_LONG` asks for it.
fn window() -> u64 {
    if std::env::var_os("DUALWRIGHT_LONG").is_some() { 60 } else { 6 }
}

/// Has a system refuse everything the runtime asks for a while.
async fn throttle(service: &Service, url: &str) -> anyhow::Result<()> {
    let script = json!([{"kind": "status", "status": 429, "retry_after": 2, "client": RUNTIME,
        "for_milliseconds": window() * 1000}]);
    let answer = service.send(Method::POST, &format!("{url}/emulator/faults"), Some(&script)).await?;
    ensure!(answer.is_done(), "{answer:?}");
    Ok(())
}

/// Asks a system as the runtime does until it answers, and sees that nothing is written before; answers how often it
/// refused.
async fn wait_out(story: &Story, mark: Mark, service: &Service, table: &str) -> anyhow::Result<usize> {
    let mut refused = 0;
    wait_until(PATIENCE, async || {
        let written = story.written_since(mark, service, table).await?;
        let answer = service.send(Method::GET, table, None).await?;
        if answer.status == 429 {
            refused += 1;
            assert_eq!(written.len(), 0, "written while everything was refused: {written:?}");
        }
        ensure!(answer.is_done(), "{table} is still throttled");
        Ok(())
    })
    .await?;
    Ok(refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_changes_wait_out_a_throttled_pair() -> anyhow::Result<()> {
    let accounts: Vec<String> = (0..CUSTOMERS).map(|number| format!("H-{number:02}")).collect();
    let names: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let story = Story::of_customers("", &names).await?;
    // The runtime's own client, to see when the window is over.
    let (finops, dataverse) = (story.pair.finops.url(), story.pair.dataverse.url());
    let like_it = [
        (Service::sign_in(support::System::Finops, &finops, RUNTIME).await?, "CustomersV3"),
        (Service::sign_in(support::System::Dataverse, &dataverse, RUNTIME).await?, "accounts"),
    ];
    let mark = story.mark().await?;
    let mut paths = Vec::new();
    for name in &names {
        paths.push(story.account_path(name).await?);
    }
    throttle(&story.finops, &finops).await?;
    throttle(&story.dataverse, &dataverse).await?;
    for (number, name) in names.iter().enumerate() {
        let memo = json!({"SalesMemo": format!("Said while throttled {number}")});
        story.finops.update(&story.customer_path(name), &memo).await?;
        let email = json!({"emailaddress1": format!("while-throttled-{number}@example.com")});
        story.dataverse.update(&paths[number], &email).await?;
    }
    // Both at once, for both windows end at about the same moment.
    let looks = like_it.iter().map(|(service, table)| wait_out(&story, mark, service, table));
    for refused in futures::future::try_join_all(looks).await? {
        ensure!(refused > 0, "nothing was throttled: this proved nothing");
    }
    for (number, name) in names.iter().enumerate() {
        story.shows(name, "description", &format!("Said while throttled {number}")).await?;
        let email = format!("while-throttled-{number}@example.com");
        story.customer_shows(name, "PrimaryContactEmail", &email).await?;
    }
    story.settle().await?;
    story.nothing_went_wrong().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_initial_sync_waits_out_a_throttled_system() -> anyhow::Result<()> {
    let mut story = Story::open("").await?;
    for number in 0..CUSTOMERS {
        story.finops.create("CustomersV3", &customer(&format!("H-{number:02}"))).await?;
    }
    // The runtime is up and reads; only its writes are refused.
    let script = json!([{"kind": "status", "status": 429, "retry_after": 2, "client": RUNTIME, "operation": "batch",
        "for_milliseconds": window() * 1000}]);
    let address = format!("{}/emulator/faults", story.pair.dataverse.url());
    let answer = story.dataverse.send(Method::POST, &address, Some(&script)).await?;
    ensure!(answer.is_done(), "{answer:?}");
    story.run().await?;
    ensure!(story.dataverse.rows("accounts").await?.len() == CUSTOMERS);
    story.nothing_went_wrong().await
}

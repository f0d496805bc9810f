//! A system that says 429 for a while: nothing fails, everything arrives.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};
use support::{RUNTIME, Service, wait_until};

use super::story::{Mark, PATIENCE, Story, customer};

const CUSTOMERS: usize = 20;

/// How long the systems refuse; the whole minute where `DUALWRIGHT_LONG` asks for it.
fn window() -> Duration {
    Duration::from_secs(if std::env::var_os("DUALWRIGHT_LONG").is_some() { 60 } else { 5 })
}

/// A script: refuse what the runtime asks until told otherwise. `what` narrows it down.
fn refuse(what: &Value) -> Value {
    let mut fault = json!({"kind": "status", "status": 429, "retry_after": 2, "client": RUNTIME});
    for (name, value) in what.as_object().into_iter().flatten() {
        fault[name] = value.clone();
    }
    json!([fault])
}

/// Lets the window pass, and more of it where the runtime has not come back after a refusal by then: it must ask each of
/// these systems more than once, nothing may be written meanwhile, and no letter may die of it.
async fn hold(story: &Story, mark: Mark, throttled: &[(&Service, &str)]) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut refused = Vec::new();
    wait_until(window() + PATIENCE, async || {
        refused.clear();
        for (service, _) in throttled {
            refused.push(service.went_wrong().await?);
        }
        for (service, table) in [(&story.finops, "CustomersV3"), (&story.dataverse, "accounts")] {
            let written = story.written_since(mark, service, table).await?;
            assert!(written.is_empty(), "written while everything was refused: {written:?}");
        }
        let dead = story.runtime.dead_letters().await?;
        assert!(dead.is_empty(), "refused, and given up: {dead:#?}");
        ensure!(began.elapsed() >= window(), "the window is still open");
        ensure!(refused.iter().all(|times| *times > 1), "so often it was refused: {refused:?}");
        Ok(())
    })
    .await?;
    for ((_, table), times) in throttled.iter().zip(refused) {
        eprintln!("{table}: refused {times} times in {:?}", began.elapsed());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_changes_wait_out_a_throttled_pair() -> anyhow::Result<()> {
    let accounts: Vec<String> = (0..CUSTOMERS).map(|number| format!("H-{number:02}")).collect();
    let names: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let story = Story::of_customers("", &names).await?;
    let mark = story.mark().await?;
    let mut paths = Vec::new();
    for name in &names {
        paths.push(story.account_path(name).await?);
    }
    story.finops.go_wrong(&refuse(&json!({}))).await?;
    story.dataverse.go_wrong(&refuse(&json!({}))).await?;
    for (number, name) in names.iter().enumerate() {
        let memo = json!({"SalesMemo": format!("Said while throttled {number}")});
        story.finops.update(&story.customer_path(name), &memo).await?;
        let email = json!({"emailaddress1": format!("while-throttled-{number}@example.com")});
        story.dataverse.update(&paths[number], &email).await?;
    }
    hold(&story, mark, &[(&story.finops, "CustomersV3"), (&story.dataverse, "accounts")]).await?;
    story.finops.go_right().await?;
    story.dataverse.go_right().await?;
    for (number, name) in names.iter().enumerate() {
        story.shows(name, "description", &format!("Said while throttled {number}")).await?;
        let email = format!("while-throttled-{number}@example.com");
        story.customer_shows(name, "PrimaryContactEmail", &email).await?;
    }
    story.settle().await?;
    story.nothing_went_wrong().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_initial_sync_waits_out_a_throttled_pair() -> anyhow::Result<()> {
    let mut story = Story::open("").await?;
    for number in 0..CUSTOMERS {
        story.finops.create("CustomersV3", &customer(&format!("H-{number:02}"))).await?;
    }
    let mark = story.mark().await?;
    // First it may not read the rows, then it may not write them.
    story.dataverse.go_wrong(&refuse(&json!({"operation": "batch"}))).await?;
    story.finops.go_wrong(&refuse(&json!({"operation": "read", "path": "CustomersV3"}))).await?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    hold(&story, mark, &[(&story.finops, "CustomersV3")]).await?;
    story.finops.go_right().await?;
    hold(&story, mark, &[(&story.dataverse, "accounts")]).await?;
    story.dataverse.go_right().await?;
    story.settle().await?;
    ensure!(story.dataverse.rows("accounts").await?.len() == CUSTOMERS);
    story.nothing_went_wrong().await
}

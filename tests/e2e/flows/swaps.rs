//! Versions that follow each other while people write on both sides: nothing is lost, nothing is done twice, nothing
//! overtakes.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use serde_json::json;
use support::RUNTIME;
use support::write_log::{self, out_of_order};

use super::operator::{MAP, build, done};
use super::story::{PATIENCE, Story};

const SWAPS: usize = 20;
const CUSTOMERS: [&str; 4] = ["S-0", "S-1", "S-2", "S-3"];

/// Each side's people count up in a column of their own, round and round; answers how far they came.
async fn count_up(story: &Story, stop: &AtomicBool) -> anyhow::Result<i64> {
    let mut accounts = Vec::new();
    for customer in CUSTOMERS {
        accounts.push(story.account_path(customer).await?);
    }
    let mut count = 0;
    while !stop.load(Ordering::SeqCst) {
        count += 1;
        for (customer, account) in CUSTOMERS.iter().zip(&accounts) {
            let here = json!({"OrganizationNumberOfEmployees": count});
            story.finops.update(&story.customer_path(customer), &here).await?;
            story.dataverse.update(account, &json!({"msdyn_paymenttermsbasedays": count})).await?;
        }
    }
    Ok(count)
}

/// Puts versions to work one after the other; answers how many switches there were.
async fn swap(story: &Story, stop: &AtomicBool) -> anyhow::Result<usize> {
    let http = reqwest::Client::new();
    let url = format!("{}/v1/maps/{MAP}/activate", story.runtime.address());
    let mut changed = 0;
    let swapped = async {
        for number in 0..SWAPS {
            let version = ["1.1.0", "1.2.0", "1.0.0"][number % 3];
            let answer = http.post(&url).json(&json!({ "version": version })).send().await?;
            let answer: serde_json::Value = answer.error_for_status()?.json().await?;
            changed += usize::from(answer["changed"] == true);
        }
        anyhow::Ok(())
    };
    let swapped = swapped.await;
    stop.store(true, Ordering::SeqCst);
    swapped.map(|()| changed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_swaps_under_load_lose_nothing() -> anyhow::Result<()> {
    let story = Story::of_customers("", &CUSTOMERS).await?;
    for version in ["1.1.0", "1.2.0"] {
        let component = build(&story, version, str::to_owned)?;
        done(&story, &["plugin", "install", component.to_str().context("the folder's name is not text")?])?;
    }
    let stop = AtomicBool::new(false);
    let (count, changed) = tokio::join!(count_up(&story, &stop), swap(&story, &stop));
    let (count, changed) = (count?, changed?);
    assert_eq!(changed, SWAPS, "every one of them was a switch");
    ensure!(count > 1, "nobody wrote meanwhile");
    story.settle().await?;

    // Lost: nothing, for the last word of each side stands on the other.
    for customer in CUSTOMERS {
        story.shows(customer, "numberofemployees", &count.to_string()).await?;
        story.customer_shows(customer, "PaymentTermsBaseDays", &count.to_string()).await?;
    }
    // Overtaken: nothing, by the systems' own logs.
    let mut written = 0;
    for (service, column) in
        [(&story.dataverse, "numberofemployees"), (&story.finops, "PaymentTermsBaseDays")]
    {
        let log = write_log::read(service).await?;
        let findings = out_of_order(&log, RUNTIME, column);
        ensure!(findings.is_empty(), "{}", findings.join("\n"));
        written += log.iter().filter(|write| write.client == RUNTIME).count();
    }
    ensure!(written > CUSTOMERS.len(), "nothing was written meanwhile");
    let history = done(&story, &["plugin", "history", MAP])?;
    let activated = history["history"].as_array().into_iter().flatten();
    assert_eq!(activated.filter(|entry| entry["act"]["activated"].is_object()).count(), SWAPS + 1);
    story.runtime.wait_until_quiet(PATIENCE).await?;
    // Doubled: nothing, and no letter is dead.
    story.nothing_went_wrong().await
}

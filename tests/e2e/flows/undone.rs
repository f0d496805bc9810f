//! A version that is undone by itself stays undone, even when the runtime is killed the moment it is.

use anyhow::{Context, ensure};
use support::wait_until;

use super::operator::{MAP, build, done, refused, version};
use super::story::{PATIENCE, Story, customer};

/// More than the policy needs to judge.
const CUSTOMERS: usize = 70;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undone_version_does_not_come_back_after_a_kill() -> anyhow::Result<()> {
    let mut story = Story::of_customers("", &["U-0"]).await?;
    let strict = build(&story, "1.1.0", |text| {
        format!("{text}\n[[rule]]\nfinops = \"SalesMemo\"\none-of = [\"what nobody writes\"]\n")
    })?;
    let path = strict.to_str().context("the folder's name is not text")?;
    done(&story, &["plugin", "install", path])?;
    done(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    for number in 1..=CUSTOMERS {
        story.finops.create("CustomersV3", &customer(&format!("U-{number}"))).await?;
    }
    let back = wait_until(PATIENCE, async || {
        let version = version(&story)?;
        ensure!(version == "1.0.0", "{version} runs");
        Ok(())
    });
    back.await.with_context(|| story.runtime.log_tail())?;
    // I7: it was in quarantine before the version before was back.
    story.runtime.kill()?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    assert_eq!(version(&story)?, "1.0.0");
    let reason = refused(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    ensure!(reason.contains("quarantined (it refused"), "{reason}");

    let history = done(&story, &["plugin", "history", MAP])?;
    let acts = history["history"].as_array().context("no history")?;
    let evidence = acts.iter().find_map(|entry| entry.pointer("/act/quarantined/evidence"));
    let counters = &evidence.context("no evidence")?["counters"];
    let count = |name: &str| counters[name].as_u64().unwrap_or_default();
    assert!(count("undone-rejects") >= 50 && count("undone-rejects") == count("undone-rows"), "{counters:#}");
    assert!(counters["before-rows"].is_u64() && count("undone-micros") > 0, "{counters:#}");
    Ok(())
}

//! A version that is undone by itself stays undone, even when the runtime is killed the moment it is, and even when nobody
//! could write down that it was.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use support::wait_until;

use super::operator::{MAP, build, done, refused, version};
use super::story::{PATIENCE, Story, customer};

/// More than the policy needs to judge.
const CUSTOMERS: usize = 70;

/// A story in which a version is about to be live that refuses everything.
async fn story() -> anyhow::Result<Story> {
    let story = Story::of_customers("", &["U-0"]).await?;
    let strict = build(&story, "1.1.0", |text| {
        format!("{text}\n[[rule]]\nfinops = \"SalesMemo\"\none-of = [\"what nobody writes\"]\n")
    })?;
    let path = strict.to_str().context("the folder's name is not text")?;
    done(&story, &["plugin", "install", path])?;
    Ok(story)
}

/// Puts it to work, and gives it what it refuses.
async fn put_to_work(story: &Story) -> anyhow::Result<()> {
    done(story, &["plugin", "activate", MAP, "1.1.0"])?;
    for number in 1..=CUSTOMERS {
        story.finops.create("CustomersV3", &customer(&format!("U-{number}"))).await?;
    }
    Ok(())
}

/// What is held against it, after a start at which it must not have come back.
fn evidence(story: &Story) -> anyhow::Result<Value> {
    assert_eq!(version(story)?, "1.0.0");
    let reason = refused(story, &["plugin", "activate", MAP, "1.1.0"])?;
    ensure!(reason.contains("quarantined (it refused"), "{reason}");
    let history = done(story, &["plugin", "history", MAP])?;
    let acts = history["history"].as_array().context("no history")?;
    let told = acts.iter().rev().find_map(|entry| entry.pointer("/act/quarantined/evidence"));
    Ok(told.with_context(|| format!("no evidence in {history:#}"))?.clone())
}

/// Returns as soon as a file says something: without a pause, for what follows is over within milliseconds.
fn catch(file: &Path, word: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if std::fs::read_to_string(file).is_ok_and(|text| text.contains(word)) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    bail!("{} does not say {word}", file.display())
}

/// I7: it was in quarantine before the version before was back, so that there is no moment at which a kill revives it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_as_soon_as_it_is_in_quarantine_does_not_bring_it_back() -> anyhow::Result<()> {
    let mut story = story().await?;
    let registry = story.runtime.config().with_file_name("store.plugins").join("registry.json");
    put_to_work(&story).await?;
    tokio::task::spawn_blocking(move || catch(&registry, "\"quarantined\": {\n    \""))
        .await?
        .with_context(|| story.runtime.log_tail())?;
    story.runtime.kill()?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    let counters = &evidence(&story)?["counters"];
    let count = |name: &str| counters[name].as_u64().unwrap_or_default();
    assert!(count("undone-rejects") >= 50 && count("undone-rejects") == count("undone-rows"), "{counters:#}");
    assert!(counters["before-rows"].is_u64() && count("undone-micros") > 0, "{counters:#}");
    Ok(())
}

/// I7: with no room for another byte in the registry the version goes nevertheless, and does not come back.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_with_a_full_disk_does_not_bring_it_back() -> anyhow::Result<()> {
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: this machine has no /dev/full");
        return Ok(());
    }
    let mut story = story().await?;
    done(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    // What the registry writes next finds no space left on its device.
    let registry = story.runtime.config().with_file_name("store.plugins");
    std::os::unix::fs::symlink("/dev/full", registry.join("registry.json.part"))?;
    put_to_work(&story).await?;
    let back = wait_until(PATIENCE, async || {
        let version = version(&story)?;
        ensure!(version == "1.0.0", "{version} runs");
        Ok(())
    });
    back.await.with_context(|| story.runtime.log_tail())?;
    let ledger: Value = serde_json::from_slice(&std::fs::read(registry.join("registry.json"))?)?;
    assert_eq!(ledger["quarantined"], serde_json::json!({}), "the disk was not full");
    // For whoever looks now it is in quarantine already.
    evidence(&story)?;
    story.runtime.kill()?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    evidence(&story)?;
    let ledger: Value = serde_json::from_slice(&std::fs::read(registry.join("registry.json"))?)?;
    assert_eq!(ledger["quarantined"].as_object().map(serde_json::Map::len), Some(1), "{ledger:#}");
    for file in std::fs::read_dir(registry.join("components"))? {
        let name = file?.file_name();
        ensure!(name.to_string_lossy().ends_with(".wasm"), "{} is left", name.display());
    }
    Ok(())
}

//! Components that are copied into a folder, signed or not, whole or not.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;
use support::wait_until;

use super::operator::{MAP, ask, done, version, without_memos};
use super::story::{PATIENCE, Story};

/// Waits until the list of plugins shows something.
async fn listed(story: &Story, what: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let shown = wait_until(PATIENCE, async || {
        let list = done(story, &["plugin", "list"])?;
        ensure!(what(&list), "{list:#}");
        Ok(list)
    });
    shown.await.with_context(|| story.runtime.log_tail())
}

fn refusals(list: &Value) -> usize {
    list["refused"].as_array().map_or(0, Vec::len)
}

fn has(list: &Value, version: &str, state: &str) -> bool {
    let plugins = list["plugins"].as_array().map(Vec::as_slice).unwrap_or_default();
    plugins.iter().any(|one| one["version"] == version && one["state"] == state)
}

/// As a slow network does.
fn drip(from: &Path, to: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(from)?;
    let mut file = std::fs::File::create(to)?;
    for part in bytes.chunks(bytes.len() / 40 + 1) {
        file.write_all(part)?;
        file.sync_data()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_copied_into_the_folder_is_installed_and_waits() -> anyhow::Result<()> {
    let mut story = Story::configured("", "[plugins]\nwatch = \"plugins-in\"\nsettle = \"500ms\"").await?;
    let next = without_memos(&story)?;
    let folder = story.runtime.config().with_file_name("plugins-in");
    // There before the runtime is.
    std::fs::create_dir(&folder)?;
    let half = std::fs::read(&next)?;
    std::fs::write(folder.join("half.wasm"), half.get(..half.len() / 2).unwrap_or_default())?;
    story.run().await?;
    let list = listed(&story, |list| refusals(list) == 1).await?;
    assert_eq!(list["refused"][0]["kind"], "not-a-component", "{list:#}");
    std::fs::copy(folder.join("half.wasm"), folder.join("half-again.wasm"))?;
    drip(&next, &folder.join("next.wasm"))?;
    let list = listed(&story, |list| has(list, "1.1.0", "candidate")).await?;
    assert_eq!(version(&story)?, "1.0.0", "nothing goes live by being copied");
    let installed =
        list["plugins"].as_array().and_then(|all| all.iter().find(|one| one["version"] == "1.1.0"));
    assert_eq!(installed.context("no 1.1.0")?["actor"], "watched folder");
    assert_eq!(
        list["refused"].as_array().map(Vec::len),
        Some(1),
        "the same bytes are refused once: {list:#}"
    );

    // What is gone from the folder stays installed, over a restart too.
    std::fs::remove_file(folder.join("next.wasm"))?;
    done(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    story.runtime.kill()?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    assert_eq!(version(&story)?, "1.1.0");
    assert_eq!(refusals(&done(&story, &["plugin", "list"])?), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_signatures_are_required_only_signed_components_come_in() -> anyhow::Result<()> {
    let config = "[plugins]\ntrusted-keys = [\"partner.pub\"]\nrequire-signatures = true";
    let mut story = Story::configured("", config).await?;
    let next = without_memos(&story)?;
    let home = story.runtime.config().with_file_name("");
    let key = home.join("partner.pem").display().to_string();
    let made = support::command()?.args(["plugin", "keygen", &key]).output()?;
    ensure!(made.status.success(), "{made:?}");
    // The configured map files are the operator's own, and need no signature.
    story.run().await?;

    // A folder: one table, and the exit code of what was refused.
    let release = home.join("release");
    std::fs::create_dir(&release)?;
    std::fs::copy(&next, release.join("next.wasm"))?;
    std::fs::write(release.join("nonsense.wasm"), "nonsense")?;
    let folder = release.display().to_string();
    let (code, results) = ask(&story, &["plugin", "install", &folder])?;
    assert_eq!(code, 2, "{results:#}");
    let outcomes: Vec<&str> = results["results"]
        .as_array()
        .context("no results")?
        .iter()
        .filter_map(|result| result["outcome"].as_str())
        .collect();
    assert_eq!(outcomes, ["not installed", "not installed"], "{results:#}");

    let file = release.join("next.wasm").display().to_string();
    let signed = support::command()?.args(["plugin", "sign", "--key", &key, &file]).output()?;
    ensure!(signed.status.success(), "{signed:?}");
    let answer = done(&story, &["plugin", "install", &file])?;
    assert_eq!(answer["plugin"]["signed_by"], "partner", "{answer:#}");
    done(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    assert_eq!(version(&story)?, "1.1.0");
    // Back to the one that was built here, which nobody signed.
    done(&story, &["plugin", "rollback", MAP])?;
    let list = done(&story, &["plugin", "list"])?;
    assert!(has(&list, "1.0.0", "live") && refusals(&list) == 1, "{list:#}");
    Ok(())
}

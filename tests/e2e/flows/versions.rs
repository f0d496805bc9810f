//! Another version of a map, installed, tried, activated, taken back and condemned, by the commands that operators type.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::story::Story;

/// Runs the command against the story's runtime; answers its exit code and what it printed as JSON.
fn ask(story: &Story, arguments: &[&str]) -> anyhow::Result<(i32, Value)> {
    let output = support::command()?
        .args(arguments)
        .args(["--json", "--config"])
        .arg(story.runtime.config())
        .output()?;
    let code = output.status.code().context("the command was killed")?;
    let said = if code == 0 { &output.stdout } else { &output.stderr };
    let document = serde_json::from_slice(said)
        .with_context(|| format!("{arguments:?} printed {}", String::from_utf8_lossy(said)))?;
    Ok((code, document))
}

fn done(story: &Story, arguments: &[&str]) -> anyhow::Result<Value> {
    let (code, document) = ask(story, arguments)?;
    ensure!(code == 0, "{arguments:?} ended with {code}: {document:#}");
    Ok(document)
}

/// Why the command was refused, in its own words.
fn refused(story: &Story, arguments: &[&str]) -> anyhow::Result<String> {
    let (code, document) = ask(story, arguments)?;
    ensure!(code != 0, "{arguments:?} was done: {document:#}");
    Ok(document["error"]["because"][0].as_str().context("no reason")?.to_owned())
}

/// Version 1.1.0 of the map of customers, which knows nothing of memos.
fn without_memos(story: &Story) -> anyhow::Result<PathBuf> {
    let map = story.maps.last().context("no map")?;
    let text = std::fs::read_to_string(map)?;
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("SalesMemo")).collect();
    let file = map.with_file_name("next.toml");
    std::fs::write(&file, kept.join("\n").replace("version = \"1.0.0\"", "version = \"1.1.0\""))?;
    let component = map.with_file_name("next.wasm");
    let status = support::command()?
        .args(["map", "build", "--json"])
        .arg(&file)
        .arg("-o")
        .arg(&component)
        .stdout(std::process::Stdio::null())
        .status()?;
    ensure!(status.success(), "the next version cannot be built");
    Ok(component)
}

const MAP: &str = "few-customers";

fn version(story: &Story) -> anyhow::Result<String> {
    let status = done(story, &["status"])?;
    let maps = status["maps"].as_array().context("no maps")?;
    let map = maps.iter().find(|map| map["map"] == MAP).context("no such map")?;
    Ok(map["version"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_comes_and_goes_while_changes_flow() -> anyhow::Result<()> {
    let mut story = Story::of_customers("", &["V-1"]).await?;
    let next = without_memos(&story)?;
    let path = next.to_str().context("the folder's name is not text")?.to_owned();

    // A file that was cut short is refused, and remembered once.
    let half = next.with_file_name("half.wasm");
    let whole = std::fs::read(&next)?;
    std::fs::write(&half, whole.get(..whole.len() / 2).unwrap_or_default())?;
    for _ in 0..2 {
        let reason = refused(&story, &["plugin", "install", half.to_str().unwrap_or_default()])?;
        ensure!(reason.contains("half.wasm is not a component"), "{reason}");
    }
    done(&story, &["plugin", "install", &path])?;
    let listed = done(&story, &["plugin", "list"])?;
    assert_eq!(listed["refused"].as_array().map(Vec::len), Some(1), "{listed:#}");

    // Beside the live version it is compared, and writes nothing.
    let mark = story.mark().await?;
    let tried = done(&story, &["plugin", "shadow", MAP, "1.1.0"])?;
    assert_eq!(tried["report"]["differences"]["description"]["rows"], 1, "{tried:#}");
    done(&story, &["plugin", "shadow", MAP, "--end"])?;
    assert!(story.written_since(mark, &story.dataverse, "accounts").await?.is_empty());
    assert_eq!(version(&story)?, "1.0.0");

    // Live, it carries names and leaves memos alone; and it stays live over a restart.
    done(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    assert_eq!(version(&story)?, "1.1.0");
    story.runtime.kill()?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    assert_eq!(version(&story)?, "1.1.0");
    let customer = story.customer_path("V-1");
    let memo = story.account("V-1").await?.cell("description").plain().to_owned();
    story.finops.update(&customer, &json!({"SalesMemo": "unheard", "OrganizationName": "Heard"})).await?;
    story.shows("V-1", "name", "Heard").await?;
    assert_eq!(story.account("V-1").await?.cell("description").plain(), memo);
    let traced = done(&story, &["trace", MAP, "usmf", "V-1"])?;
    assert_eq!(traced["link"]["dataverse"]["written_by"]["map_version"], "1.1.0", "{traced:#}");

    // Back again, what it wrote goes through the live version: the memo arrives.
    done(&story, &["plugin", "rollback", MAP])?;
    assert_eq!(version(&story)?, "1.0.0");
    done(&story, &["plugin", "reapply", MAP, "1.1.0"])?;
    story.shows("V-1", "description", "unheard").await?;

    // Condemned, it never runs again, until somebody releases it.
    done(&story, &["plugin", "quarantine", MAP, "1.1.0", "--reason", "forgets memos"])?;
    let reason = refused(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    ensure!(reason.contains("forgets memos"), "{reason}");
    done(&story, &["plugin", "release", MAP, "1.1.0"])?;
    done(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    done(&story, &["plugin", "activate", MAP, "1.0.0"])?;
    let history = done(&story, &["plugin", "history", MAP])?;
    assert!(history["history"].as_array().is_some_and(|lines| lines.len() >= 8), "{history:#}");
    story.settle().await?;
    story.nothing_went_wrong().await
}

//! What operators type, and what they have built.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::story::Story;

/// The map of which there are versions.
pub(super) const MAP: &str = "few-customers";

/// Runs the command against the story's runtime; answers its exit code and what it printed as JSON.
pub(super) fn ask(story: &Story, arguments: &[&str]) -> anyhow::Result<(i32, Value)> {
    let output = support::command()?
        .args(arguments)
        .args(["--json", "--config"])
        .arg(story.runtime.config())
        .output()?;
    let code = output.status.code().context("the command was killed")?;
    let said = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    let document = serde_json::from_slice(said)
        .with_context(|| format!("{arguments:?} printed {}", String::from_utf8_lossy(said)))?;
    Ok((code, document))
}

pub(super) fn done(story: &Story, arguments: &[&str]) -> anyhow::Result<Value> {
    let (code, document) = ask(story, arguments)?;
    ensure!(code == 0, "{arguments:?} ended with {code}: {document:#}");
    Ok(document)
}

/// Why the command was refused, in its own words.
pub(super) fn refused(story: &Story, arguments: &[&str]) -> anyhow::Result<String> {
    let (code, document) = ask(story, arguments)?;
    ensure!(code != 0, "{arguments:?} was done: {document:#}");
    Ok(document["error"]["because"][0].as_str().context("no reason")?.to_owned())
}

/// Version 1.1.0 of the map of customers, which knows nothing of memos.
pub(super) fn without_memos(story: &Story) -> anyhow::Result<PathBuf> {
    build(story, "1.1.0", |text| {
        text.lines().filter(|line| !line.contains("SalesMemo")).collect::<Vec<_>>().join("\n")
    })
}

/// Another version of the map of customers.
pub(super) fn build(
    story: &Story,
    version: &str,
    change: impl FnOnce(&str) -> String,
) -> anyhow::Result<PathBuf> {
    let map = story.maps.last().context("no map")?;
    let text = change(&std::fs::read_to_string(map)?);
    let file = map.with_file_name(format!("next-{version}.toml"));
    std::fs::write(&file, text.replace("version = \"1.0.0\"", &format!("version = \"{version}\"")))?;
    let component = file.with_extension("wasm");
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

/// The version of the map that runs.
pub(super) fn version(story: &Story) -> anyhow::Result<String> {
    let status = done(story, &["status"])?;
    let maps = status["maps"].as_array().context("no maps")?;
    let map = maps.iter().find(|map| map["map"] == MAP).context("no such map")?;
    Ok(map["version"].as_str().unwrap_or_default().to_owned())
}

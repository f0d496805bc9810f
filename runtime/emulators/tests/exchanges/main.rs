//! Recorded exchanges: for each rule of the two protocols that matters, what goes out and what comes back, readable, with
//! the public page that says so. They are replayed against the emulators over real HTTP.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod pattern;
mod replay;
mod script;

use std::path::Path;

use dualwright_emulators::{Options, dataverse, finops};
use replay::Replay;

/// The files of a folder, in the order of their names.
fn recorded(system: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges").join(system);
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (format!("{system}/{name}"), std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The options of an emulator with the tables beside the recorded exchanges.
fn options(folder: &Path) -> Options {
    let mut options = Options::new(folder.join("rows.sqlite"));
    options.schema_folder = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges/schema"));
    options
}

async fn replay_all(system: &str, url: String) {
    let replay = Replay::start(url).await;
    let mut broken = Vec::new();
    for (file, text) in recorded(system) {
        broken.extend(replay.run(&file, &script::parse(&file, &text)).await);
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n\n"));
}

#[tokio::test]
async fn dataverse_keeps_to_what_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = dataverse::start(options(folder.path())).await.unwrap();
    replay_all("dataverse", emulator.url()).await;
    emulator.shutdown().await;
}

#[tokio::test]
async fn finops_keeps_to_what_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let emulator = finops::start(options(folder.path())).await.unwrap();
    replay_all("finops", emulator.url()).await;
    emulator.shutdown().await;
}

#[test]
#[should_panic(expected = "names no page")]
fn a_rule_without_its_page_is_refused() {
    script::parse("a file", "### A rule\n> GET /x\n< 200\n### Another\n");
}

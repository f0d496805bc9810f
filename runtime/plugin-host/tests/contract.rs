//! The published contract stays what it was.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what went wrong by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wit_parser::Resolve;

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect()
}

fn digest(files: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (name, text) in files {
        hash.update(format!("{name} {}\n{text}", text.len()));
    }
    format!("{:x}", hash.finalize())
}

/// Components built against a published version are out there: when this fails, undo the change and publish a new one.
#[test]
fn version_1_0_0_is_frozen() {
    let frozen = files(&wit().join("published/1.0.0"));
    assert_eq!(digest(&frozen), "803c07b8a4ce81805322f5b71a709e541c15acc644912c8b451ba2fc6fb4b3cd");
}

/// 1.x only ever adds: what was published is in the current contract, word for word, so that a component of an older 1.x
/// is called as it always was.
#[test]
fn the_current_contract_only_adds_to_the_published_one() {
    let current = files(&wit());
    let package = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    for (name, text) in files(&wit().join("published/1.0.0")) {
        if name != "worlds.wit" {
            assert_eq!(package(&text), package(&current[&name]), "{name}");
        }
    }
}

#[test]
fn every_world_is_whole() {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit()).expect("the contract parses");
    for (world, exports) in [
        ("map-plugin", 1),
        ("map-plugin-with-host", 1),
        ("resolving-map-plugin", 2),
        ("validator-plugin", 1),
        ("extension-plugin", 1),
        ("full-map-plugin", 2),
    ] {
        let id = resolve.select_world(&[package], Some(world)).expect(world);
        assert_eq!(resolve.worlds[id].exports.len(), exports, "{world}");
    }
}

//! The copy of the contract that the package ships is the contract.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

fn package(folder: &Path) -> BTreeMap<String, String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn the_shipped_copy_equals_the_contract() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let original = here.join("../../wit");
    if !original.is_dir() {
        eprintln!("skipped: not inside the repository");
        return;
    }
    let (shipped, original) = (package(&here.join("wit")), package(&original));
    assert!(!original.is_empty());
    assert_eq!(shipped, original, "copy wit/*.wit to plugins/sdk/wit/");
}

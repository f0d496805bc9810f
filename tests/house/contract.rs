//! The plugin contract, once published, never changes.

use std::collections::BTreeMap;

use crate::sources;

fn contract(folder: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let path = sources::root().join(folder);
    let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{folder} is not there: {error}"));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    assert!(!files.is_empty(), "{folder} holds no .wit file");
    files
}

fn check_same(one: &str, other: &str) {
    let (left, right) = (contract(one), contract(other));
    let names: Vec<&String> = left.keys().chain(right.keys()).collect();
    let differing = names.into_iter().filter(|name| left.get(*name) != right.get(*name));
    let findings: Vec<String> = differing.map(|name| format!("{one}/{name} and {other}/{name}")).collect();
    sources::none(&findings, "copies of the plugin contract differ");
}

/// The SDK is published by itself and cannot reach out of its folder, so it ships a copy.
#[test]
fn the_sdk_ships_the_contract() {
    check_same("wit", "plugins/sdk/wit");
}

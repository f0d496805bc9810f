//! Who may import whom.

use std::collections::{BTreeMap, BTreeSet};

use crate::metadata::Metadata;
use crate::sources;

/// A row of the table in ARCHITECTURE.md.
struct Row {
    layer: u32,
    imports: BTreeSet<String>,
}

fn table() -> BTreeMap<String, Row> {
    let text = sources::read("ARCHITECTURE.md");
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", layer, folder, _, imports, ""] = cells.as_slice() else { continue };
        let Some(layer) = layer.strip_prefix('L').and_then(|number| number.parse().ok()) else { continue };
        let imports = imports.split_whitespace().map(str::to_owned).collect();
        assert!(rows.insert((*folder).to_owned(), Row { layer, imports }).is_none(), "{folder} has two rows");
    }
    assert!(rows.len() > 5, "ARCHITECTURE.md has no table of layers");
    rows
}

/// The name a room has in the table: the last part of its folder.
fn short(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap()
}

#[test]
fn the_table_of_layers_is_the_truth() {
    let (metadata, rows) = (Metadata::read(), table());
    let layer_of: BTreeMap<&str, u32> = rows.iter().map(|(folder, row)| (short(folder), row.layer)).collect();
    let names: BTreeMap<&str, String> =
        metadata.rooms().map(|room| (room.name.as_str(), short(&room.folder()).to_owned())).collect();
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for room in metadata.rooms().filter(|room| room.name != "dualwright-tests") {
        let folder = room.folder();
        seen.insert(folder.clone());
        let Some(row) = rows.get(&folder) else {
            findings.push(format!("{folder} has no row"));
            continue;
        };
        let actual: BTreeSet<String> =
            room.linked().iter().filter_map(|name| names.get(name).cloned()).collect();
        for import in actual.difference(&row.imports) {
            findings.push(format!("{folder} imports {import}, which its row does not name"));
        }
        for import in row.imports.difference(&actual) {
            findings.push(format!("{folder} does not import {import}, which its row names"));
        }
        for import in &actual {
            if layer_of.get(import.as_str()).is_none_or(|layer| *layer >= row.layer) {
                findings.push(format!("{folder} (L{}) imports {import}, which is not below it", row.layer));
            }
        }
        if folder.starts_with("plugins/") {
            let above = actual.iter().filter(|import| rows.contains_key(&format!("runtime/{import}")));
            findings.extend(above.map(|import| format!("{folder} is a plugin and imports runtime/{import}")));
        }
    }
    findings.extend(
        rows.keys().filter(|folder| !seen.contains(*folder)).map(|folder| format!("{folder} is gone")),
    );
    sources::none(
        &findings,
        "ARCHITECTURE.md's table of layers and Cargo.toml differ: change both or neither",
    );
}

/// I5, and the other things that are absent on purpose.
#[test]
fn heavy_crates_stay_in_their_rooms() {
    let rules: [(&[&str], &[&str]); 6] = [
        (&["reqwest", "hyper"], &["connect", "emulators", "cli"]),
        (&["rusqlite", "async-nats"], &["store", "emulators"]),
        (&["wasmtime"], &["plugin-host"]),
        (&["axum"], &["emulators", "control"]),
        (&["wasm-encoder", "wit-component", "wit-parser"], &["map-builder"]),
        (&["clap", "indicatif", "comfy-table"], &["cli"]),
    ];
    let pure = ["model", "diagnostics", "odata", "sync", "table-map", "sdk"];
    let effects =
        ["tokio", "futures", "async-trait", "rand", "tempfile", "notify", "tracing", "tracing-subscriber"];
    let mut findings = Vec::new();
    for room in Metadata::read().rooms().filter(|room| room.name != "dualwright-tests") {
        let folder = room.folder();
        for linked in room.linked() {
            for (crates, rooms) in rules {
                if crates.contains(&linked) && !rooms.contains(&short(&folder)) {
                    findings.push(format!("{folder} links {linked}, which belongs to {}", rooms.join(", ")));
                }
            }
            if pure.contains(&short(&folder)) && effects.contains(&linked) {
                findings.push(format!("{folder} is pure and links {linked}"));
            }
        }
    }
    sources::none(&findings, "a crate is used in a room that must not know it");
}

/// I5: a clock or a random number in `sync` would make its decisions unrepeatable.
#[test]
fn sync_has_no_clock_no_randomness_and_no_io() {
    let forbidden = [
        "SystemTime",
        "Instant::",
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
        "std::process",
        "async fn",
    ];
    let mut findings = Vec::new();
    for source in sources::all(&["rs"]) {
        if !source.path.starts_with("runtime/sync/") {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            let words = forbidden.iter().filter(|word| line.contains(**word));
            findings.extend(words.map(|word| format!("{}:{} uses {word}", source.path, number + 1)));
        }
    }
    sources::none(&findings, "sync decides and never acts (I5)");
}

//! Sizes and names of files.

use crate::sources;

const LINES_MAX: usize = 600;
const NAMELESS: [&str; 10] =
    ["utils", "util", "common", "helpers", "helper", "types", "misc", "manager", "stuff", "shared"];

#[test]
fn files_are_small() {
    let sources = sources::all(&["rs", "md", "sh"]);
    let long = sources.iter().filter(|source| source.text.lines().count() > LINES_MAX);
    let findings: Vec<String> =
        long.map(|source| format!("{} has {} lines", source.path, source.text.lines().count())).collect();
    sources::none(&findings, "a file over 600 lines holds two things: take them apart");
}

#[test]
fn modules_are_named_for_what_they_are() {
    let mut findings = Vec::new();
    for source in sources::all(&["rs"]) {
        let stem = source.path.trim_end_matches(".rs");
        if stem.split('/').any(|part| NAMELESS.contains(&part)) {
            findings.push(source.path);
        }
    }
    sources::none(&findings, "a module is named for what it is about, not for being useful");
}

/// A note to do something later has an owner in brackets, or nobody will.
#[test]
fn every_note_to_do_something_later_has_an_owner() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
    let mut findings = Vec::new();
    for source in sources::all(&["rs", "toml", "wit", "sh", "yml"]) {
        for (number, line) in source.text.lines().enumerate() {
            for word in words {
                let Some((before, after)) = line.split_once(word) else { continue };
                let whole = !before.ends_with(|letter: char| letter.is_alphanumeric())
                    && !after.starts_with(|letter: char| letter.is_alphanumeric());
                let owned = after.starts_with('(') && after.find(')').is_some_and(|end| end > 1);
                if whole && !owned {
                    findings.push(format!("{}:{}", source.path, number + 1));
                }
            }
        }
    }
    sources::none(&findings, "a note to do something later has no owner");
}

#[test]
fn architecture_stays_readable() {
    let lines = sources::read("ARCHITECTURE.md").lines().count();
    assert!(lines <= 300, "ARCHITECTURE.md has {lines} lines; nobody reads more than 300");
}

//! Every numbered invariant is cited where it is kept and where it is proved.

use std::collections::BTreeSet;

use crate::sources::{self, Source};

const NUMBERS: std::ops::RangeInclusive<u32> = 1..=12;

/// The invariants that a line cites: `I3`, not part of a longer word.
fn cited(line: &str) -> BTreeSet<u32> {
    line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter_map(|word| word.strip_prefix('I'))
        .filter(|digits| !digits.is_empty() && !digits.starts_with('0') && digits.len() <= 2)
        .filter_map(|digits| digits.parse().ok())
        .filter(|number| NUMBERS.contains(number))
        .collect()
}

/// Whether the whole file is test code.
fn is_test_file(path: &str) -> bool {
    let in_tests = path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
    in_tests || path.contains("/conformance")
}

/// What one file cites in code and in tests.
fn citations(source: &Source) -> [BTreeSet<u32>; 2] {
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    let mut in_test = is_test_file(&source.path);
    for line in source.text.lines() {
        in_test |= line.trim_start().starts_with("#[cfg(test)]");
        found[usize::from(in_test)].extend(cited(line));
    }
    found
}

#[test]
fn every_invariant_is_cited_in_code_and_in_a_test() {
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    for source in sources::all(&["rs"]) {
        // This file names them all.
        if source.path == "tests/house/invariants.rs" {
            continue;
        }
        for (all, some) in found.iter_mut().zip(citations(&source)) {
            all.extend(some);
        }
    }
    let mut findings = Vec::new();
    for number in NUMBERS {
        for (place, seen) in ["code", "tests"].iter().zip(&found) {
            if !seen.contains(&number) {
                findings.push(format!("I{number} is not cited in {place}"));
            }
        }
    }
    sources::none(&findings, "an invariant that nobody cites is a wish");
}

#[test]
fn architecture_states_every_invariant() {
    let text = sources::read("ARCHITECTURE.md");
    let missing = NUMBERS.filter(|number| !text.contains(&format!("- **I{number}** ")));
    let findings: Vec<String> = missing.map(|number| format!("I{number}")).collect();
    sources::none(&findings, "ARCHITECTURE.md does not state an invariant");
}

#[test]
fn a_citation_is_a_word_of_its_own() {
    assert_eq!(cited("// I3: kept here (I12)"), BTreeSet::from([3, 12]));
    assert!(cited("I13 I0 I01 XI3 I3x BI1 I").is_empty());
    let file = Source { path: "runtime/x/src/a.rs".into(), text: "// I1\n#[cfg(test)]\n// I2".into() };
    assert_eq!(citations(&file), [BTreeSet::from([1]), BTreeSet::from([2])]);
}

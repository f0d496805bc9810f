//! Every dependency has a licence that we may pass on.

use std::collections::BTreeSet;

use crate::metadata::Metadata;
use crate::sources;

/// The allow list of `.deny.toml`, so that there is only one.
fn allowed() -> BTreeSet<String> {
    let deny: toml::Table = sources::read(".deny.toml").parse().unwrap();
    let list = deny["licenses"]["allow"].as_array().unwrap();
    list.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Whether an SPDX expression can be satisfied with allowed licences only. `AND` binds closer than `OR`; the old
/// spelling `MIT/Apache-2.0` means `OR`. What cannot be read is not satisfied.
fn is_satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    either(&mut rest, allowed) == Some(true) && rest.is_empty()
}

fn either(tokens: &mut &[&str], allowed: &BTreeSet<String>) -> Option<bool> {
    let mut satisfied = both(tokens, allowed)?;
    while take(tokens, "OR") {
        satisfied |= both(tokens, allowed)?;
    }
    Some(satisfied)
}

fn both(tokens: &mut &[&str], allowed: &BTreeSet<String>) -> Option<bool> {
    let mut satisfied = one(tokens, allowed)?;
    while take(tokens, "AND") {
        satisfied &= one(tokens, allowed)?;
    }
    Some(satisfied)
}

fn one(tokens: &mut &[&str], allowed: &BTreeSet<String>) -> Option<bool> {
    if take(tokens, "(") {
        let satisfied = either(tokens, allowed)?;
        return take(tokens, ")").then_some(satisfied);
    }
    let name = next(tokens)?;
    if take(tokens, "WITH") {
        let exception = next(tokens)?;
        return Some(allowed.contains(&format!("{name} WITH {exception}")));
    }
    Some(allowed.contains(name))
}

fn next<'a>(tokens: &mut &[&'a str]) -> Option<&'a str> {
    let (first, rest) = tokens.split_first()?;
    *tokens = rest;
    Some(first)
}

fn take(tokens: &mut &[&str], word: &str) -> bool {
    let found = tokens.first() == Some(&word);
    if found {
        *tokens = &tokens[1..];
    }
    found
}

#[test]
fn every_dependency_may_be_passed_on() {
    let allowed = allowed();
    let mut findings = Vec::new();
    for package in Metadata::read().packages {
        match (&package.license, &package.license_file) {
            (Some(licence), _) if is_satisfied(licence, &allowed) => {}
            (Some(licence), _) => findings.push(format!("{} {}: {licence}", package.name, package.version)),
            (None, Some(file)) => findings.push(format!("{} {}: see {file}", package.name, package.version)),
            (None, None) => findings.push(format!("{} {}: none", package.name, package.version)),
        }
    }
    sources::none(&findings, "a dependency's licence is not on the list in .deny.toml");
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = BTreeSet::from(["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    for good in [
        "MIT",
        "MIT/GPL-3.0",
        "GPL-3.0 OR MIT",
        "(MIT OR X) AND Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_satisfied(good, &allowed), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "MIT WITH X", "", "(MIT", "MIT MIT", "MIT OR", "AND"] {
        assert!(!is_satisfied(bad, &allowed), "{bad}");
    }
}

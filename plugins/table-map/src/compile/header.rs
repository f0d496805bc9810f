//! The `[map]` table, without its fields.

use dualwright_sdk::{KeyPair, Leg};

use super::fields::Line;
use super::{Problem, is_column, problem, same_column};
use crate::table::{Direction, Header};

const ALL: [Leg; 2] = [Leg::ToDataverse, Leg::ToFinops];

/// Names and versions.
pub(super) fn check(header: &Header, problems: &mut Vec<Problem>) {
    for name in std::iter::once(&header.name).chain(&header.needs).chain(&header.excludes) {
        if !is_map_name(name.get_ref()) {
            let message = format!("{:?} is not a map's name", name.get_ref());
            problem(
                problems,
                name.span(),
                message,
                "lower-case letters, digits and single dashes: `customers-accounts`",
            );
        }
    }
    if let Some(own) = header.needs.iter().find(|needed| needed.get_ref() == header.name.get_ref()) {
        problem(problems, own.span(), "a map cannot need itself", "");
    }
    if let Some(own) = header.excludes.iter().find(|excluded| excluded.get_ref() == header.name.get_ref()) {
        problem(problems, own.span(), "a map cannot exclude itself", "");
    }
    if !is_version(header.version.get_ref()) {
        let message = format!("{:?} is not a version", header.version.get_ref());
        problem(problems, header.version.span(), message, "three numbers: `1.0.0`");
    }
    for table in [&header.finops, &header.dataverse] {
        if !is_column(table.get_ref()) || table.get_ref().contains('.') {
            let message = format!("{:?} is not a table", table.get_ref());
            problem(
                problems,
                table.span(),
                message,
                "the entity set as the service spells it: `CustomersV3`, `accounts`",
            );
        }
    }
}

/// The maps that this one needs, and with a `!` those that must not run beside it, as the contract writes them.
pub(super) fn neighbours(header: &Header) -> Vec<String> {
    let needs = header.needs.iter().map(|name| name.get_ref().clone());
    let excludes = header.excludes.iter().map(|name| format!("!{}", name.get_ref()));
    needs.chain(excludes).collect()
}

/// The key, at least one pair.
pub(super) fn key_pairs(header: &Header, problems: &mut Vec<Problem>) -> Vec<KeyPair> {
    let mut keys: Vec<KeyPair> = Vec::new();
    if header.key.get_ref().is_empty() {
        let hint = "name the columns by which both systems recognise a record: \
                    `key = [ { finops = \"CustomerAccount\", dataverse = \"accountnumber\" } ]`";
        problem(problems, header.key.span(), "a map needs a key", hint);
    }
    for pair in header.key.get_ref() {
        let columns = pair.get_ref();
        for name in [&columns.finops, &columns.dataverse] {
            if !is_column(name) {
                problem(problems, pair.span(), format!("{name:?} is not a column"), "");
            }
        }
        let twice = keys.iter().any(|known| {
            same_column(&known.finops, &columns.finops) || same_column(&known.dataverse, &columns.dataverse)
        });
        if twice {
            problem(problems, pair.span(), "this column is in the key already", "");
        }
        keys.push(KeyPair { finops: columns.finops.clone(), dataverse: columns.dataverse.clone() });
    }
    keys
}

/// The legs that the map names, in a fixed order; none when it leaves that to its fields.
pub(super) fn named_legs(header: &Header, problems: &mut Vec<Problem>) -> Option<Vec<Leg>> {
    let named = header.legs.as_ref()?;
    let has = |leg: Leg| {
        named.get_ref().iter().any(|direction| match direction {
            Direction::Both => true,
            Direction::ToDataverse => leg == Leg::ToDataverse,
            Direction::ToFinops => leg == Leg::ToFinops,
        })
    };
    let legs: Vec<Leg> = ALL.into_iter().filter(|leg| has(*leg)).collect();
    if legs.is_empty() {
        problem(problems, named.span(), "a map needs a leg", "`to-dataverse`, `to-finops` or both");
        return None;
    }
    Some(legs)
}

/// The legs that have fields; with no fields at all, the keys go to Dataverse.
pub(super) fn legs_with_fields(lines: &[Line]) -> Vec<Leg> {
    let legs: Vec<Leg> = ALL.into_iter().filter(|leg| lines.iter().any(|line| line.goes(*leg))).collect();
    if legs.is_empty() { vec![Leg::ToDataverse] } else { legs }
}

fn is_map_name(name: &str) -> bool {
    name.split('-').all(|part| {
        !part.is_empty()
            && part.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit())
    })
}

fn is_version(version: &str) -> bool {
    let numbers: Vec<&str> = version.split('.').collect();
    numbers.len() == 3
        && numbers.iter().all(|number| {
            number.parse::<u32>().is_ok()
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && (number.len() == 1 || !number.starts_with('0'))
        })
}

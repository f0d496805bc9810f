//! What TypeScript and Python projects know of the contract is the contract.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each type of a contract and, in order, its fields or cases.
type Types = BTreeMap<String, Vec<String>>;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    let path = here(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The records, variants and enums of the two interfaces that a plain map sees.
fn contract() -> Option<Types> {
    if !here("../../wit").is_dir() {
        eprintln!("skipped: not inside the repository");
        return None;
    }
    let mut types = Types::new();
    let mut open: Option<String> = None;
    for line in format!("{}{}", text("../../wit/types.wit"), text("../../wit/describe.wit")).lines() {
        let line = line.trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["record" | "variant" | "enum", name, "{"] => {
                types.insert((*name).to_owned(), Vec::new());
                open = Some((*name).to_owned());
            }
            ["}"] => open = None,
            [first, ..] if !first.starts_with("///") => {
                if let Some(members) = open.as_ref().and_then(|name| types.get_mut(name)) {
                    let member = first.split(['(', ':', ',']).next().unwrap();
                    members.push(member.trim_start_matches('%').to_owned());
                }
            }
            _ => {}
        }
    }
    assert_eq!(types.len(), 12, "{types:?}");
    assert_eq!(types["cell"].len(), 8, "{types:?}");
    Some(types)
}

fn pascal(name: &str) -> String {
    let word = |word: &str| format!("{}{}", word[..1].to_uppercase(), &word[1..]);
    name.split('-').map(word).collect()
}

fn camel(name: &str) -> String {
    let name = pascal(name);
    format!("{}{}", name[..1].to_lowercase(), &name[1..])
}

/// What stands between `begin` and the next blank line.
fn block<'a>(code: &'a str, begin: &str) -> &'a str {
    let start = code.find(begin).unwrap_or_else(|| panic!("there is no {begin:?}"));
    code[start..].split("\n\n").next().unwrap()
}

#[test]
fn typescript_knows_the_types_of_the_contract() {
    let Some(types) = contract() else { return };
    let code = text("src/scaffold/templates/typescript/sdk/contract.ts");
    for (name, members) in &types {
        let name = pascal(name);
        let record = format!("export interface {name} {{");
        let found: Vec<String> = if code.contains(&record) {
            let lines = block(&code, &record).lines().skip(1).filter_map(|line| line.trim().split_once(':'));
            lines.map(|(field, _)| field.trim_end_matches('?').to_owned()).collect()
        } else {
            // Names in quotes, of which a case of a variant has one.
            let block = block(&code, &format!("export type {name} ="));
            block.split('"').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let is_record = code.contains(&record);
        let expected: Vec<String> =
            members.iter().map(|member| if is_record { camel(member) } else { member.clone() }).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn python_knows_the_types_of_the_contract() {
    let Some(types) = contract() else { return };
    let folder = "src/scaffold/templates/python/wit_world/imports";
    let code = format!("{}{}", text(&format!("{folder}/types.py")), text(&format!("{folder}/describe.py")));
    for (name, members) in &types {
        let name = pascal(name);
        if !code.contains(&format!("class {name}")) {
            panic!("there is no {name}");
        }
        if code.contains(&format!("\n{name} = Union[")) {
            let line = block(&code, &format!("\n{name} = Union[")).lines().nth(1).unwrap();
            let cases: Vec<String> = members.iter().map(|case| format!("{name}_{}", pascal(case))).collect();
            assert_eq!(line.split_once('[').unwrap().1, format!("{}]", cases.join(", ")));
            continue;
        }
        let start =
            code.find(&format!("class {name}:")).or_else(|| code.find(&format!("class {name}(Enum)")));
        let body = code[start.unwrap()..].lines().skip(1);
        let found: Vec<String> = body
            .take_while(|line| line.starts_with("    "))
            .filter_map(|line| {
                let line = line.trim();
                let member = line.split([':', ' ']).next()?;
                let rest = line.strip_prefix(member)?;
                let named = rest.starts_with(": ") || rest.starts_with(" = ");
                named.then(|| member.to_lowercase().replace('_', "-"))
            })
            .collect();
        assert_eq!(&found, members, "{name}");
    }
}

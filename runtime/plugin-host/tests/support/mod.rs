//! Guests from text, and batches for them.
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

pub(crate) mod layer;

use std::path::Path;
use std::time::Duration;

use dualwright_model::{Decimal, Operation, Record, Value};
use dualwright_plugin_host::{GuestChange, Host, HostConfig, Limits, Outcome, Plugin, TransformResult};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What makes a hostile guest misbehave when a text cell says it.
pub(crate) const POISON: &str = "boom";
/// A row value that no message may carry.
pub(crate) const SECRET: &str = "a-row-value-nobody-may-see";

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    let path = folder().join("tests/guests").join(format!("{name}.wat"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The component made of `tests/guests/<name>.wat` and the prelude.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let text = read(name);
    // Imports come first in a module, so before the prelude.
    let (imports, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("(import "));
    let world = if imports.is_empty() { "map-plugin" } else { "map-plugin-with-host" };
    component(&format!("(module\n{}\n{}\n{}\n)", imports.join("\n"), read("prelude"), rest.join("\n")), world)
}

/// The component made of `tests/guests/<name>.wat`, in which each of these parts stands for its name in braces.
pub(crate) fn filled(name: &str, parts: &[(&str, &str)], world: &str) -> Vec<u8> {
    let mut text = read(name);
    for (part, value) in parts {
        text = text.replace(&format!("{{{part}}}"), value);
    }
    component(&format!("(module\n{}\n{text}\n)", read("prelude")), world)
}

/// A component of a core module, for a world of the contract: of the version that the module names. Most guests here
/// speak 1.0, as most components out there will.
pub(crate) fn component(module: &str, world: &str) -> Vec<u8> {
    let contract = if module.contains("@1.0.0") { "../../wit/published/1.0.0" } else { "../../wit" };
    let mut module = wat::parse_str(module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder().join(contract)).expect("the contract parses");
    let world = resolve.select_world(&[package], Some(world)).expect("the world exists");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .expect("a module")
        .encode()
        .expect("a component")
}

/// An honest guest that reads and writes so many columns `c0`, `c1` …, both legs alike.
pub(crate) fn wide_echo(columns: usize) -> Vec<u8> {
    use std::fmt::Write as _;

    let base = 4096;
    let (mut names, mut list) = (String::new(), String::new());
    for index in 0..columns {
        let name = format!("c{index}");
        let _ = write!(list, "{}", word(base + names.len()) + &word(name.len()));
        names.push_str(&name);
    }
    let at = base + names.len().next_multiple_of(8);
    let legs = at + columns * 8;
    let key = word(base) + &word(2);
    let leg = |which: usize| {
        let columns = word(at) + &word(columns);
        word(which) + &columns + &columns + &word(0).repeat(4)
    };
    let end = legs + 88;
    let echo = read("echo").replace(
        "describe\") (result i32) (i32.const 288))",
        &format!(
            "describe\") (result i32) (i32.const 288))
(data (i32.const {base}) \"{names}\")
(data (i32.const {at}) \"{list}\")
(data (i32.const {legs}) \"{}{}{key}{key}\")
(data (i32.const 328) \"{}{}{}{}\")",
            leg(0),
            leg(1),
            word(legs + 72),
            word(1),
            word(legs),
            word(2)
        ),
    );
    let prelude = read("prelude")
        .replace("(i32.const 1024))\n", &format!("(i32.const {}))\n", end.next_multiple_of(8)));
    component(&format!("(module\n{prelude}\n{echo}\n)"), "map-plugin")
}

fn word(number: usize) -> String {
    let number = u32::try_from(number).expect("small");
    number.to_le_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Limits whose deadline no guest but one that hangs ever meets, however busy the machine is.
pub(crate) fn patient() -> Limits {
    Limits { deadline: Duration::from_secs(120), ..tight() }
}

/// Limits under which a guest that hangs is soon found out.
pub(crate) fn tight() -> Limits {
    Limits { deadline: Duration::from_secs(1), deadline_per_row: Duration::ZERO, ..Limits::default() }
}

pub(crate) fn host(limits: Limits) -> Host {
    Host::new(HostConfig { limits, ..HostConfig::default() }).expect("a host")
}

pub(crate) fn load(host: &Host, name: &str) -> Plugin {
    host.load(name, &guest(name), &dualwright_plugin_host::Grants::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A row of `Left`.
pub(crate) fn row(key: usize, text: &str) -> GuestChange {
    let mut record = Record::new();
    record.set("K", Value::text(format!("key-{key}")));
    record.set("A", Value::text(text));
    record.set("B", Value::Decimal(Decimal::parse("-12.75").expect("a decimal")));
    GuestChange { operation: Operation::Upsert, record }
}

/// So many rows, of which some are poisoned.
pub(crate) fn batch(rows: usize, poison: &[usize]) -> Vec<GuestChange> {
    (0..rows).map(|index| row(index, if poison.contains(&index) { POISON } else { SECRET })).collect()
}

/// What an honest echo makes of [`row`].
pub(crate) fn echoed(key: usize, text: &str) -> TransformResult {
    let mut record = Record::new();
    record.set("k", Value::text(format!("key-{key}")));
    record.set("a", Value::text(text));
    record.set("b", Value::Decimal(Decimal::parse("-12.75").expect("a decimal")));
    Ok(Outcome::Upsert(record))
}

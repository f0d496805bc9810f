mod catalogue;
mod definitions;
mod solutions;

/// A definition that a company might have: its own tables, all kinds of lines.
const CRATES: &str = include_str!("tests/samples/crates.json");

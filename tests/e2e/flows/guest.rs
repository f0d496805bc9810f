//! Components made from text that do what no map should.
//!
//! They share the bodies of the plugin host's own hostile guests; what they describe is real tables, so that they can run
//! beside honest maps.

use std::fmt::Write as _;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// What the guests describe: a map from F&O to Dataverse that copies a key and one column of text.
pub(crate) struct Table {
    pub(crate) finops: &'static str,
    pub(crate) dataverse: &'static str,
    /// Pairs of key columns.
    pub(crate) key: &'static [(&'static str, &'static str)],
    /// The column of text.
    pub(crate) text: (&'static str, &'static str),
}

/// Where the description lies in all guests, and where what it points to begins: beyond what the guests themselves hold.
const DESCRIPTION: usize = 288;
const FREE: usize = 1024;

/// What guests that ask something outside are made for.
const ASKING: &str = "package test:guests; world asking { import dualwright:plugin/lookup@1.1.0; \
    import dualwright:plugin/http@1.1.0; export dualwright:plugin/mapper@1.1.0; }";

/// The component of a hostile body, `trap` or `spin`, for a table. It misbehaves when a text cell says `boom`.
pub(crate) fn component(name: &str, body: &str, table: &Table) -> anyhow::Result<Vec<u8>> {
    map_plugin(&module(name, &[&read(body)?], table)?)
}

/// The next version of the same.
pub(crate) fn next_component(name: &str, body: &str, table: &Table) -> anyhow::Result<Vec<u8>> {
    map_plugin(&module(name, &[&read(body)?], table)?.replace("\"1.0.0\"", "\"1.1.0\""))
}

/// The next version of an honest map, which answers well and takes its time over every row, always the same: so many steps.
pub(crate) fn slow_component(name: &str, steps: u32, table: &Table) -> anyhow::Result<Vec<u8>> {
    let body = read("slow")?
        .replace("(call $is_poison (local.get $change))", "(i32.const 1)")
        .replace("150000000", &steps.to_string());
    map_plugin(&module(name, &[&body], table)?.replace("\"1.0.0\"", "\"1.1.0\""))
}

/// The component of a body, `lookup` or `http`, that asks what its column of text says and writes the answer. `parts` are
/// put in for what stands in braces.
pub(crate) fn asking(
    name: &str,
    body: &str,
    parts: &[(&str, &str)],
    table: &Table,
) -> anyhow::Result<Vec<u8>> {
    let mut body = read(body)?;
    for (part, value) in parts {
        let fill = |line: &str| {
            let length = if line.starts_with("(data") {
                format!("\\{:02x}", value.len())
            } else {
                value.len().to_string()
            };
            line.replace(&format!("{{{part}-length}}"), &length).replace(&format!("{{{part}}}"), value)
        };
        body = body.lines().map(fill).collect::<Vec<_>>().join("\n");
    }
    let mut resolve = Resolve::default();
    resolve.push_dir(support::repository().join("wit"))?;
    let package = resolve.push_str("guests.wit", ASKING)?;
    let world = resolve.select_world(&[package], None)?;
    encode(&module(name, &[&read("asking")?, &body], table)?, &resolve, world)
}

fn read(name: &str) -> std::io::Result<String> {
    let guests = support::repository().join("runtime/plugin-host/tests/guests");
    std::fs::read_to_string(guests.join(format!("{name}.wat")))
}

/// The text of a module: imports come first.
fn module(name: &str, bodies: &[&str], table: &Table) -> anyhow::Result<String> {
    let prelude = read("prelude")?;
    let functions = prelude.find("(func $allocate").map(|at| &prelude[at..]).unwrap();
    let (data, end) = description(name, table);
    let heap = end.next_multiple_of(8);
    let (imports, rest): (Vec<&str>, Vec<&str>) =
        bodies.iter().flat_map(|body| body.lines()).partition(|line| line.starts_with("(import "));
    Ok(format!(
        "(module\n{}\n(memory (export \"memory\") 1)\n{data}\n(global $heap (mut i32) (i32.const {heap}))\n{functions}\n{}\n)",
        imports.join("\n"),
        rest.join("\n")
    ))
}

/// A map, of the version of the contract that the module names.
fn map_plugin(module: &str) -> anyhow::Result<Vec<u8>> {
    let contract = if module.contains("@1.0.0") { "wit/published/1.0.0" } else { "wit" };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(support::repository().join(contract))?;
    let world = resolve.select_world(&[package], Some("map-plugin"))?;
    encode(module, &resolve, world)
}

fn encode(module: &str, resolve: &Resolve, world: WorldId) -> anyhow::Result<Vec<u8>> {
    let mut module = wat::parse_str(module)?;
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}

/// The data of a description by the canonical ABI, and where it ends.
fn description(name: &str, table: &Table) -> (String, usize) {
    let mut memory = Memory { data: String::new(), end: FREE };
    let key: Vec<(usize, usize)> =
        table.key.iter().flat_map(|(here, there)| [memory.text(here), memory.text(there)]).collect();
    let keys = memory.list(&key, table.key.len());
    let cells = |of: fn(&(&'static str, &'static str)) -> &'static str| {
        table.key.iter().chain([&table.text]).map(of).collect::<Vec<_>>()
    };
    let count = table.key.len() + 1;
    let reads: Vec<_> = cells(|pair| pair.0).iter().map(|text| memory.text(text)).collect();
    let reads = memory.list(&reads, count);
    let writes: Vec<_> = cells(|pair| pair.1).iter().map(|text| memory.text(text)).collect();
    let writes = memory.list(&writes, count);
    // One leg, to Dataverse: direction, reads, writes, no filter, on-leave delete.
    let leg = memory.words(&[0, reads.0, reads.1, writes.0, writes.1, 0, 0, 0, 0]);
    let texts =
        [name, "1.0.0", "A hostile map.", table.finops, table.dataverse].map(|text| memory.text(text));
    let mut words: Vec<usize> = texts.iter().flat_map(|(at, length)| [*at, *length]).collect();
    words.extend([keys.0, keys.1, leg, 1, 0, 0, 0, 0]);
    let _ = writeln!(memory.data, "(data (i32.const {DESCRIPTION}) \"{}\")", bytes(&words));
    (memory.data, memory.end)
}

struct Memory {
    data: String,
    end: usize,
}

impl Memory {
    /// Puts a text somewhere; answers where, and its length.
    fn text(&mut self, text: &str) -> (usize, usize) {
        let at = self.end;
        let _ = writeln!(self.data, "(data (i32.const {at}) \"{text}\")");
        self.end += text.len().next_multiple_of(8);
        (at, text.len())
    }

    /// Puts a list of so many elements somewhere; answers where, and its length.
    fn list(&mut self, texts: &[(usize, usize)], count: usize) -> (usize, usize) {
        let words: Vec<usize> = texts.iter().flat_map(|(at, length)| [*at, *length]).collect();
        (self.words(&words), count)
    }

    fn words(&mut self, words: &[usize]) -> usize {
        let at = self.end;
        let _ = writeln!(self.data, "(data (i32.const {at}) \"{}\")", bytes(words));
        self.end += (words.len() * 4).next_multiple_of(8);
        at
    }
}

fn bytes(words: &[usize]) -> String {
    let word = |word: &usize| u32::try_from(*word).unwrap().to_le_bytes();
    words.iter().flat_map(word).map(|byte| format!("\\{byte:02x}")).collect()
}

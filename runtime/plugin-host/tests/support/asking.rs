//! Guests that ask something outside.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    let path = folder().join("tests/guests").join(format!("{name}.wat"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The component made of `tests/guests/<name>.wat`, which asks something outside; `parts` are put in for what stands in
/// braces, and their lengths, as numbers or as bytes of data, for `{name-length}`.
pub(crate) fn asking_guest(name: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let mut text = read(name);
    for (part, value) in parts {
        let length = format!("{{{part}-length}}");
        text = text
            .lines()
            .map(|line| {
                let bytes = line.starts_with("(data");
                let number = if bytes { format!("\\{:02x}", value.len()) } else { value.len().to_string() };
                line.replace(&length, &number).replace(&format!("{{{part}}}"), value)
            })
            .collect::<Vec<_>>()
            .join("\n");
    }
    let (imports, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("(import "));
    let module = format!(
        "(module\n{}\n{}\n{}\n{}\n)",
        imports.join("\n"),
        read("prelude"),
        read("asking"),
        rest.join("\n")
    );
    component(&module)
}

/// What guests that ask something outside are made for.
const ASKING: &str = "package test:guests; world asking { import dualwright:plugin/lookup@1.1.0; \
    import dualwright:plugin/http@1.1.0; export dualwright:plugin/mapper@1.1.0; }";

fn component(module: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    let mut resolve = Resolve::default();
    resolve.push_dir(folder().join("../../wit")).expect("the contract parses");
    let package = resolve.push_str("guests.wit", ASKING).expect("the world parses");
    let world = resolve.select_world(&[package], None).expect("the world exists");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .expect("a module")
        .encode()
        .expect("a component")
}

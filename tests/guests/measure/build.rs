//! Compiles the measured map, so that the guest runs the same table as the `table-map` component does.

#![allow(clippy::print_stdout, reason = "cargo listens to it")]

use std::error::Error;
use std::path::PathBuf;

use dualwright_table_map::compile;

const MAP: &str = "../../benches/plugins/wide.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={MAP}");
    let file = compile::parse(&std::fs::read_to_string(MAP)?).map_err(|problem| problem.message)?;
    let map = compile::compile(&file, &mut |name| Err(format!("no value set {name}")))
        .map_err(|problems| format!("{problems:?}"))?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("wide.table"), map.encode())?;
    let leg = &map.description.legs[0];
    let names =
        format!("const READS: &[&str] = &{:?};\nconst WRITES: &[&str] = &{:?};\n", leg.reads, leg.writes);
    std::fs::write(out.join("columns.rs"), names)?;
    Ok(())
}

//! `dualwright map export`: map files become dual-write's own definitions.

use std::path::{Path, PathBuf};

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::dual_write::{Exported, Remark, Sheet, Weight, export};
use dualwright_map_builder::project::{Project, Source};
use dualwright_map_builder::{manifest, map_files};
use serde_json::{Value as Json, json};

use super::build::write_whole;
use super::workshop::no_project;
use crate::assembly::build_failure;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
One map is written as its definition, the JSON of msdyn_mapping; a folder of maps as rows of msdyn_dualwriteentitymap.
What dual-write has no words for stands in members named dualwright, and is listed; `map import` gets the same map back.

Exit codes:
  0  dual-write would do all that the maps say
  1  written, and something in it is understood by Dualwright only
  2  nothing was written

Examples:
  dualwright map export maps/crates/map.toml --output crates.json
  dualwright map export plugins/catalogue --output catalogue.json";

/// Turns map files into dual-write's own definitions, and says what dual-write would not do.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Export {
    /// A map file, a project's folder, or a folder of maps.
    #[arg(value_name = "MAP", default_value = ".")]
    map: PathBuf,
    /// Where to write it; printed when left out.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write rows of the table also for a single map.
    #[arg(long)]
    rows: bool,
}

impl Export {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let files = map_files_of(&self.map)?;
        let mut maps = Vec::new();
        for file in &files {
            maps.push((file, exported(file)?));
        }
        let json = match maps.as_slice() {
            [(_, one)] if !self.rows => one.mapping.clone(),
            several => json!({ "value": several.iter().map(|(_, map)| map.row()).collect::<Vec<Json>>() }),
        };
        let text = serde_json::to_string_pretty(&json)
            .map_err(|error| Failure::runtime("cannot write the definition").because(error))?;
        match &self.output {
            Some(path) => write_whole(path, format!("{text}\n").as_bytes()).map_err(|error| {
                Failure::runtime("cannot write the file").at(path.display()).because(error)
            })?,
            None => output.line(text),
        }
        // Remarks are no part of what is written, which somebody may send on.
        for (file, map) in &maps {
            for remark in &map.remarks {
                output.note(format!("{}: {remark}", file.display()));
            }
        }
        let documents: Vec<Json> = maps
            .iter()
            .map(|(file, map)| json!({ "file": file, "name": map.name, "version": map.version, "remarks": map.remarks }))
            .collect();
        output.document(&json!({ "maps": documents, "definition": json }))?;
        let lost = |remark: &Remark| remark.weight == Weight::Lost;
        let whole = !maps.iter().any(|(_, map)| map.remarks.iter().any(lost));
        Ok(if whole { Exit::Done } else { Exit::Runtime })
    }
}

/// The map files that a path means.
pub(super) fn map_files_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    match Project::find(path) {
        Ok(Project { source: Source::Table(file), .. }) => Ok(vec![file]),
        Ok(project) => Err(Failure::usage("only map files have field lines")
            .at(project.path().display())
            .hint("give the map.toml that it was made from")),
        Err(error) if path.is_dir() => {
            let files = map_files(path).map_err(|error| build_failure(&error))?;
            if files.is_empty() { Err(no_project(&error)) } else { Ok(files) }
        }
        Err(error) => Err(no_project(&error)),
    }
}

/// Reads a map file; it must make sense.
pub(super) fn sheet(file: &Path) -> Result<Sheet, Failure> {
    manifest::read(file).map_err(|error| build_failure(&error))?;
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage("cannot read the map").at(file.display()).because(error))?;
    Sheet::parse(&text)
        .map_err(|error| Failure::usage("this is no map file").at(file.display()).because(error))
}

fn exported(file: &Path) -> Result<Exported, Failure> {
    Ok(export(&sheet(file)?, &mut |name| manifest::value_set(file, name).map(|(_, set)| set)))
}

//! `dualwright map build`: a map file becomes a component.

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress};
use serde::Serialize;

use crate::assembly::build;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
The first build on a machine also builds the guest that runs map files; later builds take well under a second.

Example:
  dualwright map build plugins/catalogue/customers/customer-groups.toml -o customer-groups.wasm";

/// Turns a map file into one self-contained component.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Build {
    /// The map file.
    #[arg(value_name = "MAP.TOML")]
    map: PathBuf,
    /// Where to write the component; beside the map file when left out.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document<'a> {
    map: &'a str,
    version: &'a str,
    file: &'a PathBuf,
    bytes: usize,
    digest: &'a str,
    toolchain: &'a str,
}

impl Build {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = self.output.unwrap_or_else(|| self.map.with_extension("wasm"));
        let notes = *output;
        let progress = BuildProgress::new(move |line| notes.note(line));
        let built = build(&self.map, &BuildOptions { progress, ..BuildOptions::default() }).await?;
        write_whole(&target, &built.bytes).map_err(|error| {
            Failure::runtime("cannot write the component").at(target.display()).because(error)
        })?;
        let description = &built.description;
        output.line(format!(
            "{} {} → {} ({} bytes, sha256 {}; guest built with {})",
            description.name,
            description.version,
            target.display(),
            built.bytes.len(),
            built.digest,
            built.toolchain
        ));
        output.document(&Document {
            map: description.name.as_str(),
            version: &description.version,
            file: &target,
            bytes: built.bytes.len(),
            digest: built.digest.as_str(),
            toolchain: &built.toolchain,
        })?;
        Ok(Exit::Done)
    }
}

/// Writes a file so that nobody ever sees half of it (I7): a watcher would load it.
fn write_whole(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let half = path.with_file_name(name);
    let written = std::fs::write(&half, bytes).and_then(|()| std::fs::rename(&half, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&half);
    }
    written
}

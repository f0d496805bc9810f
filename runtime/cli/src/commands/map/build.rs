//! `dualwright map build`: a map file or a project becomes a component.

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::project::{Project, Source};
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress};
use dualwright_plugin_host::{Grants, Loaded};
use serde::Serialize;

use super::workshop::{build_project, load, no_project, sandbox};
use crate::{Failure, Output};

const EXAMPLE: &str = "\
The first build on a machine also builds the guest that runs map files; later builds take well under a second.

Example:
  dualwright map build plugins/catalogue/customers/customer-groups.toml -o customer-groups.wasm
  dualwright map build .          in a project made by dualwright map new";

/// Turns a map file or a project into one self-contained component.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Build {
    /// The map file, or a project's folder.
    #[arg(value_name = "MAP", default_value = ".")]
    map: PathBuf,
    /// Where to write the component; beside the map file, or in the project's folder, when left out.
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
        let project = Project::find(&self.map).map_err(|error| no_project(&error))?;
        if let Source::Component(path) = &project.source {
            return Err(Failure::usage("this is a component already").at(path.display()));
        }
        let target = self.output.unwrap_or_else(|| project.output());
        let notes = *output;
        let options = BuildOptions {
            progress: BuildProgress::new(move |line| notes.note(line)),
            ..BuildOptions::default()
        };
        let built = build_project(&project, &options).await?;
        // Nothing is written that the sandbox would refuse later.
        let loaded = load(&sandbox(None)?, &project, built.bytes.clone(), Grants::for_examination()).await?;
        write_whole(&target, &built.bytes).map_err(|error| {
            Failure::runtime("cannot write the component").at(target.display()).because(error)
        })?;
        let (name, version, digest) = match &loaded {
            Loaded::Map(map) => {
                let said = map.description();
                (said.name.as_str(), &said.version, map.digest())
            }
            Loaded::Layer(layer) => {
                let said = layer.description();
                (said.name.as_str(), &said.version, layer.digest())
            }
        };
        let toolchain = built.toolchain.as_deref().unwrap_or("an unknown tool chain");
        output.line(format!(
            "{} {} → {} ({} bytes, sha256 {}; guest built with {})",
            name,
            version,
            target.display(),
            built.bytes.len(),
            digest,
            toolchain
        ));
        output.document(&Document {
            map: name,
            version,
            file: &target,
            bytes: built.bytes.len(),
            digest: digest.as_str(),
            toolchain,
        })?;
        Ok(Exit::Done)
    }
}

/// Writes a file so that nobody ever sees half of it (I7): a watcher would load it.
pub(super) fn write_whole(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let half = path.with_file_name(name);
    let written = std::fs::write(&half, bytes).and_then(|()| std::fs::rename(&half, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&half);
    }
    written
}

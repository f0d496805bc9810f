//! `dualwright init`: a commented configuration to start from.

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use serde::Serialize;

use crate::config::TEMPLATE;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Example:
  dualwright init --path shop/dualwright.toml";

/// Writes a commented configuration file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Init {
    /// Where to write it.
    #[arg(long, default_value = "dualwright.toml", value_name = "FILE")]
    path: PathBuf,
    /// Overwrite a file that is there already.
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    path: &'a PathBuf,
}

impl Init {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true);
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        let mut file = options.open(&self.path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Failure::usage("the file exists already and was left as it is")
                    .at(self.path.display())
                    .hint("choose another --path, or overwrite it with --force")
            }
            _ => Failure::runtime("cannot write the configuration").at(self.path.display()).because(error),
        })?;
        std::io::Write::write_all(&mut file, TEMPLATE.as_bytes()).map_err(|error| {
            Failure::runtime("cannot write the configuration").at(self.path.display()).because(error)
        })?;
        output.line(format!("wrote {}", self.path.display()));
        output.line(
            "next: fill in the two environments, put the secrets into the environment variables it names,",
        );
        output.line(format!("      then run: dualwright doctor --config {}", self.path.display()));
        output.document(&Document { path: &self.path })?;
        Ok(Exit::Done)
    }
}

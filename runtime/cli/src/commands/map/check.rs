//! `dualwright map check`: does a map fit both systems?

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress};

use crate::assembly::{connect, host, load_map};
use crate::config::{Config, Map};
use crate::examination;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Example:
  dualwright map check customer-groups.wasm --config dualwright.toml";

/// Checks a map against the tables of both systems.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Check {
    /// The component, or a map file.
    #[arg(value_name = "MAP")]
    map: PathBuf,
    /// The configuration that names both systems. Its own maps are left alone.
    #[arg(long, default_value = "dualwright.toml", value_name = "FILE")]
    config: PathBuf,
}

impl Check {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let config = Config::load(&self.config)?;
        let pair = connect(&config)?;
        // The path is the person's, seen from here, not from the configuration's folder.
        let file = std::path::absolute(&self.map)
            .map_err(|error| Failure::usage("cannot find the map").at(self.map.display()).because(error))?;
        let notes = *output;
        let options = BuildOptions {
            progress: BuildProgress::new(move |line| notes.note(line)),
            ..BuildOptions::default()
        };
        let map = load_map(&host(&config)?, &config, &Map::of_file(file), &options).await?;
        let mut findings = Vec::new();
        let reached = examination::check_access(&pair, &mut findings).await;
        examination::check_map(&pair, reached, &map, &mut findings).await;
        examination::tell(findings, output)
    }
}

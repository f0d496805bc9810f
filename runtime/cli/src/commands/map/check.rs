//! `dualwright map check`: do maps fit both systems, and each other?

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::check::Schemas;
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress};
use dualwright_model::TableName;

use crate::assembly::{LoadedMap, connect, host, load_map};
use crate::config::{Config, Map};
use crate::examination::{self, Finding};
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Examples:
  dualwright map check customer-groups.wasm --config dualwright.toml
  dualwright map check customers.toml payment-terms.toml --filled transactioncurrencies";

/// Checks maps against the tables of both systems, and against the maps of the configuration.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Check {
    /// The components, or map files, that are to run together.
    #[arg(value_name = "MAP", required = true)]
    maps: Vec<PathBuf>,
    /// The configuration that names both systems. Its own maps are not judged, but the given ones must get along
    /// with them; one of the same name is taken to be replaced.
    #[arg(long, default_value = "dualwright.toml", value_name = "FILE")]
    config: PathBuf,
    /// A table that something other than a map fills, so that lookups may lead to it; may be given several times.
    #[arg(long, value_name = "TABLE")]
    filled: Vec<String>,
}

impl Check {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let config = Config::load(&self.config)?;
        let pair = connect(&config)?;
        let notes = *output;
        let options = BuildOptions {
            progress: BuildProgress::new(move |line| notes.note(line)),
            ..BuildOptions::default()
        };
        let host = host(&config, &pair)?;
        let mut maps: Vec<LoadedMap> = Vec::new();
        for path in &self.maps {
            // The path is the person's, seen from here, not from the configuration's folder.
            let file = std::path::absolute(path)
                .map_err(|error| Failure::usage("cannot find the map").at(path.display()).because(error))?;
            maps.push(load_map(&host, &config, &Map::of_file(file), &options).await?);
        }
        let candidates = maps.len();
        let mut findings = Vec::new();
        for settings in &config.maps {
            match load_map(&host, &config, settings, &options).await {
                Ok(map) if maps.iter().any(|known| known.description().name == map.description().name) => {}
                Ok(map) => maps.push(map),
                Err(_) => {
                    let message =
                        "this map of the configuration could not be read, so nothing was compared with it";
                    let place = settings.file.display().to_string();
                    let hint = "dualwright doctor says what is wrong with it";
                    findings.push(Finding::warning(place, "map-not-read", message).hint(hint));
                }
            }
        }
        let reached = examination::check_access(&pair, &mut findings).await;
        let mut checked: Vec<(&LoadedMap, Schemas)> = Vec::new();
        for map in maps.iter().take(candidates) {
            let schemas = examination::check_map(&pair, reached, map, &mut findings).await;
            checked.push((map, schemas));
        }
        // Of the maps that run already only the descriptions count.
        checked.extend(maps.iter().skip(candidates).map(|map| (map, Schemas::default())));
        if checked.len() > 1 {
            let together: Vec<_> =
                checked.iter().map(|(map, schemas)| (map.description(), schemas)).collect();
            let filled: Vec<TableName> =
                self.filled.iter().map(|table| TableName::new(table.as_str())).collect();
            examination::check_together(&together, candidates, &filled, &mut findings);
        }
        examination::tell(findings, output)
    }
}

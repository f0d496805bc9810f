//! `dualwright doctor`: what is wrong with a configuration, before it runs.

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress};

use crate::assembly::{connect, host, load_map};
use crate::config::Config;
use crate::examination::{self, Finding};
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Signs in to both systems, describes every table of every map, reads a row of it and checks each map against them:
unreachable, unauthorised, a role that may not read, unknown table, unknown field, missing or inactive alternate key,
change tracking, clocks, and whether pushes can arrive. Says how to mend each. Nothing is written anywhere.

Example:
  dualwright doctor --config dualwright.toml";

/// Says what is wrong with a configuration before it runs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Doctor {
    /// The configuration; `dualwright init` writes one.
    #[arg(long, default_value = "dualwright.toml", value_name = "FILE")]
    config: PathBuf,
}

impl Doctor {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let config = Config::load(&self.config)?;
        let pair = connect(&config)?;
        let mut findings =
            vec![Finding::good(self.config.display().to_string(), "the configuration can be read")];
        examination::check_pushes(&config, &mut findings).await;
        let reached = examination::check_access(&pair, &mut findings).await;
        examination::check_clocks(&config, &mut findings).await;
        let host = host(&config, &pair)?;
        let notes = *output;
        let options = BuildOptions {
            progress: BuildProgress::new(move |line| notes.note(line)),
            ..BuildOptions::default()
        };
        for settings in &config.maps {
            match load_map(&host, &config, settings, &options).await {
                Ok(map) => {
                    let layers = map.stacked.stack.layers();
                    examination::check_map(&pair, reached, &map, layers, &mut findings).await;
                    examination::check_grants(&pair, reached, &map, &mut findings).await;
                }
                Err(failure) => {
                    let place = settings.file.display().to_string();
                    findings.push(
                        Finding::error(
                            place,
                            "map-unusable",
                            failure.to_string().trim_start_matches("error: "),
                        )
                        .exit(failure.exit()),
                    );
                }
            }
        }
        examination::tell(findings, output)
    }
}

//! `dualwright map preview`: what would another version of a map write?

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_engine::{MapLogic, ShadowReport, preview};
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress};
use dualwright_model::{Change, Leg, MapName};
use dualwright_store::sqlite::SqliteStore;
use serde_json::json;

use super::super::sample::told;
use crate::assembly::{Candidate, connect, engine_failure, host, load_map};
use crate::config::Config;
use crate::output::table;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
The newest changes that the runtime captured, with their rows as they were then, go through the map that the configuration
names and through the candidate. Where fewer are kept in its store (`recorded-changes`), rows are read from both systems
now; how many of each is told. The answers are compared, column by column; nothing is written anywhere.

Example:
  dualwright map preview customers-accounts.toml --last 50 --config dualwright.toml";

/// Shows what a candidate would write otherwise than the configured map, applying nothing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Preview {
    /// The candidate: a component, or a map file; also a validator or an extension of a configured map.
    #[arg(value_name = "MAP")]
    candidate: PathBuf,
    /// So many rows of each direction: the last captured ones first.
    #[arg(long, default_value_t = 50, value_name = "ROWS")]
    last: usize,
    /// The configuration that names both systems, and the map as it runs now.
    #[arg(long, default_value = "dualwright.toml", value_name = "FILE")]
    config: PathBuf,
}

impl Preview {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let config = Config::load(&self.config)?;
        let pair = connect(&config)?;
        let notes = *output;
        let options = BuildOptions {
            progress: BuildProgress::new(move |line| notes.note(line)),
            ..BuildOptions::default()
        };
        let host = host(&config, &pair)?;
        let candidate = Candidate::open(&host, &self.candidate, &options).await?;
        let mut live = None;
        for settings in &config.maps {
            let map = load_map(&host, &config, settings, &options).await?;
            if candidate.belongs_to(&map) {
                live = Some(map);
                break;
            }
        }
        let live = live.ok_or_else(|| {
            let name = candidate.identity.map.as_ref().unwrap_or(&candidate.identity.name);
            Failure::usage(format!("no map of the configuration is named {name}"))
                .at(self.config.display())
                .hint("preview compares a candidate with the map that runs now; add that under [[map]]")
        })?;
        let name = live.description().name.clone();
        let candidate = candidate.in_place(&host, &live).await?;
        let (live, candidate): (&dyn MapLogic, &dyn MapLogic) = (live.stacked.stack.as_ref(), &candidate);
        let captured = captured(&config, &name, self.last).await?;
        let found = preview(&pair, live, candidate, captured, self.last)
            .await
            .map_err(|error| engine_failure(&error))?;
        let legs: Vec<_> =
            found.iter().map(|(leg, report)| json!({ "leg": leg.to_string(), "report": report })).collect();
        output.document(&json!({ "map": name.as_str(), "legs": legs }))?;
        for (leg, report) in &found {
            tell(&leg.to_string(), report, output);
        }
        Ok(Exit::Done)
    }
}

/// What the store keeps of the map's last changes, whether a runtime has it open or not.
async fn captured(
    config: &Config,
    map: &MapName,
    last: usize,
) -> Result<BTreeMap<Leg, Vec<Change>>, Failure> {
    let path = config.resolve(&config.store.path);
    let mut captured = BTreeMap::new();
    for leg in Leg::ALL {
        let changes =
            SqliteStore::recorded_in(path.clone(), map.clone(), leg, last).await.map_err(|error| {
                Failure::runtime("cannot read the captured changes of the store")
                    .at(path.display())
                    .because(error)
                    .hint("a configuration whose [store] path names no file has every row read now")
            })?;
        captured.insert(leg, changes);
    }
    Ok(captured)
}

fn tell(leg: &str, report: &ShadowReport, output: &Output) {
    let ShadowReport { same, rows, faults, .. } = report;
    output.line(format!("{leg}: {same} of {rows} rows alike, {faults} faults ({})", told(&json!(report))));
    if report.differences.is_empty() {
        return;
    }
    let mut shown = table(&["column", "rows", "now", "candidate"]);
    for (column, difference) in &report.differences {
        for (place, sample) in difference.samples.iter().enumerate() {
            let (column, rows) = match place {
                0 => (column.clone(), difference.rows.to_string()),
                _ => (String::new(), String::new()),
            };
            shown.add_row([column, rows, sample.live.clone(), sample.candidate.clone()]);
        }
    }
    output.line(shown.to_string());
}

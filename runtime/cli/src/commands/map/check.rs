//! `dualwright map check`: do maps fit both systems, and each other?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::check::Schemas;
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress};
use dualwright_model::{MapName, TableName};
use dualwright_plugin_host::registry::Identity;
use dualwright_plugin_host::{Grants, Host, Layer};

use crate::assembly::{Candidate, LoadedMap, connect, host, load_map};
use crate::config::{Config, Map};
use crate::examination::{self, Finding};
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Examples:
  dualwright map check customer-groups.wasm --config dualwright.toml
  dualwright map check customers.toml payment-terms.toml --filled transactioncurrencies
  dualwright map check customers-2.0.0.wasm --with customer-loyalty.wasm --with credit-limit.wasm";

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
    /// What is to be stacked on the map, beside the layers that the configuration stacks on it: validators and
    /// extensions, the lowest first; may be given several times. A layer of a name that is configured takes its place.
    #[arg(long, value_name = "LAYER")]
    with: Vec<PathBuf>,
    /// A table that something other than a map fills, so that lookups may lead to it; may be given several times.
    #[arg(long, value_name = "TABLE")]
    filled: Vec<String>,
}

impl Check {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let config = Config::load_systems(&self.config)?;
        let pair = connect(&config)?;
        let notes = *output;
        let options = BuildOptions {
            progress: BuildProgress::new(move |line| notes.note(line)),
            ..BuildOptions::default()
        };
        let host = host(&config, &pair)?;
        let mut findings = Vec::new();
        let running = running(&host, &config, &options, &mut findings).await;
        let mut maps: Vec<Judged> = Vec::new();
        for path in &self.maps {
            maps.push(judged(&host, &config, &options, &running, path).await?);
        }
        for path in &self.with {
            add_layer(&host, &options, &mut maps, path).await?;
        }
        let reached = examination::check_access(&pair, &mut findings).await;
        let mut checked: Vec<(&LoadedMap, Schemas)> = Vec::new();
        for Judged { map, layers, .. } in &maps {
            let schemas = examination::check_map(&pair, reached, map, layers, &mut findings).await;
            checked.push((map, schemas));
        }
        let candidates = maps.len();
        let name = |map: &LoadedMap| map.description().name.clone();
        let names: Vec<MapName> = maps.iter().map(|judged| name(&judged.map)).collect();
        // Of the maps that run already only the descriptions count; one of the same name is taken to be replaced.
        let others = running.iter().map(|(_, map)| map).filter(|map| !names.contains(&name(map)));
        checked.extend(others.map(|map| (map, Schemas::default())));
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

/// The maps of the configuration that can be read, with what it says of them.
async fn running(
    host: &Host,
    config: &Config,
    options: &BuildOptions,
    findings: &mut Vec<Finding>,
) -> Vec<(Map, LoadedMap)> {
    let mut maps = Vec::new();
    for settings in &config.maps {
        match load_map(host, config, settings, options).await {
            Ok(map) => maps.push((settings.clone(), map)),
            Err(_) => {
                let message =
                    "this map of the configuration could not be read, so nothing was compared with it";
                let place = settings.file.display().to_string();
                let hint = "dualwright doctor says what is wrong with it";
                findings.push(Finding::warning(place, "map-not-read", message).hint(hint));
            }
        }
    }
    maps
}

/// A map that is to be judged.
struct Judged {
    map: LoadedMap,
    /// What is stacked on it: it may not fit.
    layers: Vec<Layer>,
    /// What the configuration grants its layers, by name.
    grants: BTreeMap<MapName, Grants>,
}

/// A map with the layers that the configuration stacks on it, and with the grants it gives both.
async fn judged(
    host: &Host,
    config: &Config,
    options: &BuildOptions,
    running: &[(Map, LoadedMap)],
    path: &Path,
) -> Result<Judged, Failure> {
    let candidate = Candidate::open(host, path, options).await?;
    let Identity { name, role, map, .. } = &candidate.identity;
    if let Some(map) = map {
        return Err(Failure::usage(format!("this is no map but a layer: the {role} {name}"))
            .at(path.display())
            .hint(format!(
                "check it with its map: dualwright map check {map}.wasm --with {}",
                path.display()
            )));
    }
    let configured = running.iter().find(|(_, map)| candidate.belongs_to(map));
    let settings = Map {
        file: PathBuf::from(&candidate.file),
        layers: Vec::new(),
        ..configured.map_or_else(|| Map::of_file(PathBuf::new()), |(settings, _)| settings.clone())
    };
    let stacked = configured.map(|(_, map)| &map.stacked);
    Ok(Judged {
        layers: stacked.map(|stacked| stacked.stack.layers().to_vec()).unwrap_or_default(),
        grants: stacked.map(|stacked| stacked.grants.clone()).unwrap_or_default(),
        map: load_map(host, config, &settings, options).await?,
    })
}

/// Puts a layer on the one among the maps that it is made for.
async fn add_layer(
    host: &Host,
    options: &BuildOptions,
    judged: &mut [Judged],
    path: &Path,
) -> Result<(), Failure> {
    let candidate = Candidate::open(host, path, options).await?;
    let Some(map) = candidate.identity.map.clone() else {
        return Err(Failure::usage("this is a map, and no layer to put on one").at(path.display()));
    };
    let Some(place) = judged.iter_mut().find(|judged| candidate.belongs_to(&judged.map)) else {
        return Err(Failure::usage(format!(
            "this layer is made for the map {map}, which is not among these"
        ))
        .at(path.display())
        .hint(format!("name that map too: dualwright map check {map}.wasm --with {}", path.display())));
    };
    let grants = place.grants.get(&candidate.identity.name).cloned().unwrap_or_default();
    let layer = candidate.layer(host, grants).await?;
    let name = &layer.description().name;
    match place.layers.iter_mut().find(|known| known.description().name == *name) {
        Some(known) => *known = layer,
        None => place.layers.push(layer),
    }
    Ok(())
}

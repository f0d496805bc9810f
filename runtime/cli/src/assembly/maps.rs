//! The maps of a configuration, as components in the sandbox.

use std::path::Path;
use std::sync::Arc;

use dualwright_diagnostics::Class;
use dualwright_engine::{MapSettings, Pair};
use dualwright_map_builder::{BuildError, BuildOptions, BuiltMap, build_map};
use dualwright_model::{MapName, System};
use dualwright_plugin_host::{Description, Host, HostConfig, HostError, Limits, Services};

use super::services::MapServices;
use super::stack::Stacked;
use crate::Failure;
use crate::config::{self, Config};

/// A map, ready to run.
pub(crate) struct LoadedMap {
    /// The map and its layers in the sandbox, and where they came from.
    pub(crate) stacked: Stacked,
    /// What the map file says, when it was one.
    pub(crate) built: Option<BuiltMap>,
    /// What the configuration says of it.
    settings: config::Map,
}

/// All maps of a configuration, and the sandbox they are in.
pub(crate) struct LoadedMaps {
    /// The sandbox.
    pub(crate) host: Host,
    /// The maps, in the configuration's order.
    pub(crate) maps: Vec<LoadedMap>,
}

impl LoadedMap {
    /// What the map and its layers are together.
    pub(crate) fn description(&self) -> &Description {
        self.stacked.stack.description()
    }

    /// The map as the engine wants it.
    pub(crate) fn settings(&self) -> MapSettings {
        use dualwright_sync::conflict::Policy;
        MapSettings {
            logic: Arc::clone(&self.stacked.stack) as _,
            policy: match self.settings.policy {
                config::Policy::FinopsWins => Policy::FinopsWins,
                config::Policy::DataverseWins => Policy::DataverseWins,
                config::Policy::LatestWins => Policy::LatestWins,
                config::Policy::AskMap => Policy::AskMap,
            },
            master: match self.settings.master {
                config::Side::Finops => System::Finops,
                config::Side::Dataverse => System::Dataverse,
            },
            initial_sync: self.settings.initial_sync,
        }
    }
}

/// Builds what must be built and loads every map of the configuration, in its order.
pub(crate) async fn load_all(
    config: &Config,
    pair: &Pair,
    options: &BuildOptions,
) -> Result<LoadedMaps, Failure> {
    let host = host(config, pair)?;
    let mut maps = Vec::new();
    for settings in &config.maps {
        maps.push(load_map(&host, config, settings, options).await?);
    }
    if let Some((one, other)) = excluding(&maps) {
        return Err(Failure::usage(format!(
            "{one} must not run beside {other}: they do the same work in two ways"
        ))
        .at("[[map]]")
        .hint("take one of the two out of the configuration"));
    }
    Ok(LoadedMaps { host, maps })
}

/// Two maps of which one says that the other must not run beside it.
fn excluding(maps: &[LoadedMap]) -> Option<(&MapName, &MapName)> {
    let said: Vec<&Description> = maps.iter().map(|map| map.stacked.stack.base().description()).collect();
    said.iter().find_map(|one| {
        let other = one.excludes.iter().find(|name| said.iter().any(|other| other.name == **name))?;
        Some((&one.name, other))
    })
}

/// The sandbox, within the configured limits. Maps to which that was granted ask these systems through it.
pub(crate) fn host(config: &Config, pair: &Pair) -> Result<Host, Failure> {
    let limits = limits(&config.limits)?;
    let services: Arc<dyn Services> = Arc::new(MapServices::new(pair)?);
    Host::new(HostConfig { limits, services: Some(services), ..HostConfig::default() })
        .map_err(|error| Failure::usage("the limits cannot be used").because(error).hint("see [limits]"))
}

fn limits(settings: &config::Limits) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    let bytes = |count: config::ByteCount| {
        usize::try_from(count.get())
            .map_err(|_| Failure::usage("an amount of memory is too large for this machine"))
    };
    if let Some(memory) = settings.guest_memory {
        limits.memory_bytes = bytes(memory)?;
    }
    if let Some(output) = settings.guest_output {
        limits.output_bytes_ceiling = bytes(output)?;
    }
    if let Some(deadline) = settings.guest_deadline {
        limits.deadline = deadline;
    }
    Ok(limits)
}

/// Builds one map if it must be built, and loads it.
pub(crate) async fn load_map(
    host: &Host,
    config: &Config,
    settings: &config::Map,
    options: &BuildOptions,
) -> Result<LoadedMap, Failure> {
    let path = config.resolve(&settings.file);
    let (bytes, built) = bytes(&path, options).await?;
    let name = path.display().to_string();
    let stacked = super::stack::load(host, config, settings, name, bytes).await?;
    Ok(LoadedMap { stacked, built, settings: settings.clone() })
}

/// The component of a file: built when it is a map file, read when it is a component.
pub(super) async fn bytes(
    path: &Path,
    options: &BuildOptions,
) -> Result<(Vec<u8>, Option<BuiltMap>), Failure> {
    if path.extension().is_some_and(|extension| extension == "toml") {
        let built = build(path, options).await?;
        return Ok((built.bytes.clone(), Some(built)));
    }
    let bytes = tokio::fs::read(path).await.map_err(|error| {
        Failure::usage("cannot read the map")
            .at(path.display())
            .because(error)
            .hint("a map is a component (.wasm) or a map file (.toml)")
    })?;
    Ok((bytes, None))
}

/// Builds the component of a map file.
async fn build(path: &Path, options: &BuildOptions) -> Result<BuiltMap, Failure> {
    let (path, options) = (path.to_path_buf(), options.clone());
    tokio::task::spawn_blocking(move || build_map(&path, &options))
        .await
        .map_err(|error| Failure::runtime("the build was cut off").because(error))?
        .map_err(|error| build_failure(&error))
}

/// Why a map was not built.
pub(crate) fn build_failure(error: &BuildError) -> Failure {
    match error {
        BuildError::Map { problems } => {
            let count = problems.len();
            let words = if count == 1 { "is one thing".to_owned() } else { format!("are {count} things") };
            let failure = Failure::usage(format!("there {words} wrong with the map\n{error}"));
            match problems.first() {
                Some(first) => {
                    failure.at(format!("{}:{}:{}", first.path.display(), first.line, first.column))
                }
                None => failure,
            }
        }
        error => Failure::of_class(error.class(), "the map could not be built").because(error),
    }
}

pub(crate) fn host_failure(error: &HostError, path: &Path) -> Failure {
    // What is refused is the file, whoever has to act: the same file is refused again.
    let failure = match error.class() {
        Class::Host => Failure::runtime("the sandbox could not take the map"),
        _ => Failure::usage("the sandbox refuses the map"),
    };
    failure.at(path.display()).because(error)
}

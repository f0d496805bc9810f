//! The maps of the configuration and the registry: which version runs.
//!
//! What an operator activated while the runtime ran stays live over a restart. A component that the configuration names
//! and the registry has never seen goes live: somebody changed the file and started the runtime for that.

use std::path::PathBuf;
use std::sync::Arc;

use dualwright_model::MapName;
use dualwright_plugin_host::registry::{Installed, Registry, RegistryConfig, RegistryError};
use dualwright_plugin_host::{Grants, Host};

use super::maps::LoadedMap;
use crate::Failure;
use crate::config::Config;

/// Who is written into the history for what the configuration says.
const ACTOR: &str = "configuration";

/// Opens the registry, which lies beside the store.
pub(crate) fn open_registry(config: &Config, host: &Host) -> Result<Registry, Failure> {
    let folder: PathBuf = config.resolve(&config.store.path).with_extension("plugins");
    Registry::open(RegistryConfig::new(&folder), Arc::new(host.clone())).map_err(|error| {
        Failure::runtime("cannot open the plugin registry").at(folder.display()).because(error)
    })
}

/// Makes the registry know every configured map, and puts the live version of each in its place.
pub(crate) async fn adopt(registry: &Registry, host: &Host, maps: &mut [LoadedMap]) -> Result<(), Failure> {
    for map in maps {
        let name = map.description().name.clone();
        let (keeper, file, bytes) = (registry.clone(), map.file.clone(), map.bytes.clone());
        let live = tokio::task::spawn_blocking(move || settle(&keeper, &name, &file, bytes))
            .await
            .map_err(|error| Failure::runtime("the registry was cut off").because(error))?
            .map_err(|error| {
                Failure::of_class(error.class(), "the plugin registry refuses a configured map")
                    .at(&map.file)
                    .because(error)
            })?;
        if live.digest != *map.plugin.digest() {
            let bytes = registry.bytes(&live.digest).map_err(|error| {
                Failure::runtime("a live version cannot be read")
                    .because(error)
                    .hint("put the file back, or remove the registry's folder to run what is configured")
            })?;
            let plugin = host
                .load_async(&live.file, bytes, Grants::default())
                .await
                .map_err(|error| super::maps::host_failure(&error, live.file.as_ref()))?;
            tracing::info!(map = %live.name, version = %live.version, digest = %live.digest, "a version that was activated stays live");
            map.plugin = Arc::new(plugin);
        }
    }
    Ok(())
}

fn settle(
    registry: &Registry,
    name: &MapName,
    file: &str,
    bytes: Vec<u8>,
) -> Result<Installed, RegistryError> {
    let done = registry.install(file, bytes, None, ACTOR)?;
    let live = registry.map(name)?.live;
    match live {
        Some(live) if done.already => Ok(live),
        _ => {
            registry.activate(name, &done.component.digest, ACTOR)?;
            Ok(done.component)
        }
    }
}

//! The maps of the configuration and the registry: which version runs.
//!
//! What an operator activated while the runtime ran stays live over a restart. A component that the configuration names
//! and the registry has never seen goes live: somebody changed the file and started the runtime for that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dualwright_model::MapName;
use dualwright_plugin_host::Host;
use dualwright_plugin_host::registry::{
    Installed, Registry, RegistryConfig, RegistryError, Watch, WatchConfig, signature_beside,
};

use super::maps::LoadedMap;
use crate::Failure;
use crate::config::Config;

/// Who is written into the history for what the configuration says.
const ACTOR: &str = "configuration";

/// Opens the registry, which lies beside the store.
pub(crate) fn open_registry(config: &Config, host: &Host) -> Result<Registry, Failure> {
    let folder: PathBuf = config.resolve(&config.store.path).with_extension("plugins");
    let trust = config.plugins.trust(&config.folder)?;
    let settings = RegistryConfig { trust, ..RegistryConfig::new(&folder) };
    Registry::open(settings, Arc::new(host.clone())).map_err(|error| {
        Failure::runtime("cannot open the plugin registry").at(folder.display()).because(error)
    })
}

/// Begins to watch the folder of the configuration, where it names one.
pub(crate) fn watch(config: &Config, registry: &Registry) -> Result<Option<Watch>, Failure> {
    let Some(folder) = &config.plugins.watch else { return Ok(None) };
    let folder = config.resolve(folder);
    let settings = WatchConfig { settle: config.plugins.settle, ..WatchConfig::new(&folder) };
    Watch::start(registry.clone(), settings).map(Some).map_err(|error| {
        Failure::usage("cannot watch the folder of [plugins]").at(folder.display()).because(error)
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
                .load_async(&live.file, bytes, map.grants.clone())
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
    // The map files of the configuration are the operator's own text, and this program built them.
    let done = if Path::new(file).extension().is_some_and(|extension| extension == "toml") {
        registry.install_own(file, bytes, ACTOR)?
    } else {
        let signature = signature_beside(Path::new(file)).map_err(|source| RegistryError::Disk {
            what: "its .sig file could not be read",
            path: file.into(),
            source,
        })?;
        registry.install(file, bytes, signature.as_deref(), ACTOR)?
    };
    let live = registry.map(name)?.live;
    match live {
        Some(live) if done.already => Ok(live),
        _ => {
            registry.activate(name, &done.component.digest, ACTOR)?;
            Ok(done.component)
        }
    }
}

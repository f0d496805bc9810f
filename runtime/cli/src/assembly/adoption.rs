//! The maps of the configuration and the registry: which version runs.
//!
//! What an operator activated while the runtime ran stays live over a restart. A component that the configuration names
//! and the registry has never seen goes live: somebody changed the file and started the runtime for that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dualwright_model::MapName;
use dualwright_plugin_host::registry::{
    Installed, Registry, RegistryConfig, RegistryError, Watch, WatchConfig, signature_beside,
};
use dualwright_plugin_host::{Host, HostError, Layer, Stack};

use super::maps::LoadedMap;
use super::stack::{Source, Stacked};
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

/// Makes the registry know every configured map and layer, and puts the live version of each in its place.
pub(crate) async fn adopt(registry: &Registry, host: &Host, maps: &mut [LoadedMap]) -> Result<(), Failure> {
    for map in maps {
        let stacked = &map.stacked;
        let mut live = Vec::new();
        for source in &stacked.sources {
            live.push(settled(registry, source.clone()).await?);
        }
        let running = std::iter::once(stacked.stack.base().digest())
            .chain(stacked.stack.layers().iter().map(Layer::digest));
        if !running.eq(live.iter().map(|component| &component.digest)) {
            map.stacked.stack = Arc::new(relive(registry, host, &map.stacked, &live).await?);
        }
    }
    Ok(())
}

/// The live versions of all parts, stacked as they are configured.
async fn relive(
    registry: &Registry,
    host: &Host,
    stacked: &Stacked,
    live: &[Installed],
) -> Result<Stack, Failure> {
    let mut base = stacked.stack.base().clone();
    let mut layers = stacked.stack.layers().to_vec();
    let mut places = layers.iter_mut();
    for (place, component) in live.iter().enumerate() {
        let layer = if place == 0 { None } else { places.next() };
        let running = layer.as_ref().map_or(base.digest(), |layer| layer.digest());
        if *running == component.digest {
            continue;
        }
        let bytes = registry.bytes(&component.digest).map_err(|error| {
            Failure::runtime("a live version cannot be read")
                .because(error)
                .hint("put the file back, or remove the registry's folder to run what is configured")
        })?;
        let refused = |error: HostError| super::maps::host_failure(&error, component.file.as_ref());
        let grants = stacked.grants.get(&component.name).cloned().unwrap_or_default();
        match layer {
            None => base = host.load_async(&component.file, bytes, grants).await.map_err(refused)?,
            Some(layer) => {
                *layer = host.load_layer_async(&component.file, bytes, grants).await.map_err(refused)?;
            }
        }
        tracing::info!(
            component = %component.name, version = %component.version, digest = %component.digest,
            "a version that was activated stays live"
        );
    }
    let file = live.first().map_or("", |component| component.file.as_str());
    Stack::new(base, layers).map_err(|misfits| {
        super::stack::misfit_failure(&misfits, file)
            .hint("versions that were activated while the runtime ran stay live: remove the registry's folder to run what is configured")
    })
}

/// The live version of a component after the configuration's was made known.
async fn settled(registry: &Registry, source: Source) -> Result<Installed, Failure> {
    let (keeper, file) = (registry.clone(), source.file.clone());
    tokio::task::spawn_blocking(move || settle(&keeper, &source.name, &source.file, source.bytes))
        .await
        .map_err(|error| Failure::runtime("the registry was cut off").because(error))?
        .map_err(|error| {
            Failure::of_class(error.class(), "the plugin registry refuses a configured component")
                .at(file)
                .because(error)
        })
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

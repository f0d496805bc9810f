//! A running pair: from a configuration to changes that flow, and back to quiet.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dualwright_connect::{Connector, NudgeSubscription};
use dualwright_control::{Configured, Control, ControlSettings, Plugins, take_up_evidence};
use dualwright_engine::{Engine, EngineError, EngineSettings, Pair, SystemClock};
use dualwright_model::{System, TableName};
use dualwright_plugin_host::registry::Watch;
use dualwright_store::Store;
use dualwright_store::sqlite::SqliteStore;
use tokio::task::JoinHandle;

use super::adoption::{adopt, open_registry, watch};
use super::maps::{LoadedMap, LoadedMaps};
use crate::Failure;
use crate::config::Config;

/// How long the last batches and answers may take when the runtime is told to stop. What is not done then is in the
/// journal.
const GRACE: Duration = Duration::from_secs(30);
/// How long until a subscription that was refused is tried again.
const SUBSCRIBE_AGAIN: Duration = Duration::from_secs(60);

/// Everything that runs.
pub(crate) struct Runtime {
    /// The engine.
    pub(crate) engine: Arc<Engine>,
    /// Where the runtime's own HTTP listens.
    pub(crate) address: SocketAddr,
    control: Control,
    subscriptions: Vec<JoinHandle<()>>,
    watch: Option<Watch>,
}

impl Runtime {
    /// Starts everything, in the order in which nothing is lost: the address is bound and the systems are told of it
    /// before the first row is read.
    pub(crate) async fn start(config: &Config, pair: Pair, loaded: &mut LoadedMaps) -> Result<Self, Failure> {
        let LoadedMaps { host, maps } = loaded;
        let secret = nudge_secret(config)?;
        let settings = ControlSettings {
            listen: config.control.listen,
            nudge_secret: secret.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            token: match &config.control.token {
                Some(token) => Some(token.read(&config.folder)?.reveal().to_owned()),
                None => None,
            },
        };
        let listener = Control::bind(&settings)
            .await
            .map_err(|error| Failure::usage("the runtime cannot listen").because(error))?;
        let store = open_store(config)?;
        let registry = open_registry(config, host)?;
        take_up_evidence(&registry, store.as_ref())
            .await
            .map_err(|error| Failure::of_class(error.class(), "a version that was undone cannot be kept out").because(error).hint("mend what is wrong with the registry, which is the folder beside the store, and start again"))?;
        adopt(&registry, host, maps).await?;
        let mut subscriptions = Vec::new();
        if let Some(secret) = secret {
            let address = listener.local_addr().unwrap_or(settings.listen);
            for system in [System::Finops, System::Dataverse] {
                let tables = pushed_tables(maps, system);
                if !tables.is_empty() {
                    let endpoint = format!("{}/nudges/{system}", config.control.public_url(address));
                    let subscription = NudgeSubscription { tables, endpoint, secret: secret.clone() };
                    let task = subscribe(Arc::clone(pair.connector(system)), subscription).await;
                    subscriptions.extend(task);
                }
            }
        }
        let settings_of_maps = maps.iter().map(LoadedMap::settings).collect();
        let engine = Engine::start(
            pair.clone(),
            store,
            Arc::new(SystemClock),
            settings_of_maps,
            engine_settings(config),
        )
        .await
        .map_err(|error| failure(&error))?;
        let engine = Arc::new(engine);
        let watch = watch(config, &registry)?;
        let configured = maps.iter().map(|map| Configured {
            stack: Arc::clone(&map.stacked.stack),
            grants: map.stacked.grants.clone(),
        });
        let plugins = Plugins::new(registry, host.clone(), Arc::clone(&engine), configured);
        let control = Control::serve(listener, settings, Arc::clone(&engine), pair, Some(plugins))
            .map_err(|error| Failure::runtime("the runtime cannot serve").because(error))?;
        Ok(Self { engine, address: control.address, control, subscriptions, watch })
    }

    /// Returns when the engine had to give up, with the reason.
    pub(crate) async fn gave_up(&self) -> Failure {
        let mut failure = self.engine.failure();
        let reason = match failure.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "its tasks ended".to_owned(),
        };
        Failure::runtime(format!("the engine had to stop: {reason}"))
            .hint("nothing is lost: what was captured is in the journal; mend the cause and start again")
    }

    /// Finishes the batches under way, answers what was asked, and ends.
    pub(crate) async fn shutdown(self) {
        for task in &self.subscriptions {
            task.abort();
        }
        let (engine, control) = (self.engine, self.control);
        // Not waited for: a file that is being looked at now is looked at again at the next start.
        drop(self.watch);
        let ended = tokio::time::timeout(GRACE, async {
            engine.shutdown().await;
            control.shutdown().await;
        })
        .await;
        if ended.is_err() {
            tracing::warn!(grace = ?GRACE, "not everything ended in time; the journal has what is left");
        }
    }
}

/// What the engine's error means to a person at the command line.
pub(crate) fn failure(error: &EngineError) -> Failure {
    match error {
        EngineError::Connect { map, source } => {
            super::systems::failure(source).at(format!("map {map}")).hint("dualwright doctor says more")
        }
        EngineError::Map { .. } => Failure::usage(error.to_string())
            .hint("dualwright doctor names every such field, and how to mend it"),
        error => Failure::of_class(error.class(), "the engine cannot start").because(error),
    }
}

fn nudge_secret(config: &Config) -> Result<Option<String>, Failure> {
    let Some(secret) = &config.control.nudge_secret else {
        tracing::warn!("no [control] nudge-secret: nothing is pushed, and changes are polled");
        return Ok(None);
    };
    Ok(Some(secret.read(&config.folder)?.reveal().to_owned()))
}

fn open_store(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    let path = config.resolve(&config.store.path);
    let store = SqliteStore::open_recording(&path, config.store.recorded_changes)
        .map_err(|error| Failure::runtime("cannot open the store").at(path.display()).because(error))?;
    Ok(Arc::new(store))
}

fn engine_settings(config: &Config) -> EngineSettings {
    EngineSettings {
        poll_interval: config.sync.poll_interval,
        sweep_interval: config.sync.sweep_interval,
        lookup_wait_limit: config.sync.lookup_wait_limit,
        batch_rows: config.sync.batch_rows,
        page_rows: config.sync.page_rows,
        health: config.health,
        ..EngineSettings::default()
    }
}

/// The tables of one side whose changes some map wants.
fn pushed_tables(maps: &[LoadedMap], system: System) -> Vec<TableName> {
    let descriptions = maps.iter().map(LoadedMap::description);
    let wanted = descriptions.filter(|description| description.leg(system.outgoing()).is_some());
    let tables: BTreeSet<TableName> = wanted.map(|description| description.table(system).clone()).collect();
    tables.into_iter().collect()
}

/// Asks a system to push. One that refuses is polled meanwhile, and asked again from time to time.
async fn subscribe(connector: Arc<dyn Connector>, subscription: NudgeSubscription) -> Option<JoinHandle<()>> {
    let system = connector.system();
    match connector.subscribe(&subscription).await {
        Ok(()) => {
            tracing::info!(%system, tables = subscription.tables.len(), "asked to push");
            None
        }
        Err(error) => {
            tracing::warn!(%system, %error, "no pushes for now; changes are polled");
            Some(tokio::spawn(async move {
                loop {
                    tokio::time::sleep(SUBSCRIBE_AGAIN).await;
                    if connector.subscribe(&subscription).await.is_ok() {
                        tracing::info!(%system, "asked to push");
                        return;
                    }
                }
            }))
        }
    }
}

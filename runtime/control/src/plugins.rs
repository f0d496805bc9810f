//! Where the registry and the engine meet: what is installed, what is live, and who decided it.

mod evidence;
mod keeper;
mod stacks;

use std::sync::Arc;

use dualwright_diagnostics::Class;
use dualwright_engine::{Engine, EngineError, Keeper, ShadowReport};
use dualwright_model::{Digest, MapName};
use dualwright_plugin_host::registry::{
    Entry, Evidence, Installation, Installed, Listing, MapVersions, Refused, Registry, RegistryError, Role,
    Switch,
};
use dualwright_plugin_host::{Grants, Host, HostError, Loaded, Misfit, Misfits, Stack};
use dualwright_sync::map_state::Request;

use keeper::RegistryKeeper;

pub use evidence::take_up as take_up_evidence;
pub use stacks::Configured;
use stacks::{Stacks, part};

/// Why an operation on plugins was not done. Nothing changed, unless a variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The registry does not do it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The sandbox does not take the component.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The engine does not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What is stacked on the map would not fit any more.
    #[error("{0}")]
    Misfits(#[from] Misfits),
    /// The layer is stacked on no map that runs here.
    #[error(
        "the {role} {name} is stacked on no map here: list its file as a [[map.layer]] of {map} in the configuration, and \
         start the runtime again"
    )]
    NotStacked {
        /// Validator or extension.
        role: Role,
        /// Its name.
        name: MapName,
        /// The map that it is made for.
        map: MapName,
    },
    /// There is nothing to go back to.
    #[error(
        "{map} has no version before the live one; `dualwright plugin activate` takes one that is installed"
    )]
    NoPrevious {
        /// The map.
        map: MapName,
    },
    /// The runtime is ending.
    #[error("the work was cut off; ask again")]
    CutOff,
}

impl PluginError {
    /// What a reader may do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Registry(error) => error.class(),
            Self::Host(error) => error.class(),
            Self::Engine(error) => error.class(),
            Self::Misfits(misfits) => misfits.class(),
            Self::NotStacked { .. } => Class::Config,
            Self::NoPrevious { .. } => Class::Conflict,
            Self::CutOff => Class::Transient,
        }
    }
}

/// The plugins of a running engine.
pub struct Plugins {
    registry: Registry,
    host: Host,
    engine: Arc<Engine>,
    stacks: Stacks,
    /// One switch at a time, so that the registry and the engine do not part ways.
    turn: tokio::sync::Mutex<()>,
}

impl Plugins {
    /// Brings both together, and quarantines whatever version the engine undoes from now on. `configured` are the maps
    /// that the engine was started with.
    pub fn new(
        registry: Registry,
        host: Host,
        engine: Arc<Engine>,
        configured: impl IntoIterator<Item = Configured>,
    ) -> Arc<Self> {
        let (stacks, turn) = (Stacks::new(configured), tokio::sync::Mutex::default());
        let plugins = Arc::new(Self { registry, host, engine, stacks, turn });
        let keeper: Arc<dyn Keeper> = Arc::new(RegistryKeeper(Arc::downgrade(&plugins)));
        plugins.engine.set_keeper(&keeper);
        plugins.finish_undoing();
        plugins
    }

    /// Everything installed, and every refusal that is remembered.
    pub fn list(&self) -> (Vec<Listing>, Vec<Refused>) {
        (self.registry.list(), self.registry.refused())
    }

    /// The versions of one map.
    ///
    /// # Errors
    /// [`PluginError::Registry`] when nothing of that name was ever installed.
    pub fn versions(&self, map: &MapName) -> Result<MapVersions, PluginError> {
        Ok(self.registry.map(map)?)
    }

    /// Everything that ever happened to a map's versions, oldest first.
    ///
    /// # Errors
    /// [`PluginError::Registry`] when nothing of that name was ever installed.
    pub fn history(&self, map: &MapName) -> Result<Vec<Entry>, PluginError> {
        Ok(self.registry.history(map)?)
    }

    /// The largest component that is taken, in bytes.
    pub fn max_bytes(&self) -> usize {
        self.host.limits().max_component_bytes
    }

    /// Installs a component; it is a candidate then, not live.
    ///
    /// # Errors
    /// [`PluginError::Registry`] with the reason for which it is refused.
    pub async fn install(
        &self,
        file: &str,
        bytes: Vec<u8>,
        signature: Option<Vec<u8>>,
        actor: &str,
    ) -> Result<Installation, PluginError> {
        self.check_owners(file, &bytes).await?;
        let (file, actor) = (file.to_owned(), actor.to_owned());
        self.blocking(move |registry| registry.install(&file, bytes, signature.as_deref(), &actor)).await
    }

    /// What could never be stacked on the map that is at work, whichever version of it: a layer that owns what another one
    /// owns, or the key. Whatever else is wrong with a file, the registry says.
    async fn check_owners(&self, file: &str, bytes: &[u8]) -> Result<(), PluginError> {
        let Ok(Loaded::Layer(layer)) =
            self.host.load_any_async(file, bytes.to_vec(), Grants::for_examination()).await
        else {
            return Ok(());
        };
        let base = layer.description().map.clone();
        let Some(now) = self.engine.digest(&base).ok().and_then(|digest| self.stacks.find(&base, &digest))
        else {
            return Ok(());
        };
        let Err(Misfits(mut misfits)) = now.with_layer(layer) else { return Ok(()) };
        misfits.retain(|misfit| matches!(misfit, Misfit::TwoOwners { .. } | Misfit::OwnsKey { .. }));
        if misfits.is_empty() { Ok(()) } else { Err(Misfits(misfits).into()) }
    }

    /// Puts an installed version to work: `which` is a version, a digest, or the first digits of one. The engine takes
    /// it first, so that what does not fit is never live.
    ///
    /// # Errors
    /// Every [`PluginError`].
    pub async fn activate(&self, map: &MapName, which: &str, actor: &str) -> Result<Switch, PluginError> {
        let _turn = self.turn.lock().await;
        let wanted = self.registry.find(map, which)?;
        self.check_sound(&wanted)?;
        let now = self.current(&wanted)?;
        let before = part(&now, map);
        self.put_to_work(&wanted, actor).await?;
        let (name, digest, by) = (map.clone(), wanted.digest.clone(), actor.to_owned());
        match self.blocking(move |registry| registry.activate(&name, &digest, &by)).await {
            Ok(switch) => Ok(switch),
            Err(error) => {
                // What is not remembered as live must not stay at work: the next start would bring another one.
                let former = before.and_then(|digest| self.registry.find(map, digest.as_str()).ok());
                if let Some(former) = former.filter(|former| self.check_sound(former).is_ok()) {
                    self.put_to_work(&former, actor).await?;
                }
                Err(error)
            }
        }
    }

    /// Puts the version before to work again.
    ///
    /// # Errors
    /// Every [`PluginError`].
    pub async fn rollback(&self, map: &MapName, actor: &str) -> Result<Switch, PluginError> {
        let previous = self.registry.map(map)?.previous;
        let previous = previous.ok_or_else(|| PluginError::NoPrevious { map: map.clone() })?;
        self.activate(map, previous.digest.as_str(), actor).await
    }

    /// Takes a version out for good. Where it was live, the version before takes over; where there is none, the map is
    /// paused: changes go on being captured, and wait.
    ///
    /// # Errors
    /// Every [`PluginError`].
    pub async fn quarantine(
        &self,
        map: &MapName,
        which: &str,
        reason: &str,
        actor: &str,
    ) -> Result<Switch, PluginError> {
        let _turn = self.turn.lock().await;
        let digest = self.registry.find(map, which)?.digest;
        let evidence = Evidence { text: reason.to_owned(), counters: Default::default() };
        let by = actor.to_owned();
        // Durable first: whatever comes between, it must not run after the next start.
        let switch = self.blocking(move |registry| registry.quarantine(&digest, evidence, &by)).await?;
        if switch.changed() {
            match &switch.to {
                Some(to) => {
                    let sound = self.registry.find(map, to.as_str())?;
                    self.put_to_work(&sound, actor).await?;
                }
                None => {
                    self.engine.request(&self.stacks.base_of(map), Request::Pause, actor).await?;
                }
            }
        }
        Ok(switch)
    }

    /// Lets a quarantined version run again, as a candidate.
    ///
    /// # Errors
    /// [`PluginError::Registry`].
    pub async fn release(&self, map: &MapName, which: &str, actor: &str) -> Result<Installed, PluginError> {
        let installed = self.registry.find(map, which)?;
        let (digest, by) = (installed.digest.clone(), actor.to_owned());
        self.blocking(move |registry| registry.release(&digest, &by)).await?;
        Ok(installed)
    }

    /// Puts an installed version beside the live one; see [`Engine::shadow`].
    ///
    /// # Errors
    /// Every [`PluginError`].
    pub async fn shadow(&self, map: &MapName, which: &str, sample: usize) -> Result<Installed, PluginError> {
        let wanted = self.registry.find(map, which)?;
        self.check_sound(&wanted)?;
        let now = self.current(&wanted)?;
        let candidate = self.load(&now, &wanted).await?;
        self.engine.shadow(&now.base().description().name, Arc::new(candidate), sample).await?;
        Ok(wanted)
    }

    /// What the candidate beside a map found so far.
    ///
    /// # Errors
    /// [`PluginError::Engine`] when there is no such map.
    pub fn shadow_report(&self, map: &MapName) -> Result<Option<(Digest, ShadowReport)>, PluginError> {
        Ok(self.engine.shadow_report(&self.stacks.base_of(map))?)
    }

    /// Takes the candidate away.
    ///
    /// # Errors
    /// [`PluginError::Engine`] when there is no such map.
    pub fn end_shadow(&self, map: &MapName) -> Result<Option<ShadowReport>, PluginError> {
        Ok(self.engine.end_shadow(&self.stacks.base_of(map))?)
    }

    /// What is in quarantine must not meet a record, not even for the moment until the registry refuses it (I7).
    fn check_sound(&self, wanted: &Installed) -> Result<(), PluginError> {
        let versions = self.registry.map(&wanted.name)?;
        match versions.quarantined.into_iter().find(|(one, _)| one.digest == wanted.digest) {
            Some((one, why)) => Err(PluginError::Registry(RegistryError::Quarantined {
                map: one.name,
                digest: one.digest,
                evidence: why.evidence.text,
            })),
            None => Ok(()),
        }
    }

    /// Puts everything that a version wrote last through the live one again: a version of a map, or of a layer.
    ///
    /// # Errors
    /// [`PluginError::Engine`].
    pub async fn reapply(&self, map: &MapName, which: &str) -> Result<usize, PluginError> {
        let base = self.stacks.base_of(map);
        let version = self.registry.find(map, which).map(|found| found.version);
        // What stands in the links: of a map the version, of a layer its name too.
        let which = match version {
            Ok(version) if base == *map && self.stacks.is_layered(map) => version,
            Ok(version) if base != *map => format!("{map} {version}"),
            Err(_) if base != *map => format!("{map} {which}"),
            _ => which.to_owned(),
        };
        Ok(self.engine.reapply(&base, &which).await?)
    }

    /// The stack at work that a component belongs to.
    fn current(&self, wanted: &Installed) -> Result<Arc<Stack>, PluginError> {
        let base = self.stacks.base_of(&wanted.name);
        if wanted.role != Role::Map && base == wanted.name {
            return Err(PluginError::NotStacked {
                role: wanted.role,
                name: base,
                map: wanted.map.clone().unwrap_or_else(|| wanted.name.clone()),
            });
        }
        let now = self.stacks.find(&base, &self.engine.digest(&base)?);
        now.ok_or_else(|| EngineError::UnknownMap(base.to_string()).into())
    }

    async fn put_to_work(&self, wanted: &Installed, actor: &str) -> Result<(), PluginError> {
        let now = self.current(wanted)?;
        if part(&now, &wanted.name) == Some(&wanted.digest) {
            return Ok(());
        }
        let next = Arc::new(self.load(&now, wanted).await?);
        let base = now.base().description().name.clone();
        // Known before it is at work: it may be undone at once.
        self.stacks.remember(&base, &now, Arc::clone(&next), wanted.digest.clone());
        self.engine.switch(&base, next, actor).await?;
        Ok(())
    }

    /// The stack with this component in its place, with the grants of that place.
    async fn load(&self, now: &Stack, wanted: &Installed) -> Result<Stack, PluginError> {
        let digest = wanted.digest.clone();
        let bytes = self.blocking(move |registry| registry.bytes(&digest)).await?;
        let grants = self.stacks.grants(&wanted.name);
        Ok(if wanted.role == Role::Map {
            now.with_base(self.host.load_async(&wanted.file, bytes, grants).await?)?
        } else {
            now.with_layer(self.host.load_layer_async(&wanted.file, bytes, grants).await?)?
        })
    }

    /// The registry waits for the disk and for the compiler.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registry) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, PluginError> {
        let registry = self.registry.clone();
        let done = tokio::task::spawn_blocking(move || work(&registry)).await;
        Ok(done.map_err(|_| PluginError::CutOff)??)
    }
}

//! What this machine knows of component files: which are here, which were refused and why, which version of a map is
//! live, which one was before, and who decided it.
//!
//! A folder holds it all, content-addressed, and belongs to one process at a time:
//!
//! - `components/<sha256>.wasm`: the bytes, written whole or not at all; `.condemned` while it is in quarantine and that
//!   could not be written;
//! - `registry.json`: everything else, replaced whole;
//! - `lock`: held while a process uses the folder.
//!
//! Bytes are compiled at most once, whatever becomes of them (I7): a component is kept by its digest, and a refusal is
//! remembered by it. Nothing here runs a map; whoever does listens to [`Registry::subscribe`] or acts on the
//! [`Switch`] that each operation returns. All operations block (compiling takes up to seconds, each write waits for
//! the disk), so never on a thread of the async runtime.

mod admit;
mod component;
mod condemn;
mod disk;
mod error;
mod event;
mod ledger;
mod signature;
mod signing;
mod view;
mod watch;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use dualwright_model::{Digest, MapName, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use disk::{Disk, RealDisk};
use ledger::{By, FORMAT, Ledger};

pub use admit::signature_beside;
pub use component::{
    Evidence, Examine, Identity, Installation, Installed, Quarantine, RefusalKind, Refused, Role,
};
pub use condemn::Condemned;
pub use error::RegistryError;
pub use event::Event;
pub use ledger::{Act, Entry, Switch};
pub use signature::{PublicKey, Trust};
pub use signing::SigningKey;
pub use view::{Listing, MapVersions, State};
pub use watch::{Watch, WatchConfig};

/// Where the time comes from.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a [`Registry`] is opened.
#[derive(Clone)]
pub struct RegistryConfig {
    /// The folder; made if missing.
    pub folder: PathBuf,
    /// Whose signatures are accepted, and whether one is needed.
    pub trust: Trust,
    /// The clock of the history.
    pub now: Now,
}

impl RegistryConfig {
    /// A folder, no signatures, the machine's clock.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), trust: Trust::default(), now: Arc::new(wall_clock) }
    }
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The registry of component files. Cheap to clone; the clones are the same registry.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    examine: Arc<dyn Examine>,
    trust: Trust,
    now: Now,
    disk: Box<dyn Disk>,
    known: Mutex<Known>,
    // One file at a time is examined, so that the same bytes in two files are compiled once. Taken before `known`.
    installing: Mutex<()>,
    // Held until the last clone is gone.
    _lock: File,
}

struct Known {
    ledger: Ledger,
    /// Whether some of it holds by what was put aside only.
    unwritten: bool,
    listeners: Vec<UnboundedSender<Event>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Registry").field(&self.inner.folder).finish()
    }
}

impl Registry {
    /// Opens or makes the folder and reads what is known. `examine` is the sandbox, [`crate::Host`].
    ///
    /// # Errors
    /// [`RegistryError::InUse`] when another process has it, [`RegistryError::Damaged`] when its file is not whole (it
    /// is never taken for an empty one), [`RegistryError::Disk`].
    pub fn open(config: RegistryConfig, examine: Arc<dyn Examine>) -> Result<Self, RegistryError> {
        Self::open_on(Box::new(RealDisk), config, examine)
    }

    fn open_on(
        disk: Box<dyn Disk>,
        config: RegistryConfig,
        examine: Arc<dyn Examine>,
    ) -> Result<Self, RegistryError> {
        let RegistryConfig { folder, trust, now } = config;
        let components = folder.join("components");
        std::fs::create_dir_all(&components)
            .map_err(RegistryError::disk("the folder could not be made", &components))?;
        let lock_path = folder.join("lock");
        let lock = disk::lock(&lock_path)
            .map_err(RegistryError::disk("the folder could not be locked", &lock_path))?
            .ok_or_else(|| RegistryError::InUse { folder: folder.clone() })?;
        for part in [&folder, &components] {
            disk::sweep(part).map_err(RegistryError::disk("the folder could not be cleaned", part))?;
        }
        let ledger = read(&folder.join("registry.json"))?;
        let known = Mutex::new(Known { ledger, unwritten: false, listeners: Vec::new() });
        let installing = Mutex::new(());
        let inner = Inner { folder, examine, trust, now, disk, known, installing, _lock: lock };
        let registry = Self { inner: Arc::new(inner) };
        registry.remember_aside()?;
        Ok(registry)
    }

    /// Makes an installed version live. The one before becomes the previous one. Asked for what is live already,
    /// nothing happens and the switch says so.
    ///
    /// # Errors
    /// [`RegistryError`]: not installed, of another map or role, quarantined, unsigned where signatures are required.
    pub fn activate(&self, map: &MapName, digest: &Digest, actor: &str) -> Result<Switch, RegistryError> {
        self.change(actor, |ledger, by| {
            let switch = ledger.activate(map, digest, by)?;
            self.check_signed(ledger, map, digest)?;
            let event = Event::Activated {
                map: map.clone(),
                from: switch.from.clone(),
                to: digest.clone(),
                actor: actor.to_owned(),
            };
            Ok((switch.clone(), switch.changed().then_some(event)))
        })
    }

    /// Makes the previous version live again, and the live one the previous.
    ///
    /// # Errors
    /// [`RegistryError`]: unknown map, no previous version, or one that is quarantined or unsigned where signatures
    /// are required.
    pub fn rollback(&self, map: &MapName, actor: &str) -> Result<Switch, RegistryError> {
        self.change(actor, |ledger, by| {
            let switch = ledger.roll_back(map, by)?;
            let event = switch.to.clone().map(|to| Event::RolledBack {
                map: map.clone(),
                from: switch.from.clone(),
                to,
                actor: actor.to_owned(),
            });
            if let Some(to) = &switch.to {
                self.check_signed(ledger, map, to)?;
            }
            Ok((switch, event))
        })
    }

    /// Takes a version out, with the reason. Where it was live, the previous one takes over if it is sound, else
    /// nothing is live: the switch says which.
    ///
    /// # Errors
    /// [`RegistryError`]: not installed.
    pub fn quarantine(
        &self,
        digest: &Digest,
        evidence: Evidence,
        actor: &str,
    ) -> Result<Switch, RegistryError> {
        self.change(actor, |ledger, by| {
            let switch = ledger.quarantine(digest, evidence.clone(), by)?;
            let event = Event::Quarantined {
                map: switch.map.clone(),
                digest: digest.clone(),
                evidence,
                live: switch.to.clone(),
                actor: actor.to_owned(),
            };
            Ok((switch, Some(event)))
        })
    }

    /// Lets a quarantined version run again; it is a candidate then, not live.
    ///
    /// # Errors
    /// [`RegistryError`]: not installed, or not quarantined.
    pub fn release(&self, digest: &Digest, actor: &str) -> Result<(), RegistryError> {
        self.change(actor, |ledger, by| {
            let map = ledger.release(digest, by)?;
            Ok(((), Some(Event::Released { map, digest: digest.clone(), actor: actor.to_owned() })))
        })
    }

    /// Everything that happens from now on, in order. Let go by dropping it.
    pub fn subscribe(&self) -> UnboundedReceiver<Event> {
        let (sender, receiver) = unbounded_channel();
        self.known().listeners.push(sender);
        receiver
    }

    fn check_signed(&self, ledger: &Ledger, map: &MapName, digest: &Digest) -> Result<(), RegistryError> {
        let signed = ledger.component(digest)?.signed_by.is_some();
        if signed || !self.inner.trust.required {
            return Ok(());
        }
        Err(RegistryError::Unsigned { map: map.clone(), digest: digest.clone() })
    }

    /// Decides on a copy, makes it durable, and only then believes it and tells of it.
    fn change<T>(
        &self,
        actor: &str,
        decide: impl FnOnce(&mut Ledger, By<'_>) -> Result<(T, Option<Event>), RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut known = self.known();
        let mut next = known.ledger.clone();
        let (answer, event) = decide(&mut next, By { at: (self.inner.now)(), actor })?;
        if next != known.ledger {
            self.keep(&mut known, &next)?;
        }
        if let Some(event) = event {
            known.tell(&event);
        }
        Ok(answer)
    }

    /// Makes it durable, then believes it.
    fn keep(&self, known: &mut Known, next: &Ledger) -> Result<(), RegistryError> {
        let path = self.inner.folder.join("registry.json");
        serde_json::to_vec_pretty(next)
            .map_err(std::io::Error::from)
            .and_then(|text| disk::replace(self.inner.disk.as_ref(), &path, &text))
            .map_err(RegistryError::disk("the registry could not be written", &path))?;
        known.ledger.clone_from(next);
        if known.unwritten {
            self.put_back(known);
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn component_path(&self, digest: &Digest) -> PathBuf {
        self.inner.folder.join("components").join(format!("{digest}.wasm"))
    }
}

impl Known {
    fn tell(&mut self, event: &Event) {
        self.listeners.retain(|listener| listener.send(event.clone()).is_ok());
    }
}

/// A missing file is an empty registry; one that cannot be read is not.
fn read(path: &Path) -> Result<Ledger, RegistryError> {
    let damaged = |reason: String| RegistryError::Damaged { path: path.to_owned(), reason };
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Ledger::default()),
        Err(error) => return Err(RegistryError::disk("the registry could not be read", path)(error)),
    };
    let ledger: Ledger = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if ledger.format != FORMAT {
        return Err(damaged(format!("it has layout {}, and this version reads {FORMAT}", ledger.format)));
    }
    Ok(ledger)
}

#[cfg(test)]
mod tests;

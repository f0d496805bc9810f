//! What must not run again, even where there is no room to write that down.
//!
//! A ledger is written whole, and needs room for that. When there is none, the component's own file is put aside under
//! another name, which needs none: the next start finds it there, and holds the version for quarantined (I7). As soon as the
//! ledger can be written, the file gets its name back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dualwright_model::Digest;

use super::disk::rename;
use super::ledger::By;
use super::{Event, Evidence, Known, Registry, RegistryError, Switch};

/// What the file of a condemned component ends with.
const ASIDE: &str = "condemned";
/// Who condemned what was put aside: only the engine does.
const ACTOR: &str = "engine";
/// What is said of a version of which nothing else was written.
const UNWRITTEN: &str = "it was undone when the registry could not be written";

/// How durable it is that a version must not run.
#[derive(Debug)]
pub enum Condemned {
    /// It is written down, with its evidence.
    Written(Switch),
    /// It is durable, and its evidence is not: the ledger could not be written, for this reason. Ask
    /// [`Registry::write_down`] again later.
    PutAside(Switch, RegistryError),
}

impl Evidence {
    /// Whether this says no more than that a version was condemned: why it was could not be written then.
    pub fn is_unwritten(&self) -> bool {
        self.text == UNWRITTEN && self.counters.is_empty()
    }
}

impl Registry {
    /// As [`Registry::quarantine`], for a version that must not run after the next start even if the ledger cannot be
    /// written now.
    ///
    /// # Errors
    /// [`RegistryError::NotInstalled`]; [`RegistryError::Disk`] when its file could not be put aside either.
    pub fn condemn(
        &self,
        digest: &Digest,
        evidence: Evidence,
        actor: &str,
    ) -> Result<Condemned, RegistryError> {
        let mut known = self.known();
        let mut next = known.ledger.clone();
        let switch = next.quarantine(digest, evidence.clone(), By { at: (self.inner.now)(), actor })?;
        let event = Event::Quarantined {
            map: switch.map.clone(),
            digest: digest.clone(),
            evidence,
            live: switch.to.clone(),
            actor: actor.to_owned(),
        };
        let condemned = match self.keep(&mut known, &next) {
            Ok(()) => Condemned::Written(switch),
            Err(error) if self.put_aside(digest).is_ok() => {
                (known.ledger, known.unwritten) = (next, true);
                Condemned::PutAside(switch, error)
            }
            Err(error) => return Err(error),
        };
        known.tell(&event);
        Ok(condemned)
    }

    /// Writes down what is known and could not be written before.
    ///
    /// # Errors
    /// [`RegistryError::Disk`] when there is still no room.
    pub fn write_down(&self) -> Result<(), RegistryError> {
        let mut known = self.known();
        let ledger = known.ledger.clone();
        if known.unwritten { self.keep(&mut known, &ledger) } else { Ok(()) }
    }

    /// Holds for quarantined whatever was put aside before the process ended.
    pub(super) fn remember_aside(&self) -> Result<(), RegistryError> {
        let mut known = self.known();
        let mut next = known.ledger.clone();
        let aside = self.aside()?;
        if aside.is_empty() {
            return Ok(());
        }
        for digest in &aside {
            if next.component(digest).is_ok() && !next.quarantined.contains_key(digest) {
                let evidence = Evidence { text: UNWRITTEN.to_owned(), counters: BTreeMap::new() };
                next.quarantine(digest, evidence, By { at: (self.inner.now)(), actor: ACTOR })?;
            }
        }
        // It holds whether it can be written now or not, for as long as the files lie aside.
        known.unwritten = true;
        if let Err(error) = self.keep(&mut known, &next) {
            tracing::warn!(%error, versions = aside.len(), "quarantined versions are still not written down");
            known.ledger = next;
        }
        Ok(())
    }

    /// Gives everything that lies aside its name back: the ledger says by now what it is.
    pub(super) fn put_back(&self, known: &mut Known) {
        let back = self.aside().map_err(|error| error.to_string()).and_then(|aside| {
            for digest in aside {
                rename(self.inner.disk.as_ref(), &self.aside_path(&digest), &self.component_path(&digest))
                    .map_err(|error| error.to_string())?;
            }
            Ok(())
        });
        match back {
            Ok(()) => known.unwritten = false,
            // It is tried again with the next thing that is written.
            Err(error) => tracing::warn!(error, "a quarantined component has not got its name back"),
        }
    }

    fn put_aside(&self, digest: &Digest) -> std::io::Result<()> {
        let aside = self.aside_path(digest);
        if aside.exists() {
            return Ok(());
        }
        rename(self.inner.disk.as_ref(), &self.component_path(digest), &aside)
    }

    /// The components that lie aside.
    fn aside(&self) -> Result<Vec<Digest>, RegistryError> {
        let folder = self.inner.folder.join("components");
        let cannot = |error| RegistryError::disk("the folder could not be read", &folder)(error);
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            if path.extension().is_some_and(|extension| extension == ASIDE)
                && let Some(digest) = path.file_stem().and_then(|stem| stem.to_str())
            {
                found.push(Digest::from(digest));
            }
        }
        found.sort();
        Ok(found)
    }

    fn aside_path(&self, digest: &Digest) -> PathBuf {
        self.component_path(digest).with_extension(ASIDE)
    }
}

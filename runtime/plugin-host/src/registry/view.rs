//! What people and programs ask the registry.

use dualwright_model::{Digest, MapName};

use super::ledger::Ledger;
use super::{Entry, Installed, Quarantine, Refused, Registry, RegistryError};
use crate::cache;

/// What a version is to its map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Live,
    /// It ran before the live one and can take over again.
    Previous,
    /// It can be made live.
    Candidate,
    /// It must not run.
    Quarantined(Quarantine),
}

/// One installed component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The component.
    pub component: Installed,
    /// What it is to its map.
    pub state: State,
}

/// The versions of one map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapVersions {
    /// The map.
    pub map: MapName,
    /// The one that runs.
    pub live: Option<Installed>,
    /// The one that [`Registry::rollback`] would make live; it may be quarantined.
    pub previous: Option<Installed>,
    /// Those that can be made live, oldest first.
    pub candidates: Vec<Installed>,
    /// Those that must not run, oldest first.
    pub quarantined: Vec<(Installed, Quarantine)>,
}

impl Registry {
    /// Every installed component, by map, oldest first.
    pub fn list(&self) -> Vec<Listing> {
        list(&self.known().ledger)
    }

    /// Every refusal that is remembered, oldest first.
    pub fn refused(&self) -> Vec<Refused> {
        let mut refused: Vec<Refused> = self.known().ledger.refused.values().cloned().collect();
        refused.sort_by(|one, other| (one.at, &one.digest).cmp(&(other.at, &other.digest)));
        refused
    }

    /// The versions of one map.
    ///
    /// # Errors
    /// [`RegistryError::UnknownMap`].
    pub fn map(&self, map: &MapName) -> Result<MapVersions, RegistryError> {
        let known = self.known();
        let line = known.ledger.line(map)?;
        let of = |digest: &Option<Digest>| {
            digest.as_ref().and_then(|digest| known.ledger.installed.get(digest)).cloned()
        };
        let (live, previous) = (of(&line.live), of(&line.previous));
        let (mut candidates, mut quarantined) = (Vec::new(), Vec::new());
        for Listing { component, state } in list(&known.ledger) {
            match state {
                State::Candidate if component.name == *map => candidates.push(component),
                State::Quarantined(why) if component.name == *map => quarantined.push((component, why)),
                _ => {}
            }
        }
        Ok(MapVersions { map: map.clone(), live, previous, candidates, quarantined })
    }

    /// The live version of every map that has one.
    pub fn live(&self) -> Vec<Installed> {
        let known = self.known();
        let live = known.ledger.maps.values().filter_map(|line| line.live.as_ref());
        live.filter_map(|digest| known.ledger.installed.get(digest)).cloned().collect()
    }

    /// Everything that ever happened to a map, oldest first.
    ///
    /// # Errors
    /// [`RegistryError::UnknownMap`].
    pub fn history(&self, map: &MapName) -> Result<Vec<Entry>, RegistryError> {
        Ok(self.known().ledger.line(map)?.history.clone())
    }

    /// The installed version of a map that a person means: a version (`1.2.0`), a digest, or the first digits of one.
    ///
    /// # Errors
    /// [`RegistryError::UnknownMap`]; [`RegistryError::NoSuchVersion`] when none or several are meant.
    pub fn find(&self, map: &MapName, text: &str) -> Result<Installed, RegistryError> {
        let known = self.known();
        known.ledger.line(map)?;
        let of_map = || known.ledger.installed.values().filter(|component| component.name == *map);
        let mut meant: Vec<&Installed> = of_map().filter(|component| component.version == text).collect();
        if meant.is_empty() && !text.is_empty() {
            meant = of_map().filter(|component| component.digest.as_str().starts_with(text)).collect();
        }
        match meant.as_slice() {
            [one] => Ok((*one).clone()),
            several => Err(RegistryError::NoSuchVersion {
                map: map.clone(),
                text: text.to_owned(),
                count: several.len(),
            }),
        }
    }

    /// The bytes of an installed component, compared with their digest. Reads the disk.
    ///
    /// # Errors
    /// [`RegistryError::NotInstalled`], [`RegistryError::Disk`], and [`RegistryError::Damaged`] when the file is not
    /// what was installed.
    pub fn bytes(&self, digest: &Digest) -> Result<Vec<u8>, RegistryError> {
        self.known().ledger.component(digest)?;
        let path = self.component_path(digest);
        let bytes = std::fs::read(&path)
            .map_err(RegistryError::disk("an installed component could not be read", &path))?;
        if cache::digest_of(&bytes) == *digest {
            return Ok(bytes);
        }
        Err(RegistryError::Damaged { path, reason: "it is not the file that was installed".to_owned() })
    }
}

fn list(ledger: &Ledger) -> Vec<Listing> {
    let mut all: Vec<&Installed> = ledger.installed.values().collect();
    all.sort_by(|one, other| (&one.name, one.at, &one.digest).cmp(&(&other.name, other.at, &other.digest)));
    all.into_iter().map(|one| Listing { component: one.clone(), state: state(ledger, one) }).collect()
}

fn state(ledger: &Ledger, component: &Installed) -> State {
    if let Some(why) = ledger.quarantined.get(&component.digest) {
        return State::Quarantined(why.clone());
    }
    let line = ledger.maps.get(&component.name);
    if line.is_some_and(|line| line.live.as_ref() == Some(&component.digest)) {
        State::Live
    } else if line.is_some_and(|line| line.previous.as_ref() == Some(&component.digest)) {
        State::Previous
    } else {
        State::Candidate
    }
}

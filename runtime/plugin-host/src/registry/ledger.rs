//! Which version of which map is live, and how it came to be. Decisions only: no files, no clock.
//!
//! Three things hold whatever is asked: a quarantined version is not live, the history only grows, and what is
//! refused changes nothing.

use std::collections::BTreeMap;

use dualwright_model::{Digest, MapName, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Evidence, Installed, Quarantine, Refused, RegistryError};

/// The layout of the file.
pub(super) const FORMAT: u32 = 1;
/// Refusals remembered; the oldest are forgotten first.
const REFUSALS: usize = 4096;

/// Everything that is known. Its JSON form is the registry's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    pub(super) format: u32,
    pub(super) installed: BTreeMap<Digest, Installed>,
    pub(super) refused: BTreeMap<Digest, Refused>,
    pub(super) quarantined: BTreeMap<Digest, Quarantine>,
    pub(super) maps: BTreeMap<MapName, Line>,
}

/// The versions of one map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) live: Option<Digest>,
    pub(super) previous: Option<Digest>,
    pub(super) history: Vec<Entry>,
}

/// One thing that happened to a map, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 1 for each map, without gaps.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub actor: String,
    /// What happened.
    pub act: Act,
}

/// What can happen to a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// A version was installed.
    Installed {
        /// Which.
        digest: Digest,
        /// What it calls itself.
        version: String,
    },
    /// A version went live.
    Activated {
        /// Which was live before.
        from: Option<Digest>,
        /// Which is now.
        to: Digest,
    },
    /// The previous version is live again.
    RolledBack {
        /// Which was live before.
        from: Option<Digest>,
        /// Which is now.
        to: Digest,
    },
    /// A version must not run any more.
    Quarantined {
        /// Which.
        digest: Digest,
        /// Why.
        evidence: Evidence,
        /// Which version is live now.
        live: Option<Digest>,
    },
    /// A quarantined version may run again.
    Released {
        /// Which.
        digest: Digest,
    },
}

/// Which version was live and which is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The map.
    pub map: MapName,
    /// Which version was live before.
    pub from: Option<Digest>,
    /// Which one is now; none, when the live one was quarantined and nothing sound was there to fall back to.
    pub to: Option<Digest>,
}

impl Switch {
    /// Whether anything has to be switched.
    pub fn changed(&self) -> bool {
        self.from != self.to
    }
}

/// When and by whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct By<'a> {
    pub(super) at: Timestamp,
    pub(super) actor: &'a str,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            format: FORMAT,
            installed: BTreeMap::new(),
            refused: BTreeMap::new(),
            quarantined: BTreeMap::new(),
            maps: BTreeMap::new(),
        }
    }
}

impl Ledger {
    /// A component passed every check. It becomes a candidate.
    pub(super) fn install(&mut self, component: Installed) {
        let act = Act::Installed { digest: component.digest.clone(), version: component.version.clone() };
        let by = By { at: component.at, actor: &component.actor.clone() };
        self.refused.remove(&component.digest);
        let name = component.name.clone();
        self.installed.insert(component.digest.clone(), component);
        self.maps.entry(name).or_default().record(act, by);
    }

    /// A file did not pass.
    pub(super) fn refuse(&mut self, refused: Refused) {
        self.refused.insert(refused.digest.clone(), refused);
        while self.refused.len() > REFUSALS {
            let oldest = self.refused.values().min_by_key(|refused| refused.at).map(|old| old.digest.clone());
            let Some(oldest) = oldest else { break };
            self.refused.remove(&oldest);
        }
    }

    /// Makes a version live. The one before becomes the previous one. Asked for what is live already, nothing happens.
    pub(super) fn activate(
        &mut self,
        map: &MapName,
        digest: &Digest,
        by: By<'_>,
    ) -> Result<Switch, RegistryError> {
        let component = self.component(digest)?;
        if component.name != *map {
            return Err(RegistryError::WrongMap {
                digest: digest.clone(),
                map: map.clone(),
                belongs_to: component.name.clone(),
            });
        }
        self.check_sound(map, digest)?;
        let role = component.role;
        let live = self.maps.get(map).and_then(|line| line.live.clone());
        if let Some(live) = live.as_ref().and_then(|live| self.installed.get(live))
            && live.role != role
        {
            return Err(RegistryError::WrongRole {
                map: map.clone(),
                digest: digest.clone(),
                role,
                live: live.role,
            });
        }
        let switch = Switch { map: map.clone(), from: live.clone(), to: Some(digest.clone()) };
        if switch.changed() {
            let line = self.maps.entry(map.clone()).or_default();
            // With nothing live, what was live last stays the one to go back to, unless it is this one.
            line.previous = live.clone().or(line.previous.take()).filter(|previous| previous != digest);
            line.live = Some(digest.clone());
            line.record(Act::Activated { from: live, to: digest.clone() }, by);
        }
        Ok(switch)
    }

    /// Makes the previous version live, and the live one the previous: done twice, it is as before.
    pub(super) fn roll_back(&mut self, map: &MapName, by: By<'_>) -> Result<Switch, RegistryError> {
        let line = self.line(map)?;
        let previous = line.previous.clone().ok_or_else(|| RegistryError::NoPrevious { map: map.clone() })?;
        self.check_sound(map, &previous)?;
        let line = self.maps.entry(map.clone()).or_default();
        let live = line.live.replace(previous.clone());
        line.previous.clone_from(&live);
        line.record(Act::RolledBack { from: live.clone(), to: previous.clone() }, by);
        Ok(Switch { map: map.clone(), from: live, to: Some(previous) })
    }

    /// Takes a version out. Where it was live, the previous one takes over if it is sound, else nothing is live.
    /// Done again, the new evidence takes the place of the old; the history has both.
    pub(super) fn quarantine(
        &mut self,
        digest: &Digest,
        evidence: Evidence,
        by: By<'_>,
    ) -> Result<Switch, RegistryError> {
        let map = self.component(digest)?.name.clone();
        let quarantine = Quarantine { evidence: evidence.clone(), at: by.at, actor: by.actor.to_owned() };
        self.quarantined.insert(digest.clone(), quarantine);
        let line = self.maps.entry(map.clone()).or_default();
        let from = line.live.clone();
        if from.as_ref() == Some(digest) {
            let sound = line.previous.take().filter(|previous| !self.quarantined.contains_key(previous));
            line.live = sound;
            line.previous = Some(digest.clone());
        }
        let to = line.live.clone();
        line.record(Act::Quarantined { digest: digest.clone(), evidence, live: to.clone() }, by);
        Ok(Switch { map, from, to })
    }

    /// Lets a quarantined version run again. It does not go live by that.
    pub(super) fn release(&mut self, digest: &Digest, by: By<'_>) -> Result<MapName, RegistryError> {
        let map = self.component(digest)?.name.clone();
        if self.quarantined.remove(digest).is_none() {
            return Err(RegistryError::NotQuarantined { digest: digest.clone() });
        }
        self.maps.entry(map.clone()).or_default().record(Act::Released { digest: digest.clone() }, by);
        Ok(map)
    }

    pub(super) fn component(&self, digest: &Digest) -> Result<&Installed, RegistryError> {
        self.installed.get(digest).ok_or_else(|| RegistryError::NotInstalled { digest: digest.clone() })
    }

    pub(super) fn line(&self, map: &MapName) -> Result<&Line, RegistryError> {
        self.maps.get(map).ok_or_else(|| RegistryError::UnknownMap { map: map.clone() })
    }

    fn check_sound(&self, map: &MapName, digest: &Digest) -> Result<(), RegistryError> {
        self.quarantined.get(digest).map_or(Ok(()), |quarantine| {
            Err(RegistryError::Quarantined {
                map: map.clone(),
                digest: digest.clone(),
                evidence: quarantine.evidence.text.clone(),
            })
        })
    }
}

impl Line {
    fn record(&mut self, act: Act, by: By<'_>) {
        let sequence = u64::try_from(self.history.len()).unwrap_or(u64::MAX).saturating_add(1);
        self.history.push(Entry { sequence, at: by.at, actor: by.actor.to_owned(), act });
    }
}

#[cfg(test)]
mod tests;

//! Which stack of components is which: the engine knows stacks by their digest, operators know their parts by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dualwright_model::{Digest, MapName};
use dualwright_plugin_host::{Grants, Layer, Stack};

/// A map as the engine was started with it.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The map and what is stacked on it.
    pub stack: Arc<Stack>,
    /// What each of its components was granted, by name. A version that is activated later gets the same.
    pub grants: BTreeMap<MapName, Grants>,
}

/// A stack that is at work, or was just before.
struct Known {
    stack: Arc<Stack>,
    /// The part that was new in it, where that is known.
    changed: Option<Digest>,
}

/// The stacks of all maps.
pub(super) struct Stacks {
    known: Mutex<BTreeMap<MapName, Vec<Known>>>,
    grants: BTreeMap<MapName, Grants>,
}

impl Stacks {
    pub(super) fn new(configured: impl IntoIterator<Item = Configured>) -> Self {
        let (mut known, mut grants) = (BTreeMap::new(), BTreeMap::new());
        for Configured { stack, grants: granted } in configured {
            grants.extend(granted);
            known.insert(stack.base().description().name.clone(), vec![Known { stack, changed: None }]);
        }
        Self { known: Mutex::new(known), grants }
    }

    /// What the component of this name was granted: nothing, unless the configuration says so.
    pub(super) fn grants(&self, component: &MapName) -> Grants {
        self.grants.get(component).cloned().unwrap_or_default()
    }

    /// The map that a component belongs to: itself, or the one that it is stacked on.
    pub(super) fn base_of(&self, component: &MapName) -> MapName {
        let known = self.known();
        if known.contains_key(component) {
            return component.clone();
        }
        let holds = |stacks: &[Known]| stacks.iter().any(|known| known.stack.layer(component).is_some());
        let base = known.iter().find(|(_, stacks)| holds(stacks)).map(|(base, _)| base.clone());
        base.unwrap_or_else(|| component.clone())
    }

    /// Whether anything is stacked on this map.
    pub(super) fn is_layered(&self, base: &MapName) -> bool {
        self.known()
            .get(base)
            .is_some_and(|stacks| stacks.iter().any(|known| !known.stack.layers().is_empty()))
    }

    /// The stack of a map with this digest.
    pub(super) fn find(&self, base: &MapName, digest: &Digest) -> Option<Arc<Stack>> {
        let known = self.known();
        let mut stacks = known.get(base)?.iter();
        stacks.find(|known| known.stack.digest() == digest).map(|known| Arc::clone(&known.stack))
    }

    /// A stack is about to take over from the one at work. Those that were before that are forgotten.
    pub(super) fn remember(&self, base: &MapName, now: &Stack, next: Arc<Stack>, changed: Digest) {
        let mut known = self.known();
        let stacks = known.entry(base.clone()).or_default();
        stacks.retain(|known| known.stack.digest() == now.digest());
        stacks.push(Known { stack: next, changed: Some(changed) });
    }

    /// The part that was new in a stack.
    pub(super) fn culprit(&self, base: &MapName, digest: &Digest) -> Option<Digest> {
        let known = self.known();
        let mut stacks = known.get(base)?.iter();
        stacks.find(|known| known.stack.digest() == digest)?.changed.clone()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<MapName, Vec<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The component that goes by this name in a stack.
pub(super) fn part<'a>(stack: &'a Stack, component: &MapName) -> Option<&'a Digest> {
    if stack.base().description().name == *component {
        return Some(stack.base().digest());
    }
    stack.layer(component).map(Layer::digest)
}

//! What the engine needs of a map, and of whoever keeps its versions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use dualwright_model::{Digest, Leg, MapName};
use dualwright_plugin_host::{
    Clash, Description, GuestChange, Plugin, ResolveResult, Stack, TransformResult,
};

/// The logic of a map, wherever it runs.
#[async_trait]
pub trait MapLogic: Send + Sync + 'static {
    /// What the map says of itself.
    fn description(&self) -> &Description;

    /// Which component it is.
    fn digest(&self) -> &Digest;

    /// Exactly one answer a change, in the same order. A guest's fault is an answer, never a panic (I9).
    async fn transform(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult>;

    /// [`MapLogic::transform`] for a look at what would be written: on the way nothing is done that could leave a trace
    /// outside.
    async fn rehearse(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        self.transform(leg, initial, batch).await
    }

    /// Whether it can be asked about records that both sides changed.
    fn resolves(&self) -> bool {
        false
    }

    /// Exactly one verdict a clash, in the same order. Only called where [`MapLogic::resolves`].
    async fn resolve(&self, _leg: Leg, _initial: bool, _batch: &[Clash]) -> Vec<ResolveResult> {
        Vec::new()
    }
}

/// Who remembers over restarts which versions must not run.
#[async_trait]
pub trait Keeper: Send + Sync + 'static {
    /// Makes durable that a version was undone. Asked before the version before it takes over, so that a death in between
    /// does not bring the bad one back; the map's worker waits for the answer. The engine goes on whatever it is.
    ///
    /// # Errors
    /// In words for the log, when it could not be made durable.
    async fn condemn(&self, undone: &Undone) -> Result<(), String>;
}

/// A version that fares worse than the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The map.
    pub map: MapName,
    /// The version that is undone.
    pub digest: Digest,
    /// The version before it, which takes over again.
    pub back_to: Digest,
    /// What is held against it, for people.
    pub evidence: String,
    /// How both had fared since each was started: `rows`, `faults`, `rejects` and `micros` (spent in the component),
    /// each as `undone-…` and `before-…`.
    pub counters: BTreeMap<String, u64>,
}

#[async_trait]
impl MapLogic for Plugin {
    fn description(&self) -> &Description {
        Plugin::description(self)
    }

    fn digest(&self) -> &Digest {
        Plugin::digest(self)
    }

    async fn transform(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        Plugin::transform(self, leg, initial, batch).await
    }

    async fn rehearse(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        Plugin::rehearse(self, leg, initial, batch).await
    }

    fn resolves(&self) -> bool {
        Plugin::resolves(self)
    }

    async fn resolve(&self, leg: Leg, initial: bool, batch: &[Clash]) -> Vec<ResolveResult> {
        Plugin::resolve(self, leg, initial, batch).await
    }
}

#[async_trait]
impl MapLogic for Stack {
    fn description(&self) -> &Description {
        Stack::description(self)
    }

    fn digest(&self) -> &Digest {
        Stack::digest(self)
    }

    async fn transform(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        Stack::transform(self, leg, initial, batch).await
    }

    async fn rehearse(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        Stack::rehearse(self, leg, initial, batch).await
    }

    fn resolves(&self) -> bool {
        Stack::resolves(self)
    }

    async fn resolve(&self, leg: Leg, initial: bool, batch: &[Clash]) -> Vec<ResolveResult> {
        Stack::resolve(self, leg, initial, batch).await
    }
}

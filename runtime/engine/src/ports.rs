//! What the engine needs of a map.

use async_trait::async_trait;
use dualwright_model::{Digest, Leg};
use dualwright_plugin_host::{Clash, Description, GuestChange, Plugin, ResolveResult, Stack, TransformResult};

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

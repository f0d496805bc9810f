//! What the engine needs of a map.

use async_trait::async_trait;
use dualwright_model::{Digest, Leg};
use dualwright_plugin_host::{Description, GuestChange, Plugin, TransformResult};

/// The logic of a map, wherever it runs.
#[async_trait]
pub trait MapLogic: Send + Sync + 'static {
    /// What the map says of itself.
    fn description(&self) -> &Description;

    /// Which component it is.
    fn digest(&self) -> &Digest;

    /// Exactly one answer a change, in the same order. A guest's fault is an answer, never a panic (I9).
    async fn transform(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult>;
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
}

//! What an onlooker is told: progress bars, the console, the demo.

use std::collections::BTreeMap;

use dualwright_model::{Digest, Leg, MapName};
use dualwright_store::{MapCounters, Resolution};
use dualwright_sync::map_state::MapState;
use serde::Serialize;

/// Something worth showing. Best effort: a slow onlooker misses events, never data.
#[derive(Clone, Debug)]
pub enum Event {
    /// A map changed its state.
    State {
        /// The map.
        map: MapName,
        /// Its state now.
        state: MapState,
    },
    /// An initial sync went on.
    Progress {
        /// The map.
        map: MapName,
        /// The leg being read.
        leg: Leg,
        /// Rows read so far in this run.
        done: u64,
        /// Rows in all, where known.
        total: Option<u64>,
        /// Whether the leg is through.
        finished: bool,
    },
    /// Another version of a map was put to work.
    Switched {
        /// The map.
        map: MapName,
        /// The component before.
        from: Digest,
        /// The component now.
        to: Digest,
        /// Who asked for it; `engine` when a switch was undone.
        actor: String,
    },
    /// A version was undone, because it fared worse than the one before.
    Undone {
        /// The map.
        map: MapName,
        /// The component that was undone.
        digest: Digest,
        /// What was held against it.
        evidence: String,
        /// How it and the version before it had fared; see [`Undone::counters`](crate::Undone::counters).
        counters: BTreeMap<String, u64>,
    },
    /// A live batch was settled.
    Settled {
        /// The map.
        map: MapName,
        /// The leg.
        leg: Leg,
        /// How its changes ended.
        resolved: BTreeMap<Resolution, u64>,
    },
}

/// How one map stands.
#[derive(Clone, Debug, Serialize)]
pub struct MapStatus {
    /// The map.
    pub map: MapName,
    /// Its version.
    pub version: String,
    /// Its component.
    pub digest: String,
    /// Its state.
    pub state: MapState,
    /// Why it is in that state.
    pub reason: String,
    /// Its counters a leg.
    pub legs: BTreeMap<Leg, MapCounters>,
}

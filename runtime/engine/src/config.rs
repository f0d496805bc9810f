//! What may be set.

use std::sync::Arc;
use std::time::Duration;

use dualwright_model::System;
use dualwright_sync::conflict::Policy;
use dualwright_sync::health::HealthPolicy;

use crate::MapLogic;

/// Settings of the engine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// How often a change feed is read when nobody nudges. A lost push costs at most this.
    pub poll_interval: Duration,
    /// How often a system without a change feed is read whole and compared.
    pub sweep_interval: Duration,
    /// How long a change waits for a lookup's target before it becomes a dead letter.
    pub lookup_wait_limit: Duration,
    /// The largest batch of one leg.
    pub batch_rows: usize,
    /// Rows a page of a full read.
    pub page_rows: usize,
    /// So many dead letters of one map within five minutes stop it; 0 never does.
    pub stop_after_dead_letters: u32,
    /// When a switch to another version of a map is undone.
    pub health: HealthPolicy,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_secs(30),
            sweep_interval: Duration::from_secs(15 * 60),
            lookup_wait_limit: Duration::from_secs(24 * 60 * 60),
            batch_rows: 200,
            page_rows: 600,
            stop_after_dead_letters: 0,
            health: HealthPolicy::default(),
        }
    }
}

/// One map to run.
#[derive(Clone)]
pub struct MapSettings {
    /// The map itself.
    pub logic: Arc<dyn MapLogic>,
    /// Who wins when both sides changed one column.
    pub policy: Policy,
    /// Whose rows win in the initial sync.
    pub master: System,
    /// Whether to synchronise what exists when the map first starts.
    pub initial_sync: bool,
}

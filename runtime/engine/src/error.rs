//! Why the engine cannot start or go on.

use dualwright_connect::ConnectError;
use dualwright_diagnostics::Class;
use dualwright_store::StoreError;

/// What stopped the engine, or one of its maps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store failed: nothing can be promised any more.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A system could not be asked for what the start needs.
    #[error("map {map} cannot start: {source}")]
    Connect {
        /// The map.
        map: String,
        /// What happened.
        source: ConnectError,
    },
    /// A map does not fit the systems.
    #[error("map {map} does not fit: {reason}")]
    Map {
        /// The map.
        map: String,
        /// What does not fit.
        reason: String,
    },
    /// A request that the map's state does not allow.
    #[error("{0}")]
    State(#[from] dualwright_sync::map_state::TransitionError),
    /// No such map.
    #[error("there is no map named {0}; GET /v1/maps lists them")]
    UnknownMap(String),
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    Closing,
}

impl EngineError {
    /// What a reader may do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Connect { source, .. } => source.class(),
            Self::Map { .. } | Self::UnknownMap(_) => Class::Config,
            Self::State(_) => Class::Conflict,
            Self::Closing => Class::Transient,
        }
    }
}

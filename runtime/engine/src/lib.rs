//! Conducts: capture → judge → transform → apply → settle, initial sync, supervision.
//!
//! The engine performs what `sync` decides. It names no backend and no system: connectors and the store come in as
//! trait objects, maps as [`MapLogic`]. The file list is the life of a change.
//!
//! Lifetimes: one capture task a leg, one worker a map. A worker has at most one batch in flight, in which every
//! record appears once; both legs of a map share it, so that no record is ever written from two sides at once (I2).

mod apply;
mod arbitrate;
mod backoff;
mod batch;
mod capture;
mod clock;
mod config;
mod error;
mod event;
mod examine;
mod initial_sync;
mod judge;
mod map;
mod ports;
mod preview;
mod read_again;
mod record;
mod settle;
mod shadow;
mod shown;
mod supervisor;
mod sweep;
mod transform;
mod versions;
mod worker;

pub use clock::{Clock, SystemClock};
pub use config::{EngineSettings, MapSettings};
pub use error::EngineError;
pub use event::{Event, MapStatus};
pub use examine::Examined;
pub use ports::{Keeper, MapLogic, Undone};
pub use preview::preview;
pub use record::RecordStory;
pub use shadow::{ShadowDifference, ShadowReport, ShadowSample};
pub use supervisor::{Engine, Pair};
pub use versions::Switched;

//! The runtime's own HTTP: pushes from both systems, health, map states, dead letters, plugins.
//!
//! Two kinds of callers with two secrets' worth of trust: the systems reach `/nudges/*` and must know the nudge
//! secret; people and tools reach `/v1/*`, which is served on the loopback interface or, elsewhere, to those who know
//! the control token. Answers are types of their own (I12).

mod answer;
mod auth;
mod plugins;
mod routes;
mod server;

pub use plugins::{Configured, PluginError, Plugins, take_up_evidence};
pub use server::{Control, ControlError, ControlSettings};

#![doc = include_str!("../README.md")]

mod cache;
mod call;
mod caller;
mod component;
mod describe;
mod description;
mod engine;
mod error;
mod fault;
mod grants;
mod imports;
mod isolate;
mod layer;
mod limits;
mod outcome;
pub mod registry;
mod rows;
mod services;
mod stack;
mod stats;
mod store;
mod ticker;
mod worlds;

pub use call::Plugin;
pub use description::{Description, KeyPair, LeavePolicy, LegDescription};
pub use engine::{Host, HostConfig};
pub use error::HostError;
pub use grants::{FieldGrant, Grants, HiddenText, HttpGrant, HttpGrantError, LookupGrant};
pub use layer::{Layer, LayerDescription, LayerRole, Stage};
pub use limits::Limits;
pub use outcome::{GuestFault, GuestFaultKind, Outcome, TransformResult, Violation};
pub use rows::GuestChange;
pub use services::{HttpAnswer, HttpRequest, LookupQuestion, ServiceError, Services};
pub use stack::{Misfit, Misfits, Stack};
pub use stats::PluginStats;

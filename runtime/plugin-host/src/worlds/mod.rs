//! The contract, from the host's side: one file for each interface that a component may export.
//!
//! Contract 1.x only ever adds interfaces, so what a component of an older 1.x exports is what the newest one calls by
//! the same name: [`contract`] reads which version a component speaks and lifts it, and `tests/published.rs` runs frozen
//! components of every published version. Limits and grants are the same for all and sit below (I6).

pub(crate) mod bindings;
pub(crate) mod cells;
pub(crate) mod contract;
pub(crate) mod extension;
pub(crate) mod mapper;
pub(crate) mod resolver;
pub(crate) mod start;
pub(crate) mod typed;
pub(crate) mod validator;

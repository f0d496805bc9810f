//! Puts the rooms together: connectors, store, sandbox, maps, engine, the runtime's own HTTP. The one place that names
//! a backend and a system, and the same for `run` and for `demo`.

mod adoption;
mod candidate;
mod maps;
mod runtime;
mod services;
mod stack;
mod systems;

pub(crate) use candidate::Candidate;
pub(crate) use maps::{LoadedMap, LoadedMaps, build_failure, host, host_failure, load_all, load_map};
pub(crate) use runtime::{Runtime, failure as engine_failure};
pub(crate) use stack::misfit_failure;
pub(crate) use systems::{connect, connect_dataverse, connect_finops, failure as connect_failure};

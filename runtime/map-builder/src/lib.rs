//! Turns a map file or a guest crate into a component, and checks it.
//!
//! A declarative map becomes a component in three steps: [`manifest`] reads the file and its value sets,
//! [`guest`] supplies the compiled `table-map` guest, [`compose`] puts the encoded table into it. [`check`] compares
//! what any map says of itself with the schemas of both systems.
//!
//! Authors begin with [`scaffold`], and try what they have with [`fixtures`], [`round_trip`], [`limits`] and [`profile`].
//!
//! What this room does not do: make a sandbox (a caller brings a loaded plugin), or talk to a system.

pub mod check;
pub mod compose;
pub mod diff;
pub mod dual_write;
mod error;
mod excerpt;
pub mod fixtures;
pub mod guest;
pub mod limits;
pub mod manifest;
mod map;
mod options;
pub mod profile;
pub mod project;
pub mod round_trip;
pub mod scaffold;

pub use error::{BuildError, MapProblem};
pub use map::{BuiltMap, build_folder, build_map, build_map_with, describe, map_files};
pub use options::{BuildOptions, Known, Progress};

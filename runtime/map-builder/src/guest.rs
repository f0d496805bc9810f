//! Guests: finding or building the modules that become components.

pub mod python;
pub mod rust;
mod sources;
pub mod table_map;
mod toolchain;
mod tools;
pub mod typescript;

pub use table_map::Guest;
pub use toolchain::{Toolchain, ToolchainKind};

pub(crate) use sources::hex;

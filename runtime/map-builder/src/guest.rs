//! Guests: finding or building the modules that become components.

pub mod rust;
mod sources;
pub mod table_map;
mod toolchain;

pub use table_map::Guest;
pub use toolchain::{Toolchain, ToolchainKind};

pub(crate) use sources::hex;

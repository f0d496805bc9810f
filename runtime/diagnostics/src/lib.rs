//! Error classes and exit codes: what a reader may *do* about a failure.
//!
//! Messages explain; a [`Class`] decides (retry, park, dead letter, stop), and [`Exit`] tells a script.

mod class;
mod exit;

pub use class::Class;
pub use exit::Exit;

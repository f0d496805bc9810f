//! The map language: what a declarative map can say, and the guest that does it.
//!
//! A map file goes through four steps, one module each: [`table`] is its grammar, [`compile`] resolves names to
//! positions and refuses what makes no sense, [`encode`] writes the result as bytes, [`eval`] runs rows through
//! those bytes. The guest holds only the last two and the bytes of one map; natively the same code runs the same
//! bytes, so a map means the same everywhere.
//!
//! What this crate does not do: read files, render errors, build components. That is `map-builder`.

mod check;
pub mod encode;
pub mod eval;
pub mod exact;
mod operand;
pub mod pattern;
pub mod program;

#[cfg(not(target_family = "wasm"))]
pub mod compile;
#[cfg(not(target_family = "wasm"))]
mod filter;
#[cfg(not(target_family = "wasm"))]
pub mod kinds;
#[cfg(not(target_family = "wasm"))]
pub mod table;

#[cfg(all(target_family = "wasm", feature = "component"))]
mod guest;

#[cfg(not(target_family = "wasm"))]
pub use filter::filter_columns;

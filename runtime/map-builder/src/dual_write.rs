//! The maps that dual-write itself has: its own definitions become map files, and map files become definitions.
//!
//! A definition is the JSON in `msdyn_mapping` of a row of `msdyn_dualwriteentitymap`. It comes as a file, inside an
//! exported solution ([`source`]), or from an environment. [`import()`] turns it into a [`Sheet`], which is a map file as
//! data; [`export()`] goes the other way. Source filters are in X++ ([`xpp`]), the integration keys and masters stand in the
//! configuration of the automation tool ([`automation`]).
//!
//! Nothing is dropped in silence: whatever has no place on the other side becomes a [`Remark`].

pub mod automation;
mod columns;
pub mod definition;
mod export;
mod fields;
mod header;
mod import;
mod key;
mod name;
mod remark;
mod sheet;
pub mod source;
pub mod tables;
mod transforms;
pub mod xpp;

#[cfg(test)]
mod tests;

pub use definition::Definition;
pub use export::{Exported, export};
pub use import::{Aids, Imported, import, tables_of};
pub use remark::{Remark, Weight};
pub use sheet::{Sheet, SheetError};

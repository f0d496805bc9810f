//! For authors of map components.
//!
//! A map is a type that implements [`Map`], exported with [`export_map!`]:
//!
//! ```
//! use dualwright_sdk::{Cell, Change, Context, Description, KeyPair, LeavePolicy, Leg, LegDescription, Map, Outcome};
//!
//! struct Units;
//!
//! impl Map for Units {
//!     fn describe() -> Description {
//!         Description {
//!             name: "units".into(),
//!             version: "1.0.0".into(),
//!             about: "Units of measure, their symbols in upper case.".into(),
//!             finops_table: "UnitsOfMeasure".into(),
//!             dataverse_table: "uoms".into(),
//!             key: vec![KeyPair { finops: "UnitSymbol".into(), dataverse: "msdyn_symbol".into() }],
//!             legs: vec![LegDescription {
//!                 leg: Leg::ToDataverse,
//!                 reads: vec!["UnitSymbol".into()],
//!                 writes: vec!["msdyn_symbol".into(), "name".into()],
//!                 filter: None,
//!                 on_leave: LeavePolicy::Delete,
//!             }],
//!             two_way: vec![],
//!             needs: vec![],
//!         }
//!     }
//!
//!     fn transform_one(_leg: Leg, _context: &Context, change: Change) -> Outcome {
//!         let symbol = change.cells.into_iter().next().unwrap_or(Cell::Absent);
//!         let name = symbol.as_text().map_or(Cell::Absent, |text| Cell::from(text.to_uppercase()));
//!         Outcome::Upsert(vec![symbol, name])
//!     }
//! }
//!
//! dualwright_sdk::export_map!(Units);
//!
//! let row = dualwright_sdk::testing::row([("UnitSymbol", "kg")]);
//! let written = dualwright_sdk::testing::upsert::<Units>(Leg::ToDataverse, row).unwrap();
//! assert_eq!(written["name"], Cell::from("KG"));
//! ```
//!
//! The crate must be a `cdylib` (beside the usual `rlib`). [`export_map!`] makes nothing but a type check off
//! WebAssembly, so a map is an ordinary library whose logic is tested natively, with [`testing`].
//!
//! What is stacked on somebody else's map is a component of its own: [`Validate`] refuses records, [`Extend`] fills
//! columns that the map leaves alone.
//!
//! A map is a pure function: it has no clock, no network and no files, and a fresh instance sees every batch, so
//! nothing can be kept from one batch to the next. The few that need more ask the operator for it: [`lookup`] reads
//! single records of either system, [`http`] sends requests to hosts that the operator named.

#[doc(hidden)]
pub mod bindings;
mod cell;
mod decimal;
mod export;
mod extension;
#[doc(hidden)]
pub mod extension_bindings;
mod heap;
pub mod http;
pub mod lookup;
mod map;
mod resolver;
#[doc(hidden)]
pub mod resolver_bindings;
pub mod testing;
mod validator;
#[doc(hidden)]
pub mod validator_bindings;

pub use bindings::dualwright::plugin::describe::{
    Description, KeyPair, LeavePolicy, LegDescription, TwoWayField,
};
pub use bindings::dualwright::plugin::types::{Cell, Change, Context, Leg, Operation, Outcome, Violation};
pub use extension::{Extend, Extended, ExtensionDescription, Passing};
pub use heap::Heap;
pub use map::Map;
pub use resolver::{Clash, ContestedCell, Resolve, Verdict};
pub use validator::{Stage, Validate, ValidatorDescription};

//! The sandbox: loads, checks, limits and calls map components.
//!
//! One batch, one fresh instance. A guest gets exactly what was granted (I6) and its faults cost its own batch only (I9).

mod description;
mod error;
mod outcome;

pub use description::{Description, KeyPair, LeavePolicy, LegDescription};
pub use error::HostError;
pub use outcome::{GuestFault, GuestFaultKind, Outcome, TransformResult, Violation};

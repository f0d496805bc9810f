//! What comes back from a call.

use dualwright_model::{ColumnPath, Record};
use serde::{Deserialize, Serialize};

/// One reason for which a record is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The column at fault.
    pub field: Option<ColumnPath>,
    /// A stable word.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// What is to be done with one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Write these cells.
    Upsert(Record),
    /// Delete the record on the other side.
    Delete,
    /// Do nothing.
    Skip(String),
    /// Refuse it.
    Reject(Vec<Violation>),
}

/// How a guest failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestFaultKind {
    /// It trapped (`unreachable`, out of bounds, stack overflow …).
    Trap,
    /// It ran past its deadline.
    TimedOut,
    /// It asked for more memory than it may have.
    OutOfMemory,
    /// It returned more than it may, or something that is not an answer: wrong lengths, wrong decimals.
    BadAnswer,
}

/// One guest fault, pinned on one record (the host halves a failing batch until the culprit is alone).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestFault {
    /// How it failed.
    pub kind: GuestFaultKind,
    /// What the engine said, with the guest's backtrace where there is one; never row values.
    pub message: String,
}

/// The answer for one record.
pub type TransformResult = Result<Outcome, GuestFault>;

//! Fixtures: input rows, and what is to become of them, as files that people read and write.
//!
//! ```toml
//! [[case]]
//! name = "a group goes out"
//! leg = "to-dataverse"
//!
//! [case.row]
//! CustomerGroupId = "10"
//! CreditLimit = { decimal = "12.50" }
//! Description = { null = true }
//!
//! [case.expect.upsert]
//! msdyn_groupid = "10"
//! ```
//!
//! A case expects one of `[case.expect.upsert]` (exactly these cells; all others absent), `expect.delete = true`,
//! `expect.skip = "reason"` and `[[case.expect.reject]]` (`code`, and where given `field` and `message`). Cases that
//! follow each other and have the same `batch` go to the map in one call. What a map asks of the world outside is answered
//! by `outside.toml`, beside the fixtures.

mod cell;
mod compare;
mod outside;
mod read;
mod rewrite;
mod run;

use std::path::PathBuf;

use dualwright_model::{Leg, Operation, Record};

pub use cell::show;
pub(crate) use compare::fault_words;
pub use compare::{DiffLine, Outcome as Actual, diff};
pub use outside::{Outside, read_outside};
pub use read::{read_folder, read_text};
pub use rewrite::{UpdateError, update};
pub use run::{CaseResult, run};

/// One file of cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixtureFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its text, as it was read.
    pub text: String,
    /// Its cases, in their order.
    pub cases: Vec<Case>,
}

/// One record on its way through the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The direction.
    pub leg: Leg,
    /// Upsert or delete.
    pub operation: Operation,
    /// Whether it is part of an initial sync.
    pub initial: bool,
    /// The call that it shares with its neighbours of the same name.
    pub batch: Option<String>,
    /// The row, by column.
    pub row: Record,
    /// What is to become of it; `None` until that was recorded.
    pub expect: Option<Expectation>,
    /// The line of the file on which the case begins, from 1.
    pub line: usize,
}

/// What is to become of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Exactly these cells are written.
    Upsert(Record),
    /// It is deleted.
    Delete,
    /// Nothing is done, for this reason.
    Skip(String),
    /// It is refused, for exactly these reasons.
    Reject(Vec<ExpectedViolation>),
}

/// One reason for a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedViolation {
    /// The column at fault; any when left out.
    pub field: Option<String>,
    /// The stable word.
    pub code: String,
    /// The sentence; any when left out.
    pub message: Option<String>,
}

/// A fixture file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// A file or folder could not be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file does not say what it should.
    #[error("{path}:{line}: {message}")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

#[cfg(test)]
mod tests;

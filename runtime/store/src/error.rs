//! What can go wrong with the store.

use dualwright_diagnostics::Class;

/// A store that cannot be trusted any more, or a question it cannot answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be opened, read or written. After a failed commit the store refuses all further writes: what
    /// reached the disk is unknown until it is opened again.
    #[error("the store at {place} failed: {reason}")]
    Failed {
        /// Which file.
        place: String,
        /// What the database said.
        reason: String,
    },
    /// A row in the store cannot be read back: written by a newer version, or damaged.
    #[error("the store holds something unreadable in {table}: {reason}")]
    Unreadable {
        /// Which table.
        table: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// Written by a version this one does not know.
    #[error(
        "the store at {place} has format {found}, and this version reads up to {known}; use a newer dualwright"
    )]
    TooNew {
        /// Which file.
        place: String,
        /// Its format.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// What a reader may do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Failed { .. } | Self::Unreadable { .. } | Self::Closed => Class::Host,
            Self::TooNew { .. } => Class::Config,
        }
    }
}

//! What can go wrong in an emulator, apart from what a request did wrong.

use std::net::SocketAddr;
use std::path::PathBuf;

/// An emulator could not be started or loaded.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The address is not this machine's own: emulators are for development and accept nobody else.
    #[error("an emulator listens on loopback only, and {address} is not; use 127.0.0.1")]
    NotLoopback {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The port could not be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A schema file is wrong.
    #[error("schema {file}: {reason}")]
    Schema {
        /// The file, or the table.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate for `https` could not be made, kept or used.
    #[error("no certificate for https in {}: {reason}", folder.display())]
    Certificate {
        /// The folder that holds it.
        folder: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The client that delivers events could not be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(reqwest::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The database failed; the request that met it is answered with a server error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no.
    #[error("the emulator's database failed: {0}")]
    Sqlite(String),
    /// The emulator is shutting down.
    #[error("the emulator is shutting down")]
    Closed,
    /// What is stored cannot be understood, as after a change of the schema that keeps the name and changes the type.
    #[error("a stored row of {table} cannot be read: {reason}")]
    Corrupt {
        /// The table.
        table: String,
        /// What is wrong.
        reason: String,
    },
    /// A key that another row holds already. The caller checks before it writes; this is the net below.
    #[error("another row of {table} has that key")]
    DuplicateKey {
        /// The table.
        table: String,
        /// The number of the key; `None` when it is the id.
        key: Option<usize>,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error.to_string())
    }
}

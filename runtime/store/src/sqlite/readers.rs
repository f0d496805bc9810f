//! Reading beside the writer. A read sees everything that was acknowledged before it began.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::schema;
use crate::StoreError;

/// Connections kept for the next read.
const KEPT_MAX: usize = 4;

pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Copies the file while it is in use.
    pub(super) async fn backup_to(self: &Arc<Self>, target: PathBuf) -> Result<(), StoreError> {
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            Connection::open(&readers.path)
                .and_then(|connection| connection.execute("VACUUM INTO ?1", [target.to_string_lossy()]))
                .map(|_| ())
                .map_err(|error| schema::failed(&target, &error))
        });
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Answers a question about a table.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        table: &'static str,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => schema::open_reader(&readers.path)
                    .map_err(|error| schema::failed(&readers.path, &error))?,
            };
            let answer = question(&connection).map_err(|error| match error {
                rusqlite::Error::FromSqlConversionFailure(_, _, reason) => {
                    StoreError::Unreadable { table, reason: reason.to_string() }
                }
                rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::IntegralValueOutOfRange(..) => {
                    StoreError::Unreadable { table, reason: error.to_string() }
                }
                error => schema::failed(&readers.path, &error),
            });
            let mut idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT_MAX {
                idle.push(connection);
            }
            answer
        });
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// A stored text or blob that cannot be read back.
pub(super) fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, Box::new(error))
}

/// Something of ours that cannot be turned into JSON: cannot happen for our own types, and is not worth a panic.
pub(super) fn unwritable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

//! The file's format.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::StoreError;

/// How long a reader waits for whoever has the file.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Formats in order: the number of a format is its place, counted from 1. Never edited once released, only added to.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_tombstones.sql"),
    include_str!("migrations/0003_writers.sql"),
    include_str!("migrations/0004_recorded.sql"),
];

/// Opens the file for writing and brings it to the newest format.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| failed(path, &error);
    let mut connection = Connection::open(path).map_err(failed)?;
    // FULL: a commit is on the disk before it is acknowledged (I1).
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000; \
             PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;",
        )
        .map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::TooNew { place: path.display().to_string(), found, known });
    }
    for (number, migration) in (1_u32..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let transaction = connection.transaction().map_err(failed)?;
        transaction.execute_batch(migration).map_err(failed)?;
        transaction.pragma_update(None, "user_version", number).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(connection)
}

/// Opens the file for reading.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch("PRAGMA query_only = TRUE; PRAGMA cache_size = -4000;")?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

pub(super) fn failed(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Failed { place: path.display().to_string(), reason: error.to_string() }
}

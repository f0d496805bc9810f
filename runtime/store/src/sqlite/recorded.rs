//! The newest settled changes of each leg.

use std::path::Path;

use dualwright_model::{Change, Leg, MapName, Operation};
use rusqlite::{Connection, OpenFlags, params};

use super::readers::unreadable;
use super::schema;
use crate::StoreError;

/// The format in which they were first kept.
const SINCE_FORMAT: u32 = 4;

/// An entry is about to leave the journal, and stays here.
pub(super) fn keep(connection: &Connection, sequence: i64) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO recorded (sequence, map, leg, change) \
         SELECT sequence, map, leg, change FROM journal WHERE sequence = ?1",
    )?;
    insert.execute([sequence]).map(|_| ())
}

/// Drops those of a leg that are too many by now.
pub(super) fn prune(connection: &Connection, map: &MapName, leg: Leg, limit: usize) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM recorded WHERE map = ?1 AND leg = ?2 AND sequence <= (SELECT sequence FROM recorded \
         WHERE map = ?1 AND leg = ?2 ORDER BY sequence DESC LIMIT 1 OFFSET ?3)",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    delete.execute(params![map.as_str(), leg.to_string(), limit]).map(|_| ())
}

/// Forgets all of them.
pub(super) fn forget(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM recorded", []).map(|_| ())
}

pub(super) fn newest(
    connection: &Connection,
    map: &MapName,
    leg: Leg,
    limit: usize,
) -> rusqlite::Result<Vec<Change>> {
    let mut select = connection
        .prepare_cached("SELECT change FROM recorded WHERE map = ?1 AND leg = ?2 ORDER BY sequence DESC")?;
    let mut rows = select.query(params![map.as_str(), leg.to_string()])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()?.filter(|_| changes.len() < limit) {
        let change: Vec<u8> = row.get(0)?;
        let change: Change = serde_json::from_slice(&change).map_err(|error| unreadable(0, error))?;
        if change.operation == Operation::Upsert {
            changes.push(change);
        }
    }
    Ok(changes)
}

/// The same of a file that this process has not opened: a runtime may have it, and it is not written to. A file that is not
/// there, or was never written by a version that keeps changes, holds none.
pub(super) fn of_file(path: &Path, map: &MapName, leg: Leg, limit: usize) -> Result<Vec<Change>, StoreError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let failed = |error: rusqlite::Error| schema::failed(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(schema::PATIENCE).map_err(failed)?;
    let format: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if format < SINCE_FORMAT {
        return Ok(Vec::new());
    }
    newest(&connection, map, leg, limit).map_err(|error| match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, reason) => {
            StoreError::Unreadable { table: "recorded", reason: reason.to_string() }
        }
        error => failed(error),
    })
}

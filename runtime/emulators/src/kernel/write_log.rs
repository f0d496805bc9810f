//! The write log: one entry a row actually written, in commit order, stored in the transaction that wrote the row.

use std::fmt::Write as _;

use dualwright_model::Timestamp;
use rusqlite::Connection;

use crate::kernel::error::StoreError;
use crate::kernel::json::{push_plain, push_text};
use crate::kernel::rows::{Row, Snapshot};
use crate::kernel::schema::{Column, Table};
use crate::kernel::transaction::Note;

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It was created.
    Create,
    /// It was updated.
    Update,
    /// It was deleted.
    Delete,
}

impl Operation {
    /// The word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Appends an entry. Its number is the version of the row, so that log and row name the same write.
pub(super) fn append(
    connection: &Connection,
    operation: Operation,
    table: &Table,
    row: &Row,
    note: Note<'_>,
) -> Result<(), StoreError> {
    let mut key_positions: Vec<usize> = Vec::new();
    for position in table.keys.iter().flat_map(|key| key.columns.iter().copied()) {
        if !key_positions.contains(&position) {
            key_positions.push(position);
        }
    }
    let key = object(table, row, &key_positions);
    let cells = object(table, row, note.sent);
    let sql = "INSERT INTO writes (sequence, at, client, operation, table_name, id, key, cells) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    connection.prepare_cached(sql)?.execute((
        row.version,
        note.at.as_micros(),
        note.client,
        operation.word(),
        &table.name,
        &row.id,
        key,
        cells,
    ))?;
    Ok(())
}

fn object(table: &Table, row: &Row, positions: &[usize]) -> String {
    let mut out = String::with_capacity(32 * positions.len() + 2);
    out.push('{');
    for position in positions {
        let Some(Column { name, .. }) = table.columns.get(*position) else { continue };
        if out.len() > 1 {
            out.push(',');
        }
        push_text(&mut out, name);
        out.push(':');
        push_plain(&mut out, row.cell(*position));
    }
    out.push('}');
    out
}

/// The body of `GET /emulator/writes`: entries after a number, oldest first, at most `limit`. What the emulator set
/// up by itself, as no client, is not shown.
pub(super) fn page(snapshot: &Snapshot<'_>, after: i64, limit: i64) -> Result<String, StoreError> {
    let sql = "SELECT sequence, at, client, operation, table_name, id, key, cells FROM writes \
               WHERE sequence > ?1 AND client <> '' ORDER BY sequence LIMIT ?2";
    let mut statement = snapshot.connection.prepare_cached(sql)?;
    let mut rows = statement.query((after, limit))?;
    let mut out = String::from("{\"writes\":[");
    let mut first = true;
    while let Some(row) = rows.next()? {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        let (sequence, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (key, cells): (String, String) = (row.get(6)?, row.get(7)?);
        // Writing to a string cannot fail.
        let _ = write!(out, "{{\"sequence\":{sequence},\"at\":\"{}\"", Timestamp::from_micros(at));
        for (position, name) in [(2, "client"), (3, "operation"), (4, "table"), (5, "id")] {
            let text: String = row.get(position)?;
            let _ = write!(out, ",\"{name}\":");
            push_text(&mut out, &text);
        }
        let _ = write!(out, ",\"key\":{key},\"cells\":{cells}}}");
    }
    out.push_str("]}");
    Ok(out)
}

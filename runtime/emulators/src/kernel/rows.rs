//! Rows as they are read: a consistent view of the file at one moment.

use std::collections::HashMap;

use dualwright_model::Value;
use rusqlite::{Connection, OptionalExtension, ToSql};

use crate::kernel::cells;
use crate::kernel::connection::TableStatements;
use crate::kernel::error::StoreError;
use crate::kernel::schema::{KeyIndex, Schema, Table};

/// One stored row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Where it stands in the order of creation; never used twice, in any table.
    pub sequence: i64,
    /// Its identity: a GUID, a RecId.
    pub id: String,
    /// Rises with every write of any row of the emulator.
    pub version: i64,
    /// Its cells in the table's column order; null where nothing is stored.
    pub cells: Vec<Value>,
}

impl Row {
    /// A cell by position; null when there is none.
    pub fn cell(&self, position: usize) -> &Value {
        static NULL: Value = Value::Null;
        self.cells.get(position).unwrap_or(&NULL)
    }
}

/// What is left of a deleted row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Its id.
    pub id: String,
    /// The version of the deletion.
    pub version: i64,
}

/// The canonical text of a key's values: lower case, trailing spaces cut, parts joined so that no two keys print
/// alike. `None` when a part is null: such a row is not found by this key, and may stand beside others like it.
pub fn key_text(key: &KeyIndex, cells: &[Value]) -> Option<String> {
    key_text_of(key.columns.iter().map(|position| cells.get(*position).unwrap_or(&Value::Null)))
}

/// As [`key_text`], of values in key order.
pub fn key_text_of<'a>(values: impl Iterator<Item = &'a Value>) -> Option<String> {
    let mut text = String::new();
    for (number, value) in values.enumerate() {
        if value.is_missing() {
            return None;
        }
        if number > 0 {
            text.push('|');
        }
        for letter in value.to_key_text().trim_end().chars().flat_map(char::to_lowercase) {
            if letter == '|' || letter == '\\' {
                text.push('\\');
            }
            text.push(letter);
        }
    }
    Some(text)
}

/// A view of the file as of one moment.
pub struct Snapshot<'a> {
    pub(super) connection: &'a Connection,
    pub(super) schema: &'a Schema,
    pub(super) statements: &'a HashMap<String, TableStatements>,
}

impl Snapshot<'_> {
    /// The schema the store was opened with.
    pub fn schema(&self) -> &Schema {
        self.schema
    }

    /// The row of this id.
    ///
    /// # Errors
    /// When the database fails, as everywhere here.
    pub fn get(&self, table: &Table, id: &str) -> Result<Option<Row>, StoreError> {
        let mut statement = self.connection.prepare_cached(&self.statements(table)?.by_id)?;
        finish(table, statement.query_row([id], raw).optional()?)
    }

    /// The row whose key of this number has this canonical text ([`key_text`]).
    pub fn find(&self, table: &Table, key: usize, text: &str) -> Result<Option<Row>, StoreError> {
        let mut statement = self.connection.prepare_cached(&self.statements(table)?.by_key)?;
        let number = i64::try_from(key).unwrap_or(i64::MAX);
        finish(table, statement.query_row((number, text), raw).optional()?)
    }

    /// Whether there is a row of this id.
    pub fn exists(&self, table: &Table, id: &str) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(&self.statements(table)?.exists)?;
        Ok(statement.exists([id])?)
    }

    /// Visits the rows after a sequence, in the order of creation, until `visit` answers false.
    pub fn scan<E: From<StoreError>>(
        &self,
        table: &Table,
        after: i64,
        visit: impl FnMut(Row) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.visit(table, &self.statements(table)?.after, after, visit)
    }

    /// Visits the rows whose id comes after this one, in the order of ids, until `visit` answers false.
    pub fn scan_ids<E: From<StoreError>>(
        &self,
        table: &Table,
        after: &str,
        visit: impl FnMut(Row) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.visit(table, &self.statements(table)?.in_id_order, after, visit)
    }

    fn visit<E: From<StoreError>>(
        &self,
        table: &Table,
        sql: &str,
        after: impl ToSql,
        mut visit: impl FnMut(Row) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut statement = self.connection.prepare_cached(sql).map_err(StoreError::from)?;
        let mut rows = statement.query([after]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let stored = raw(row).map_err(StoreError::from)?;
            if !visit(decode(table, stored)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Visits the rows whose key of this number has a canonical text ([`key_text`]) from `low` up to but without `high`,
    /// in the order of these texts, until `visit` answers false.
    pub fn scan_key<E: From<StoreError>>(
        &self,
        table: &Table,
        key: usize,
        (low, high): (&str, &str),
        mut visit: impl FnMut(&str, Row) -> Result<bool, E>,
    ) -> Result<(), E> {
        let statements = self.statements(table)?;
        let mut statement =
            self.connection.prepare_cached(&statements.in_key_order).map_err(StoreError::from)?;
        let number = i64::try_from(key).unwrap_or(i64::MAX);
        let mut rows = statement.query((number, low, high)).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(String, Raw)> {
                Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            };
            let (text, stored) = read(row).map_err(StoreError::from)?;
            if !visit(&text, decode(table, stored)?)? {
                break;
            }
        }
        Ok(())
    }

    /// The first canonical text of a key from `low` on.
    pub fn next_key(&self, table: &Table, key: usize, low: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(&self.statements(table)?.next_key)?;
        let number = i64::try_from(key).unwrap_or(i64::MAX);
        Ok(statement.query_row((number, low), |row| row.get(0))?)
    }

    /// The rows last written with a version above `after` and up to `until`, oldest first, at most `limit`.
    pub fn changed_rows(
        &self,
        table: &Table,
        after: i64,
        until: i64,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let mut read = self.connection.prepare_cached(&self.statements(table)?.changed)?;
        let mut rows = read.query((after, until, i64::try_from(limit).unwrap_or(i64::MAX)))?;
        let mut changed = Vec::new();
        while let Some(row) = rows.next()? {
            changed.push(decode(table, raw(row)?)?);
        }
        Ok(changed)
    }

    /// The rows deleted with a version above `after` and up to `until`, oldest first, at most `limit`.
    pub fn deleted_rows(
        &self,
        table: &Table,
        after: i64,
        until: i64,
        limit: usize,
    ) -> Result<Vec<Deleted>, StoreError> {
        let mut read = self.connection.prepare_cached(&self.statements(table)?.gone)?;
        let mut rows = read.query((after, until, i64::try_from(limit).unwrap_or(i64::MAX)))?;
        let mut deleted = Vec::new();
        while let Some(row) = rows.next()? {
            deleted.push(Deleted { version: row.get(0)?, id: row.get(1)? });
        }
        Ok(deleted)
    }

    /// The rows whose stored cells contain this text: a whole-table search for references to an id.
    pub fn rows_containing(&self, table: &Table, text: &str) -> Result<Vec<Row>, StoreError> {
        let mut read = self.connection.prepare_cached(&self.statements(table)?.containing)?;
        let mut rows = read.query([text])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(decode(table, raw(row)?)?);
        }
        Ok(found)
    }

    /// The version of the last write of any row; 0 before the first.
    pub fn latest_version(&self) -> Result<i64, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT coalesce(max(sequence), 0) FROM writes")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// How many rows the table has.
    pub fn count(&self, table: &Table) -> Result<i64, StoreError> {
        let mut statement = self.connection.prepare_cached(&self.statements(table)?.count)?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// A setting that a system keeps in the file.
    pub fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
        Ok(statement.query_row([format!("setting:{name}")], |row| row.get(0)).optional()?)
    }

    pub(super) fn statements(&self, table: &Table) -> Result<&TableStatements, StoreError> {
        self.statements.get(&table.name).ok_or_else(|| StoreError::Corrupt {
            table: table.name.clone(),
            reason: "the store was opened without this table".into(),
        })
    }
}

type Raw = (i64, String, i64, String);

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn decode(table: &Table, (sequence, id, version, text): Raw) -> Result<Row, StoreError> {
    Ok(Row { sequence, id, version, cells: cells::decode(table, &text)? })
}

fn finish(table: &Table, found: Option<Raw>) -> Result<Option<Row>, StoreError> {
    found.map(|raw| decode(table, raw)).transpose()
}

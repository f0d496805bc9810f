//! Writing rows: the row, its keys, its entry in the write log and the events it causes, all or nothing.

use std::ops::Deref;

use dualwright_model::{Timestamp, Value};
use rusqlite::ErrorCode;

use crate::kernel::cells;
use crate::kernel::error::StoreError;
use crate::kernel::outbox::Event;
use crate::kernel::rows::{Row, Snapshot, key_text};
use crate::kernel::schema::Table;
use crate::kernel::write_log::{self, Operation};

/// Who writes, and which cells they sent.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// The client of the access token; empty for what the emulator sets up by itself, which the log does not show.
    pub client: &'a str,
    /// The positions of the columns that the request gave; the write log shows these.
    pub sent: &'a [usize],
    /// When.
    pub at: Timestamp,
}

/// The one open write transaction, inside the writer's thread.
pub struct Transaction<'a> {
    pub(super) snapshot: Snapshot<'a>,
    pub(super) version: i64,
    pub(super) events: usize,
}

impl<'a> Deref for Transaction<'a> {
    type Target = Snapshot<'a>;

    /// A transaction reads what it has written.
    fn deref(&self) -> &Snapshot<'a> {
        &self.snapshot
    }
}

impl Transaction<'_> {
    /// The sequence and version that the next row created here will have.
    pub fn next_sequence(&self) -> i64 {
        self.version + 1
    }

    /// Creates a row.
    ///
    /// # Errors
    /// [`StoreError::DuplicateKey`] when a row of that id or of one of its keys is there; the caller must then roll
    /// back to its savepoint.
    pub fn insert(
        &mut self,
        table: &Table,
        id: &str,
        cells: Vec<Value>,
        note: Note<'_>,
    ) -> Result<Row, StoreError> {
        self.version += 1;
        let row = Row { sequence: self.version, id: id.to_owned(), version: self.version, cells };
        for (number, key) in table.keys.iter().enumerate() {
            if let Some(text) = key_text(key, &row.cells) {
                self.add_key(table, number, &text, row.sequence)?;
            }
        }
        let text = cells::encode(table, &row.cells);
        let statements = self.snapshot.statements(table)?;
        let mut statement = self.snapshot.connection.prepare_cached(&statements.insert)?;
        statement
            .execute((row.sequence, &row.id, row.version, text))
            .map_err(|error| duplicate(table, None, error))?;
        write_log::append(self.snapshot.connection, Operation::Create, table, &row, note)?;
        Ok(row)
    }

    /// Gives a row new cells, all of them.
    ///
    /// # Errors
    /// [`StoreError::DuplicateKey`] as for [`Transaction::insert`].
    pub fn update(
        &mut self,
        table: &Table,
        old: &Row,
        cells: Vec<Value>,
        note: Note<'_>,
    ) -> Result<Row, StoreError> {
        self.version += 1;
        let row = Row { sequence: old.sequence, id: old.id.clone(), version: self.version, cells };
        for (number, key) in table.keys.iter().enumerate() {
            if key.columns.iter().all(|position| old.cell(*position) == row.cell(*position)) {
                continue;
            }
            let (before, after) = (key_text(key, &old.cells), key_text(key, &row.cells));
            if before == after {
                continue;
            }
            if let Some(text) = before {
                self.remove_key(table, number, &text, row.sequence)?;
            }
            if let Some(text) = after {
                self.add_key(table, number, &text, row.sequence)?;
            }
        }
        let text = cells::encode(table, &row.cells);
        let statements = self.snapshot.statements(table)?;
        let mut statement = self.snapshot.connection.prepare_cached(&statements.update)?;
        statement.execute((row.sequence, row.version, text))?;
        write_log::append(self.snapshot.connection, Operation::Update, table, &row, note)?;
        Ok(row)
    }

    /// Deletes a row, leaving a tombstone for change tracking.
    ///
    /// # Errors
    /// When the database fails.
    pub fn delete(&mut self, table: &Table, old: &Row, note: Note<'_>) -> Result<(), StoreError> {
        self.version += 1;
        for (number, key) in table.keys.iter().enumerate() {
            if let Some(text) = key_text(key, &old.cells) {
                self.remove_key(table, number, &text, old.sequence)?;
            }
        }
        let statements = self.snapshot.statements(table)?;
        let connection = self.snapshot.connection;
        connection.prepare_cached(&statements.delete)?.execute([old.sequence])?;
        connection.prepare_cached(&statements.add_gone)?.execute((self.version, &old.id))?;
        let gone = Row { version: self.version, ..old.clone() };
        write_log::append(connection, Operation::Delete, table, &gone, note)
    }

    /// Stores an event to be delivered after the commit.
    ///
    /// # Errors
    /// When the database fails.
    pub fn queue_event(&mut self, event: &Event) -> Result<(), StoreError> {
        self.events += 1;
        event.store(self.snapshot.connection)
    }

    /// Keeps a setting of the system in the file.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_setting(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)";
        let mut statement = self.snapshot.connection.prepare_cached(sql)?;
        statement.execute((format!("setting:{name}"), value))?;
        Ok(())
    }

    /// Does one step all or nothing: when it fails, nothing of it stays, and the transaction goes on.
    ///
    /// # Errors
    /// What the step fails with.
    pub fn step<T, E: From<StoreError>>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let (version, events) = (self.version, self.events);
        self.execute("SAVEPOINT step")?;
        let result = step(self);
        if result.is_err() {
            self.execute("ROLLBACK TO step")?;
            (self.version, self.events) = (version, events);
        }
        self.execute("RELEASE step")?;
        result
    }

    pub(super) fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.snapshot.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn add_key(&self, table: &Table, number: usize, text: &str, sequence: i64) -> Result<(), StoreError> {
        let statements = self.snapshot.statements(table)?;
        let mut statement = self.snapshot.connection.prepare_cached(&statements.add_key)?;
        let stored = i64::try_from(number).unwrap_or(i64::MAX);
        statement.execute((stored, text, sequence)).map_err(|error| duplicate(table, Some(number), error))?;
        Ok(())
    }

    fn remove_key(&self, table: &Table, number: usize, text: &str, sequence: i64) -> Result<(), StoreError> {
        let statements = self.snapshot.statements(table)?;
        let mut statement = self.snapshot.connection.prepare_cached(&statements.remove_key)?;
        statement.execute((i64::try_from(number).unwrap_or(i64::MAX), text, sequence))?;
        Ok(())
    }
}

fn duplicate(table: &Table, key: Option<usize>, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::DuplicateKey { table: table.name.clone(), key },
        _ => StoreError::from(error),
    }
}

//! The SQLite file: its pragmas, its tables, and the statements of each table.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension};

use crate::kernel::cells;
use crate::kernel::error::StoreError;
use crate::kernel::rows::key_text;
use crate::kernel::schema::{Schema, Table};

/// How many prepared statements a connection keeps: about a dozen for each of many tables.
const STATEMENT_CACHE: usize = 1024;

/// The statements of one table, spelled once.
#[derive(Debug)]
pub(super) struct TableStatements {
    pub(super) by_id: String,
    pub(super) by_key: String,
    pub(super) in_key_order: String,
    pub(super) next_key: String,
    pub(super) exists: String,
    pub(super) after: String,
    pub(super) in_id_order: String,
    pub(super) changed: String,
    pub(super) gone: String,
    pub(super) containing: String,
    pub(super) count: String,
    pub(super) insert: String,
    pub(super) update: String,
    pub(super) delete: String,
    pub(super) add_key: String,
    pub(super) remove_key: String,
    pub(super) add_gone: String,
}

impl TableStatements {
    fn new(table: &str) -> Self {
        let (rows, keys, gone) = (format!("rows_{table}"), format!("keys_{table}"), format!("gone_{table}"));
        let columns = "sequence, id, version, cells";
        Self {
            by_id: format!("SELECT {columns} FROM {rows} WHERE id = ?1"),
            by_key: format!(
                "SELECT r.sequence, r.id, r.version, r.cells FROM {keys} k JOIN {rows} r ON r.sequence = k.sequence \
                 WHERE k.key = ?1 AND k.text = ?2"
            ),
            in_key_order: format!(
                "SELECT k.text, r.sequence, r.id, r.version, r.cells FROM {keys} k \
                 CROSS JOIN {rows} r ON r.sequence = k.sequence \
                 WHERE k.key = ?1 AND k.text >= ?2 AND k.text < ?3 ORDER BY k.text"
            ),
            next_key: format!("SELECT min(text) FROM {keys} WHERE key = ?1 AND text >= ?2"),
            exists: format!("SELECT 1 FROM {rows} WHERE id = ?1"),
            after: format!("SELECT {columns} FROM {rows} WHERE sequence > ?1 ORDER BY sequence"),
            in_id_order: format!("SELECT {columns} FROM {rows} WHERE id > ?1 ORDER BY id"),
            changed: format!(
                "SELECT {columns} FROM {rows} WHERE version > ?1 AND version <= ?2 ORDER BY version LIMIT ?3"
            ),
            containing: format!("SELECT {columns} FROM {rows} WHERE instr(cells, ?1) > 0 ORDER BY sequence"),
            gone: format!(
                "SELECT version, id FROM {gone} WHERE version > ?1 AND version <= ?2 ORDER BY version LIMIT ?3"
            ),
            count: format!("SELECT count(*) FROM {rows}"),
            insert: format!("INSERT INTO {rows} ({columns}) VALUES (?1, ?2, ?3, ?4)"),
            update: format!("UPDATE {rows} SET version = ?2, cells = ?3 WHERE sequence = ?1"),
            delete: format!("DELETE FROM {rows} WHERE sequence = ?1"),
            add_key: format!("INSERT INTO {keys} (key, text, sequence) VALUES (?1, ?2, ?3)"),
            remove_key: format!("DELETE FROM {keys} WHERE key = ?1 AND text = ?2 AND sequence = ?3"),
            add_gone: format!("INSERT INTO {gone} (version, id) VALUES (?1, ?2)"),
        }
    }
}

/// The statements of all tables.
pub(super) fn statements(schema: &Schema) -> HashMap<String, TableStatements> {
    schema.tables.keys().map(|name| (name.clone(), TableStatements::new(name))).collect()
}

/// Opens the file. The log is synced at checkpoints only: what was committed survives the death of the process,
/// which is what an emulator is asked for, and not the loss of power.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -64_000)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    // Plans must not depend on the values bound, or SQLite plans a statement again for every new value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

/// Makes what is missing in the file and brings the key index up to the schema.
pub(super) fn prepare(connection: &mut Connection, schema: &Schema) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS writes (
             sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, client TEXT NOT NULL, operation TEXT NOT NULL,
             table_name TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, cells TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS outbox (
             sequence INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL, headers TEXT NOT NULL, body TEXT NOT NULL,
             attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL DEFAULT 0);
         CREATE INDEX IF NOT EXISTS outbox_url ON outbox (url, sequence);",
    )?;
    for table in schema.tables.values() {
        let name = &table.name;
        transaction.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS rows_{name} (
                 sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, cells TEXT NOT NULL);
             CREATE UNIQUE INDEX IF NOT EXISTS version_{name} ON rows_{name} (version);
             CREATE TABLE IF NOT EXISTS keys_{name} (
                 key INTEGER NOT NULL, text TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (key, text)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS gone_{name} (version INTEGER PRIMARY KEY, id TEXT NOT NULL);"
        ))?;
        index_keys(&transaction, table)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Builds the key index again when the table's keys are not those it was built for.
fn index_keys(connection: &Connection, table: &Table) -> Result<(), StoreError> {
    let wanted = format!(
        "{:?}",
        table
            .keys
            .iter()
            .map(|key| table.key_columns(key).map(|column| column.name.as_str()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    );
    let entry = format!("keys:{}", table.name);
    let found: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [&entry], |row| row.get(0))
        .optional()?;
    if found.as_deref() == Some(wanted.as_str()) {
        return Ok(());
    }
    let name = &table.name;
    connection.execute(&format!("DELETE FROM keys_{name}"), [])?;
    let mut read = connection.prepare(&format!("SELECT sequence, cells FROM rows_{name}"))?;
    let mut add =
        connection.prepare(&format!("INSERT INTO keys_{name} (key, text, sequence) VALUES (?1, ?2, ?3)"))?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let (sequence, text): (i64, String) = (row.get(0)?, row.get(1)?);
        let cells = cells::decode(table, &text)?;
        for (number, key) in table.keys.iter().enumerate() {
            if let Some(text) = key_text(key, &cells) {
                add.execute((i64::try_from(number).unwrap_or(i64::MAX), text, sequence))
                    .map_err(|_| StoreError::DuplicateKey { table: name.clone(), key: Some(number) })?;
            }
        }
    }
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", (entry, wanted))?;
    Ok(())
}

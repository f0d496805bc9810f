//! Who wrote what, from the emulators' own write logs.
//!
//! F&O has no null: a Dataverse row that a person left empty is rightly 0 or "No" in F&O, while a Dataverse row that the
//! runtime filled must say 0 where F&O says 0. Only the log tells the two apart.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use super::cell::Cell;
use super::reader::{Reader, Row};
use crate::Failure;

const PAGE: u64 = 1000;

/// Who wrote what in one system.
#[derive(Debug, Default)]
pub(crate) struct Provenance {
    /// Rows that the runtime created, by table and name.
    created: HashSet<(String, String)>,
    /// Whether the runtime was the last to write a cell, by table, row name and column.
    written: HashMap<(String, String, String), bool>,
    /// The key columns of each table, as the log tells them.
    keys: HashMap<String, Vec<String>>,
    /// The ids in the log, by table.
    ids: HashSet<(String, String)>,
}

#[derive(Deserialize)]
struct Page {
    writes: Vec<Write>,
}

#[derive(Deserialize)]
struct Write {
    sequence: u64,
    client: String,
    operation: String,
    table: String,
    id: String,
    key: BTreeMap<String, Value>,
    cells: BTreeMap<String, Value>,
}

impl Provenance {
    /// Reads the whole log; `runtime` is the client id that the runtime signs in with.
    pub(crate) async fn read(reader: &Reader, url: &str, runtime: &str) -> Result<Self, Failure> {
        let mut provenance = Self::default();
        let mut after = 0;
        loop {
            let address = format!("{url}/emulator/writes?after={after}&limit={PAGE}");
            let text = reader.get(&address).await?;
            match provenance.add(&text, runtime) {
                Ok(Some(last)) => after = last,
                Ok(None) => return Ok(provenance),
                Err(error) => {
                    return Err(Failure::runtime("the write log could not be read")
                        .at(&address)
                        .because(error));
                }
            }
        }
    }

    /// The provenance that one page of a log tells.
    #[cfg(test)]
    pub(crate) fn of(page: &str, runtime: &str) -> Result<Self, serde_json::Error> {
        let mut provenance = Self::default();
        provenance.add(page, runtime)?;
        Ok(provenance)
    }

    /// Adds a page; answers the number of its last entry.
    fn add(&mut self, page: &str, runtime: &str) -> Result<Option<u64>, serde_json::Error> {
        let page: Page = serde_json::from_str(page)?;
        let last = page.writes.last().map(|write| write.sequence);
        for write in page.writes {
            self.note(write, runtime);
        }
        Ok(last)
    }

    fn note(&mut self, write: Write, runtime: &str) {
        let table = write.table.to_lowercase();
        let names = [
            write.id.to_lowercase(),
            key_name(write.key.iter().map(|(name, value)| (name.as_str(), text(value)))),
        ];
        self.keys
            .entry(table.clone())
            .or_insert_with(|| write.key.keys().map(|name| name.to_lowercase()).collect());
        self.ids.insert((table.clone(), names[0].clone()));
        for name in names {
            let row = (table.clone(), name);
            match write.operation.as_str() {
                "create" if write.client == runtime => self.created.insert(row.clone()),
                "create" | "delete" => self.created.remove(&row),
                _ => false,
            };
            for column in write.cells.keys() {
                let cell = (row.0.clone(), row.1.clone(), column.to_lowercase());
                self.written.insert(cell, write.client == runtime);
            }
        }
    }

    /// Whether the runtime created this row.
    pub(crate) fn created(&self, table: &str, row: &Row) -> bool {
        let table = table.to_lowercase();
        self.names(&table, row).into_iter().any(|name| self.created.contains(&(table.clone(), name)))
    }

    /// Whether a cell is the runtime's doing: it wrote it last, or made the row and nobody wrote the cell since.
    pub(crate) fn answers_for(&self, table: &str, row: &Row, column: &str) -> bool {
        let (lower, column) = (table.to_lowercase(), column.to_lowercase());
        let names = self.names(&lower, row);
        let mut written =
            names.into_iter().filter_map(|name| self.written.get(&(lower.clone(), name, column.clone())));
        written.next().copied().unwrap_or_else(|| self.created(table, row))
    }

    /// The names a row may have in the log: its id (a column of its own in Dataverse), or its key (F&O).
    fn names(&self, table: &str, row: &Row) -> Vec<String> {
        let own = row.cells().filter(|(column, _)| !column.starts_with('_') && !column.contains('.'));
        let ids = own
            .map(|(_, cell)| cell.key())
            .filter(|name| self.ids.contains(&(table.to_owned(), name.clone())));
        let keys = self.keys.get(table).into_iter().flatten();
        let key = key_name(keys.map(|column| (column.as_str(), row.cell(column).key())));
        ids.chain([key]).collect()
    }
}

fn key_name<'a>(cells: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut parts: Vec<String> =
        cells.map(|(name, value)| format!("{}={value}", name.to_lowercase())).collect();
    parts.sort();
    parts.join("|")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => Cell::text(text).key(),
        Value::Null => String::new(),
        other => other.to_string().to_lowercase(),
    }
}

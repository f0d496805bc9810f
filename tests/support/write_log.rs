//! What the emulators say was written, by whom and in which order; and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Cell, Service};

/// Entries a page.
const PAGE: usize = 5000;

/// One row that was written, in the order of commits.
#[derive(Clone, Debug, Deserialize)]
pub struct Write {
    /// Its place in the log.
    pub sequence: u64,
    /// When, by the system's clock.
    pub at: String,
    /// Who wrote.
    pub client: String,
    /// `create`, `update` or `delete`.
    pub operation: String,
    /// The table.
    pub table: String,
    /// The system's own id of the row.
    pub id: String,
    /// The key columns after the write.
    pub key: Map<String, Value>,
    /// The cells that were sent, as they are stored.
    pub cells: Map<String, Value>,
}

#[derive(Deserialize)]
struct Page {
    writes: Vec<Write>,
}

/// Reads the whole log of a system.
///
/// # Errors
/// When it cannot be read.
pub async fn read(service: &Service) -> anyhow::Result<Vec<Write>> {
    let mut writes: Vec<Write> = Vec::new();
    loop {
        let after = writes.last().map_or(0, |write| write.sequence);
        let page = service.emulator(&format!("writes?after={after}&limit={PAGE}")).await?;
        let page: Page = serde_json::from_value(page).context("the write log is not understood")?;
        let last = page.writes.len() < PAGE;
        writes.extend(page.writes);
        if last {
            return Ok(writes);
        }
    }
}

/// What a row holds as far as the log tells.
type Known = BTreeMap<String, Value>;

/// Writes of a client that said nothing new: an update none of whose cells changed anything, or a row made while another
/// with its key was there.
pub fn written_twice(log: &[Write], client: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut rows: BTreeMap<(&str, &str), Known> = BTreeMap::new();
    let mut live: BTreeMap<(&str, String), &str> = BTreeMap::new();
    for write in log {
        let key = (write.table.as_str(), key_of(write));
        let row = (write.table.as_str(), write.id.as_str());
        if write.operation == "delete" {
            rows.remove(&row);
            live.retain(|(table, _), id| (*table, *id) != row);
            continue;
        }
        let known = rows.entry(row).or_default();
        let says_nothing_new =
            write.cells.iter().all(|(column, value)| known.get(column).is_some_and(|before| before == value));
        if write.client == client && write.operation == "update" && says_nothing_new {
            findings.push(format!("{} {} was told again what it says: {write:?}", write.table, write.id));
        }
        if write.client == client
            && write.operation == "create"
            && live.get(&key).is_some_and(|id| **id != *write.id)
        {
            findings.push(format!("{} {} was made a second time: {write:?}", write.table, key.1));
        }
        known.extend(write.cells.iter().map(|(column, value)| (column.clone(), value.clone())));
        live.retain(|(table, _), id| (*table, *id) != row);
        live.insert(key, &write.id);
    }
    findings
}

/// Writes of a client by which a counter of a row went back.
pub fn out_of_order(log: &[Write], client: &str, column: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut last: BTreeMap<(&str, &str), (i64, &str)> = BTreeMap::new();
    for write in log.iter().filter(|write| write.client == client) {
        let Some(number) = write.cells.get(column).and_then(number) else { continue };
        let before = last.insert((&write.table, &write.id), (number, &write.at));
        if let Some((before, at)) = before.filter(|(before, _)| number < *before) {
            findings.push(format!(
                "{column} of {} {} {:?} went from {before} (at {at}) to {number} (at {})",
                write.table, write.id, write.key, write.at
            ));
        }
    }
    findings
}

/// The writes of some tables: what a connector registers for itself is no record.
pub fn of_tables(log: &[Write], tables: &[String]) -> Vec<Write> {
    log.iter().filter(|write| tables.contains(&write.table)).cloned().collect()
}

/// How many rows of a table a client wrote.
pub fn count(log: &[Write], client: &str, table: &str) -> usize {
    log.iter().filter(|write| write.client == client && write.table == table).count()
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn key_of(write: &Write) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parts = write.key.values().map(|value| text(value).trim_end().to_lowercase());
    parts.collect::<Vec<_>>().join("|")
}

/// Who made the rows of a system, and who wrote each cell last.
#[derive(Default)]
pub(crate) struct Authors {
    made: BTreeSet<(String, String)>,
    written: BTreeMap<(String, String, String), bool>,
}

impl Authors {
    /// As far as a client is concerned.
    pub(crate) fn read(log: &[Write], client: &str) -> Self {
        let mut authors = Self::default();
        for write in log {
            let row = (write.table.to_lowercase(), write.id.clone());
            match write.operation.as_str() {
                "create" if write.client == client => drop(authors.made.insert(row.clone())),
                "create" | "delete" => drop(authors.made.remove(&row)),
                _ => {}
            }
            for column in write.cells.keys() {
                let cell = (row.0.clone(), row.1.clone(), column.to_lowercase());
                authors.written.insert(cell, write.client == client);
            }
        }
        authors
    }

    /// Whether the client made the row.
    pub(crate) fn made(&self, table: &str, id: &Cell) -> bool {
        self.made.contains(&(table.to_lowercase(), id.plain().to_owned()))
    }

    /// Whether the client answers for a cell: it wrote it last, or made the row and nobody wrote the cell.
    pub(crate) fn answers_for(&self, table: &str, id: &Cell, column: &str) -> bool {
        let cell = (table.to_lowercase(), id.plain().to_owned(), column.to_lowercase());
        self.written.get(&cell).copied().unwrap_or_else(|| self.made(table, id))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Write, out_of_order, written_twice};

    fn log(writes: &[(&str, &str, &str, Value)]) -> Vec<Write> {
        let entry = |(number, (client, operation, id, cells)): (usize, &(&str, &str, &str, Value))| {
            json!({"sequence": number + 1, "at": "2026-01-01T00:00:00Z", "client": client, "operation": operation, "table": "shops", "id": id,
                "key": {"number": id.chars().next().unwrap().to_string()}, "cells": cells})
        };
        writes.iter().enumerate().map(entry).map(|entry| serde_json::from_value(entry).unwrap()).collect()
    }

    #[test]
    fn what_is_said_again_is_found() {
        let (we, they) = ("dualwright", "someone");
        let once = log(&[
            (we, "create", "a1", json!({"n": 1, "m": null})),
            (we, "update", "a1", json!({"n": 2})),
            (they, "update", "a1", json!({"n": 1})),
            (they, "update", "a1", json!({"n": 1})),
            (we, "update", "a1", json!({"n": 2})),
            (we, "update", "a1", json!({"n": 2, "m": 5})),
            (they, "update", "b1", json!({"n": 2})),
            (we, "update", "b1", json!({"m": 0})),
            (we, "delete", "a1", json!({})),
            (we, "create", "a2", json!({"n": 2})),
        ]);
        assert_eq!(written_twice(&once, we), Vec::<String>::new());
        for again in [
            (we, "update", "a2", json!({"n": 2})),
            (we, "update", "a2", json!({})),
            (we, "create", "a3", json!({"n": 9})),
        ] {
            let mut twice = once.clone();
            twice.extend(log(std::slice::from_ref(&again)));
            assert_eq!(written_twice(&twice, we).len(), 1, "{again:?}");
        }
    }

    #[test]
    fn a_counter_that_goes_back_is_found() {
        let (we, they) = ("dualwright", "someone");
        let mut writes = vec![
            (we, "create", "a1", json!({"n": 1})),
            (we, "create", "b1", json!({"n": 7})),
            (they, "update", "a1", json!({"n": 0})),
            (we, "update", "a1", json!({"n": 3})),
            (we, "update", "a1", json!({"m": 0})),
        ];
        assert_eq!(out_of_order(&log(&writes), we, "n"), Vec::<String>::new());
        writes.push((we, "update", "a1", json!({"n": 2})));
        assert_eq!(out_of_order(&log(&writes), we, "n").len(), 1);
    }
}

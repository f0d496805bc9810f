//! The oracle: do both systems say the same, by the facts of the map files?
//!
//! F&O has no null. So an empty Dataverse cell and an F&O zero agree where a person left the cell empty, and disagree where
//! the runtime should have filled it; the write log tells the two apart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::facts::{Facts, Field, Side};
use crate::schema::{Empties, primary_id};
use crate::write_log::{self, Authors};
use crate::{Cell, Pair, RUNTIME, Row, Service, System, filter, wait_until};

/// Findings that are told; more are counted.
const TOLD: usize = 12;

/// What came of comparing one map.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The map.
    pub map: String,
    /// Records that are on either side.
    pub records: usize,
    /// Every difference, in words.
    pub differences: Vec<String>,
}

/// Compares both systems for a map.
///
/// # Errors
/// When the map or a system cannot be read.
pub async fn compare(map: &Path, finops: &Service, dataverse: &Service) -> anyhow::Result<Comparison> {
    let facts = Facts::read(map)?;
    let judge = Judge {
        empties: Empties::of(&facts.finops.table)?,
        id_column: primary_id(&facts.dataverse.table)?,
        finops_authors: Authors::read(&write_log::read(finops).await?, RUNTIME),
        dataverse_authors: Authors::read(&write_log::read(dataverse).await?, RUNTIME),
        facts: &facts,
    };
    let finops_rows = finops.rows(&facts.finops.table).await?;
    let columns = facts.fields.iter().filter_map(|field| field.dataverse.as_deref());
    let columns = columns.chain(facts.dataverse.key.iter().map(String::as_str));
    let path = format!("{}{}", facts.dataverse.table, expand(columns));
    let dataverse_rows = dataverse.rows(&path).await?;
    judge.compare(finops_rows, dataverse_rows)
}

/// Waits until both systems say the same by every map.
///
/// # Errors
/// When they do not in time: the differences.
pub async fn wait(pair: &Pair, maps: &[PathBuf], patience: Duration) -> anyhow::Result<()> {
    let (finops, dataverse) = (pair.person(System::Finops).await?, pair.person(System::Dataverse).await?);
    let outcome = wait_until(patience, async || {
        for map in maps {
            let found = compare(map, &finops, &dataverse).await?;
            let told = found.differences.iter().take(TOLD).cloned().collect::<Vec<_>>().join("\n  ");
            ensure!(
                found.differences.is_empty(),
                "{}: {} differences\n  {told}",
                found.map,
                found.differences.len()
            );
        }
        Ok(())
    });
    outcome.await.context("the two systems do not agree")
}

struct Judge<'a> {
    facts: &'a Facts,
    empties: Empties,
    id_column: String,
    finops_authors: Authors,
    dataverse_authors: Authors,
}

type Keyed = BTreeMap<Vec<String>, Row>;

impl Judge<'_> {
    fn compare(&self, finops: Vec<Row>, dataverse: Vec<Row>) -> anyhow::Result<Comparison> {
        let mut differences = Vec::new();
        let finops = keyed(&self.facts.finops, finops, &mut differences)?;
        let dataverse = keyed(&self.facts.dataverse, dataverse, &mut differences)?;
        for (key, row) in &finops {
            match dataverse.get(key) {
                Some(other) => self.compare_rows(key, row, other, &mut differences),
                None if self.facts.goes_to_dataverse() => {
                    differences.push(format!("{key:?} is in F&O and not in Dataverse"));
                }
                None => {}
            }
        }
        let alone = dataverse.keys().filter(|key| !finops.contains_key(*key));
        let records = finops.len() + alone.clone().count();
        if self.facts.goes_to_finops() {
            differences.extend(alone.map(|key| format!("{key:?} is in Dataverse and not in F&O")));
        }
        Ok(Comparison { map: self.facts.name.clone(), records, differences })
    }

    fn compare_rows(&self, key: &[String], finops: &Row, dataverse: &Row, differences: &mut Vec<String>) {
        for field in &self.facts.fields {
            let (here, there) = (field.finops.as_deref(), field.dataverse.as_deref());
            let agrees = match (here, there) {
                (Some(here), Some(there)) => self.cells_agree(field, (here, finops), (there, dataverse)),
                (None, Some(there)) => self.constant_holds(field, there, dataverse),
                (Some(here), None) => self.finops_constant_holds(field, here, finops),
                (None, None) => true,
            };
            if !agrees {
                differences.push(format!(
                    "{key:?}: F&O {} = {:?}, Dataverse {} = {:?}",
                    here.unwrap_or("(constant)"),
                    here.map(|column| finops.cell(column)),
                    there.unwrap_or("(constant)"),
                    there.map(|column| dataverse.cell(column)),
                ));
            }
        }
    }

    fn cells_agree(&self, field: &Field, finops: (&str, &Row), dataverse: (&str, &Row)) -> bool {
        let here = finops.1.cell(finops.0);
        let there = dataverse.1.cell(dataverse.0);
        let same = |one: &Cell, two: &Cell| {
            // A lookup names a row by its key, and keys have no case.
            if dataverse.0.contains('.') { one.key() == two.key() } else { one.agrees_with(two) }
        };
        let expected = if field.to_dataverse {
            field.in_dataverse(here).is_some_and(|expected| same(&expected, there))
        } else {
            field.in_finops(there).is_some_and(|expected| same(&expected, here))
        };
        let column = dataverse.0.split('.').next().unwrap_or(dataverse.0);
        let id = dataverse.1.cell(&self.id_column);
        let left_empty = *there == Cell::Nothing
            && self.empties.is_empty(finops.0, here)
            && !self.dataverse_authors.answers_for(&self.facts.dataverse.table, id, column);
        expected || left_empty
    }

    /// A constant is promised for rows that the runtime made; people may have put anything into theirs.
    fn constant_holds(&self, field: &Field, column: &str, dataverse: &Row) -> bool {
        let made = self.dataverse_authors.made(&self.facts.dataverse.table, dataverse.cell(&self.id_column));
        let said = dataverse.cell(column);
        !made || !field.to_dataverse || field.default.as_ref().is_none_or(|default| default.agrees_with(said))
    }

    fn finops_constant_holds(&self, field: &Field, column: &str, finops: &Row) -> bool {
        let made = self.finops_authors.made(&self.facts.finops.table, &record_id(finops));
        let said = finops.cell(column);
        !made || !field.to_finops || field.default.as_ref().is_none_or(|default| default.agrees_with(said))
    }
}

/// F&O shows the id of a record in its ETag only: `W/"<base64 of 'version,id;'>"`.
fn record_id(finops: &Row) -> Cell {
    let etag = finops.cell("@odata.etag").plain();
    let inner = etag.trim_start_matches("W/").trim_matches('"');
    let text: String = base64(inner).into_iter().map(char::from).collect();
    let id = text.split(',').nth(1).and_then(|rest| rest.split(';').next());
    id.map_or(Cell::Nothing, |id| Cell::Text(id.to_owned()))
}

/// Decodes base64; anything that does not belong into it is passed over.
fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_usize, 0_u32);
    for letter in text.bytes() {
        let Some(six) = LETTERS.iter().position(|other| *other == letter) else { continue };
        bits = (bits << 6) | six;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.extend(u8::try_from((bits >> count) & 0xFF));
        }
        bits &= 0xFFFF;
    }
    bytes
}

/// The rows that are the map's business, by key. A row without its full key is nobody's.
fn keyed(side: &Side, rows: Vec<Row>, differences: &mut Vec<String>) -> anyhow::Result<Keyed> {
    let mut keyed = Keyed::new();
    for row in rows {
        let inside = match &side.filter {
            Some(filter) => filter::matches(filter, &row)?,
            None => true,
        };
        let Some(key) = row.key(&side.key).filter(|_| inside) else { continue };
        if keyed.insert(key.clone(), row).is_some() {
            differences.push(format!("{key:?} is twice in {}", side.table));
        }
    }
    Ok(keyed)
}

/// `?$expand=company($select=code)`: the related rows that paths go through.
fn expand<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    let mut lookups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (lookup, rest) in columns.filter_map(|column| column.split_once('.')) {
        let wanted = lookups.entry(lookup).or_default();
        if !wanted.contains(&rest) {
            wanted.push(rest);
        }
    }
    let one = |(lookup, wanted): (&str, Vec<&str>)| format!("{lookup}($select={})", wanted.join(","));
    let all: Vec<String> = lookups.into_iter().map(one).collect();
    if all.is_empty() { String::new() } else { format!("?$expand={}", all.join(",")) }
}

#[cfg(test)]
mod tests;

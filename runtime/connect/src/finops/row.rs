//! Rows as the data service prints them, and what a selection makes of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dualwright_model::{
    ColumnPath, ColumnSchema, IntegrationKey, Record, RecordId, Timestamp, Value, Version,
};
use dualwright_odata::KeyPredicate;
use dualwright_odata::key::path_segment;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::environment::Environment;
use super::schema::Table;
use super::value;
use crate::{ConnectError, Existing, Selection};

const ETAG: &str = "@odata.etag";
/// Where a table tells when a row was last changed, it is called so.
const MODIFIED: &str = "modifieddatetime";
/// Marks an id that is the key's text, so that it is never taken for a record id.
const KEY_ID: &str = "key|";

/// One page of any read.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) value: Vec<Row>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next_link: Option<String>,
    #[serde(rename = "@odata.count")]
    pub(super) count: Option<u64>,
}

/// One row: its properties and annotations, unread.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Row(Map<String, Json>);

impl Row {
    pub(super) fn version(&self) -> Option<Version> {
        self.0.get(ETAG).and_then(Json::as_str).map(|text| Version(text.to_owned()))
    }

    fn cell(&self, column: &ColumnSchema) -> Result<Value, String> {
        match self.0.get(&column.name) {
            Some(raw) => value::read(raw, column),
            None => Err(format!("a row without its column {}", column.name)),
        }
    }

    /// The values of the table's key.
    pub(super) fn key(&self, table: &Table) -> Result<Vec<Value>, String> {
        table.key.iter().map(|column| self.cell(column)).collect()
    }

    /// The row's stable id.
    pub(super) fn id(&self, table: &Table) -> Result<RecordId, String> {
        match self.version().as_ref().and_then(record_id) {
            Some(id) => Ok(id),
            None => Ok(id_of_key(&self.key(table)?)),
        }
    }
}

/// The record id inside a row version.
///
/// F&O builds the version from the record version and record id of each data source of the entity, the root first:
/// `W/"JzAsNTYzNzE0NDU3Njsn"` is base64 for `'0,5637144576;'`. The record id never changes, the key may.
pub(super) fn record_id(version: &Version) -> Option<RecordId> {
    let text = version.0.strip_prefix("W/").unwrap_or(&version.0);
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    let decoded = String::from_utf8(STANDARD.decode(inside).ok()?).ok()?;
    let first = decoded.strip_prefix('\'')?.split(';').next()?;
    let (_, id) = first.split_once(',')?;
    let number: i64 = id.parse().ok()?;
    (number > 0).then(|| RecordId(number.to_string()))
}

/// Whether an id is of the form that F&O gives to records.
pub(super) fn is_record_id(id: &RecordId) -> bool {
    id.0.parse::<i64>().is_ok_and(|number| number > 0)
}

/// The id of a row whose version does not reveal one: the key's canonical text.
pub(super) fn id_of_key(key: &[Value]) -> RecordId {
    RecordId(format!("{KEY_ID}{}", IntegrationKey::new(key)))
}

/// The key values in an id that was made of them.
pub(super) fn key_of_id(id: &RecordId) -> Option<Vec<Value>> {
    let text = id.0.strip_prefix(KEY_ID)?;
    let mut parts = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '|' => {
                parts.push(String::new());
                continue;
            }
            '\\' => letters.next()?,
            letter => letter,
        };
        parts.last_mut()?.push(letter);
    }
    Some(parts.into_iter().map(Value::Text).collect())
}

/// The address of a row, with its key values in the order of the table's key. `None` when they do not fit the columns:
/// no row has such a key.
pub(super) fn address(table: &Table, key: &[Value]) -> Option<String> {
    if key.len() != table.key.len() {
        return None;
    }
    let mut parts = Vec::with_capacity(key.len());
    for (column, value) in table.key.iter().zip(key) {
        let value = column.coerce(value.clone()).ok()?;
        parts.push((column.name.clone(), value::literal(&value, column)));
    }
    Some(path_segment(table.name(), Some(&KeyPredicate::named(parts))))
}

/// How a selection is read from its table.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) table: Arc<Table>,
    columns: Vec<(ColumnPath, ColumnSchema)>,
    modified: Option<ColumnSchema>,
    /// The selection's key, as columns of the table.
    pub(super) key: Vec<ColumnSchema>,
    select: String,
}

impl Environment {
    /// Plans the reading of a selection.
    ///
    /// # Errors
    /// [`ConnectError::Unknown`] for a column that does not exist; lookup paths never do.
    pub(super) async fn plan(&self, selection: &Selection) -> Result<Plan, ConnectError> {
        let table = self.catalogue.table(&selection.table).await?;
        let column = |path: &ColumnPath| {
            let unknown = || self.unknown(format!("the column {path} of {}", table.name()));
            table.schema.column(path.as_str()).cloned().ok_or_else(unknown)
        };
        let paths: BTreeSet<&ColumnPath> = selection.columns.iter().chain(&selection.key).collect();
        let mut columns = Vec::with_capacity(paths.len());
        for path in paths {
            columns.push((path.clone(), column(path)?));
        }
        let key = selection.key.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let modified = table.schema.column(MODIFIED).cloned();
        let named = columns.iter().map(|(_, column)| column).chain(&table.key).chain(&modified);
        let select: BTreeSet<&str> = named.map(|column| column.name.as_str()).collect();
        let select = select.into_iter().collect::<Vec<_>>().join(",");
        Ok(Plan { columns, modified, key, select, table })
    }
}

impl Plan {
    /// The `$select` option's value: the same for the same columns, in whatever order they were asked for.
    pub(super) fn select(&self) -> &str {
        &self.select
    }

    /// What the selection sees of a row.
    pub(super) fn image(&self, row: &Row) -> Result<Existing, String> {
        let mut record = Record::new();
        for (path, column) in &self.columns {
            record.set(path.clone(), row.cell(column)?);
        }
        Ok(Existing {
            id: row.id(&self.table)?,
            version: row.version(),
            record,
            modified_at: self.modified(row)?,
        })
    }

    fn modified(&self, row: &Row) -> Result<Option<Timestamp>, String> {
        match self.modified.as_ref().map(|column| row.cell(column)).transpose()? {
            Some(Value::Timestamp(time)) => Ok(Some(time)),
            _ => Ok(None),
        }
    }

    /// The row's values of the selection's key.
    pub(super) fn key_values(&self, row: &Row) -> Result<Vec<Value>, String> {
        self.key.iter().map(|column| row.cell(column)).collect()
    }

    /// The values of the table's key, where the selection's key tells all of them.
    pub(super) fn table_key(&self, values: &[Value]) -> Option<Vec<Value>> {
        if values.len() != self.key.len() {
            return None;
        }
        let value = |column: &ColumnSchema| {
            let index = self.key.iter().position(|known| known.name == column.name)?;
            values.get(index).cloned()
        };
        self.table.key.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{RecordId, Value, Version};

    use super::{address, id_of_key, key_of_id, record_id};
    use crate::finops::tests::customers;

    fn check(version: &str, expect: Option<&str>) {
        let id = record_id(&Version(version.into()));
        assert_eq!(id, expect.map(|id| RecordId(id.into())), "{version}");
    }

    #[test]
    fn the_record_id_is_inside_the_version() {
        check("W/\"JzAsNTYzNzE0NDU3Njsn\"", Some("5637144576"));
        // '1,22565421131;0,5637144576;0,0;'
        check("W/\"JzEsMjI1NjU0MjExMzE7MCw1NjM3MTQ0NTc2OzAsMDsn\"", Some("22565421131"));
        check("W/\"JzAsMDsn\"", None);
        for version in ["", "W/", "W/\"\"", "\"x\"", "W/\"123\"", "W/\"JycnJw==\"", "*"] {
            check(version, None);
        }
    }

    #[test]
    fn a_key_survives_as_an_id() {
        let id = id_of_key(&[Value::text("usmf"), Value::text("a|b\\c")]);
        assert_eq!(id.0, "key|usmf|a\\|b\\\\c");
        assert_eq!(key_of_id(&id).unwrap(), [Value::text("usmf"), Value::text("a|b\\c")]);
        assert_eq!(key_of_id(&RecordId("5637144576".into())), None);
    }

    #[test]
    fn a_row_is_addressed_by_its_key() {
        let table = customers();
        let key = [Value::text("usmf"), Value::text("O'Neil & Co/1")];
        let expect = "CustomersV3(dataAreaId='usmf',CustomerAccount='O''Neil%20%26%20Co%2F1')";
        assert_eq!(address(&table, &key).unwrap(), expect);
        assert_eq!(address(&table, &key[..1]), None);
    }
}

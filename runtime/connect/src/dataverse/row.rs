//! Rows as the Web API prints them, and what a selection makes of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use dualwright_model::{ColumnPath, ColumnSchema, Record, RecordId, Timestamp, Value, Version};
use dualwright_odata::delta::deleted_entity;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::schema::{Catalogue, Table};
use super::value;
use crate::ConnectError;

/// One page of any read.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) value: Vec<Row>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    pub(super) delta_link: Option<String>,
    #[serde(rename = "@odata.count")]
    pub(super) count: Option<u64>,
}

/// One row: its properties and annotations, unread.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Row(Map<String, Json>);

impl Row {
    pub(super) fn text(&self, property: &str) -> Option<String> {
        self.0.get(property)?.as_str().map(str::to_owned)
    }

    /// A GUID, in lower case.
    pub(super) fn guid(&self, property: &str) -> Option<String> {
        self.text(property).map(|text| text.to_lowercase())
    }

    pub(super) fn version(&self) -> Option<Version> {
        self.text("@odata.etag").map(Version)
    }

    /// Which table a polymorphic lookup leads to in this row, where the annotation was asked for.
    pub(super) fn leads_to(&self, property: &str) -> Option<String> {
        self.text(&format!("{property}@Microsoft.Dynamics.CRM.lookuplogicalname"))
    }

    /// Id of a row that a change feed reports as deleted: `{"@odata.context":"…/$deletedEntity","id":…,"reason":…}`.
    pub(super) fn deleted_id(&self) -> Option<String> {
        if !self.0.contains_key("@odata.context") && !self.0.contains_key("@removed") {
            return None;
        }
        let id = deleted_entity(&Json::Object(self.0.clone()))?.id.to_lowercase();
        // Some services print the row's address instead of its key.
        match (id.rfind('('), id.rfind(')')) {
            (Some(open), Some(close)) if open < close => id.get(open + 1..close).map(str::to_owned),
            _ => Some(id),
        }
    }

    /// A cell; null when the row does not carry the property (Dataverse leaves out some nulls on expanded rows).
    pub(super) fn cell(&self, property: &str, column: &ColumnSchema) -> Result<Value, String> {
        self.0.get(property).map_or(Ok(Value::Null), |raw| value::read(raw, column))
    }
}

/// A row as a selection sees it.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) id: RecordId,
    pub(super) version: Option<Version>,
    pub(super) record: Record,
    pub(super) modified_at: Option<Timestamp>,
}

/// How a selection is read from one table.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) table: Arc<Table>,
    plain: Vec<Plain>,
    pub(super) through: Vec<Through>,
    select: BTreeSet<String>,
    modified_on: Option<ColumnSchema>,
}

#[derive(Debug)]
struct Plain {
    path: ColumnPath,
    property: String,
    column: ColumnSchema,
}

/// A path through a lookup.
#[derive(Debug)]
pub(super) struct Through {
    pub(super) path: ColumnPath,
    /// The lookup's own property in the row.
    pub(super) property: String,
    /// What is wanted of the related row.
    pub(super) rest: ColumnPath,
    /// The tables that have it.
    pub(super) targets: Vec<Arc<Table>>,
}

const MODIFIED_ON: &str = "modifiedon";

impl Plan {
    /// Plans the reading of these columns and paths.
    ///
    /// # Errors
    /// [`ConnectError::Unknown`] for a column or path that does not exist.
    pub(super) async fn new<'a>(
        catalogue: &Catalogue,
        table: Arc<Table>,
        columns: impl IntoIterator<Item = &'a ColumnPath>,
    ) -> Result<Self, ConnectError> {
        let mut select = BTreeSet::from([table.primary_id().to_owned()]);
        let modified_on = table.schema.column(MODIFIED_ON).cloned();
        select.extend(modified_on.as_ref().map(|column| column.name.clone()));
        let columns: BTreeSet<&ColumnPath> = columns.into_iter().collect();
        let (mut plain, mut through) = (Vec::new(), Vec::new());
        for path in columns {
            let (own, rest) = match path.split_lookup() {
                None => (path.as_str(), None),
                Some((lookup, rest)) => (lookup, Some(rest)),
            };
            let column = table.schema.column(own).ok_or_else(|| unknown(catalogue, &table, path))?.clone();
            let property = table.property(&column);
            select.insert(property.clone());
            match rest {
                None => plain.push(Plain { path: path.clone(), property, column }),
                Some(rest) => {
                    let targets = targets(catalogue, &table, own, &rest).await?;
                    if targets.is_empty() {
                        return Err(unknown(catalogue, &table, path));
                    }
                    through.push(Through { path: path.clone(), property, rest, targets });
                }
            }
        }
        Ok(Self { table, plain, through, select, modified_on })
    }

    /// The `$select` option's value: the same for the same columns, in whatever order they were asked for.
    pub(super) fn select(&self) -> String {
        self.select.iter().map(String::as_str).collect::<Vec<_>>().join(",")
    }

    /// The preference for annotations, where a lookup may lead to several tables.
    pub(super) fn annotations(&self) -> Option<&'static str> {
        let polymorphic = self.through.iter().any(|through| through.targets.len() > 1);
        polymorphic.then_some("odata.include-annotations=\"Microsoft.Dynamics.CRM.lookuplogicalname\"")
    }

    /// The image of a row, but for its paths.
    pub(super) fn image(&self, row: &Row) -> Result<Image, String> {
        let id = row.guid(self.table.primary_id()).ok_or("a row without its id")?;
        let mut record = Record::new();
        for plain in &self.plain {
            record.set(plain.path.clone(), row.cell(&plain.property, &plain.column)?);
        }
        let modified_at = match &self.modified_on {
            None => None,
            Some(column) => match row.cell(&column.name, column)? {
                Value::Timestamp(time) => Some(time),
                _ => None,
            },
        };
        Ok(Image { id: RecordId(id), version: row.version(), record, modified_at })
    }
}

/// The tables that a lookup leads to and that have this column or path.
pub(super) async fn targets(
    catalogue: &Catalogue,
    table: &Arc<Table>,
    lookup: &str,
    rest: &ColumnPath,
) -> Result<Vec<Arc<Table>>, ConnectError> {
    let mut targets = Vec::new();
    for reference in table.references(lookup) {
        let target = catalogue.logical(&reference.logical_name).await?;
        if catalogue.follow(&target, rest).await?.is_some() {
            targets.push(target);
        }
    }
    Ok(targets)
}

/// The error for a column that is not there.
pub(super) fn unknown(catalogue: &Catalogue, table: &Table, path: &ColumnPath) -> ConnectError {
    let what = format!("the column {path} of {}", table.name());
    ConnectError::Unknown { system: catalogue.system().to_owned(), what }
}

#[cfg(test)]
mod tests {
    use super::Row;

    fn row(json: &str) -> Row {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn deleted_rows_are_told_from_living_ones() {
        let deleted = r#"{"@odata.context":"https://o/api/data/v9.0/$metadata#accounts/$deletedEntity",
            "id":"2E451703-c686-e711-80e5-00155db19e6d","reason":"deleted"}"#;
        assert_eq!(row(deleted).deleted_id().as_deref(), Some("2e451703-c686-e711-80e5-00155db19e6d"));
        let address =
            r#"{"@odata.context":"$metadata#accounts/$deletedEntity","id":"https://o/accounts(AB-1)"}"#;
        assert_eq!(row(address).deleted_id().as_deref(), Some("ab-1"));
        assert_eq!(row(r#"{"id":"x","name":"$deletedEntity"}"#).deleted_id(), None);
    }
}

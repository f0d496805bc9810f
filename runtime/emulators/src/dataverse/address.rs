//! Addresses: which table, which row, and what of it.

use std::collections::HashMap;
use std::sync::Arc;

use dualwright_model::Value;
use dualwright_odata::KeyPredicate;
use dualwright_odata::key::parse_path_segment;

use super::error::ApiError;
use super::model::{Entity, Model};
use crate::kernel::rows::{Row, Snapshot, key_text_of};
use crate::kernel::schema::ColumnType;

/// One row, as an address names it.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) entity: Arc<Entity>,
    pub(super) key: RowKey,
    /// The segment as it was written, for `OData-EntityId`.
    pub(super) segment: String,
}

/// How the address names the row.
#[derive(Clone, Debug)]
pub(super) enum RowKey {
    /// By its id.
    Id(String),
    /// By an alternate key.
    Alternate {
        /// The key's number in the table.
        number: usize,
        /// The canonical text.
        text: String,
        /// The values by column position.
        values: Vec<(usize, Value)>,
    },
}

/// The rows that earlier parts of a changeset wrote, by their `Content-ID`.
pub(super) type References = HashMap<String, Address>;

/// A row named by another: by address, or by the `Content-ID` of an earlier part.
#[derive(Clone, Debug)]
pub(super) enum Reference {
    Address(Address),
    ContentId(String),
}

impl Address {
    /// Reads one segment: `accounts(GUID)`, `accounts(accountid=GUID)`, `accounts(accountnumber='X')`.
    pub(super) fn parse(model: &Model, segment: &str) -> Result<Self, ApiError> {
        let (set, key) =
            parse_path_segment(segment).map_err(|error| ApiError::bad_address(error.to_string()))?;
        let entity = model.entity(&set).ok_or_else(|| ApiError::no_resource(&set))?;
        let key = key.ok_or_else(|| ApiError::bad_address(format!("'{set}' names no row.")))?;
        let key = row_key(entity, &key)?;
        Ok(Self { entity: entity.clone(), key, segment: segment.to_owned() })
    }

    /// The row, when it is there.
    pub(super) fn find(&self, snapshot: &Snapshot<'_>) -> Result<Option<Row>, ApiError> {
        Ok(match &self.key {
            RowKey::Id(id) => snapshot.get(&self.entity.table, id)?,
            RowKey::Alternate { number, text, .. } => snapshot.find(&self.entity.table, *number, text)?,
        })
    }

    /// The row.
    pub(super) fn get(&self, snapshot: &Snapshot<'_>) -> Result<Row, ApiError> {
        self.find(snapshot)?.ok_or_else(|| self.not_found())
    }

    /// The id of the row.
    pub(super) fn id(&self, snapshot: &Snapshot<'_>) -> Result<String, ApiError> {
        match &self.key {
            RowKey::Id(id) if snapshot.exists(&self.entity.table, id)? => Ok(id.clone()),
            _ => self.get(snapshot).map(|row| row.id),
        }
    }

    /// That the row is not there.
    pub(super) fn not_found(&self) -> ApiError {
        match &self.key {
            RowKey::Id(id) => ApiError::not_found(&self.entity.logical_name, id),
            RowKey::Alternate { .. } => ApiError::not_found_by_key(&self.entity.logical_name),
        }
    }
}

impl Reference {
    /// Reads the value of `@odata.bind` or `@odata.id`: `/accounts(GUID)`, `accounts(...)`, a whole URL, or `$1`.
    pub(super) fn parse(model: &Model, text: &str) -> Result<Self, ApiError> {
        if let Some(id) = text.trim_start_matches('/').strip_prefix('$') {
            return Ok(Self::ContentId(id.to_owned()));
        }
        let path = match text.split_once("/api/data/") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => text.trim_start_matches('/'),
        };
        // A slash inside a quoted key value is part of the value.
        Address::parse(model, path).map(Self::Address)
    }

    /// The address, looking up a `Content-ID`.
    pub(super) fn resolve<'a>(&'a self, references: &'a References) -> Result<&'a Address, ApiError> {
        match self {
            Self::Address(address) => Ok(address),
            Self::ContentId(id) => references.get(id).ok_or_else(|| {
                ApiError::bad_address(format!("The Content-ID '${id}' names no earlier request."))
            }),
        }
    }
}

fn row_key(entity: &Entity, key: &KeyPredicate) -> Result<RowKey, ApiError> {
    let no_key = || ApiError::no_key(&entity.logical_name);
    if let Some(literal) = key.unnamed() {
        return guid_of(&literal.to_value()).map(RowKey::Id).ok_or_else(no_key);
    }
    let mut given: Vec<(usize, Value)> = Vec::with_capacity(key.parts.len());
    for (name, literal) in &key.parts {
        let name = name.as_deref().ok_or_else(no_key)?;
        let position = entity.property(name).ok_or_else(no_key)?;
        let column = entity.column(position).ok_or_else(no_key)?;
        let value = literal.to_value();
        let value = match column.kind {
            ColumnType::Guid | ColumnType::Lookup => Value::Text(guid_of(&value).ok_or_else(no_key)?),
            ColumnType::Integer | ColumnType::OptionSet => match value {
                Value::Integer(_) => value,
                _ => return Err(no_key()),
            },
            ColumnType::Text | ColumnType::Enum => match value {
                Value::Text(_) | Value::Null => value,
                _ => return Err(no_key()),
            },
            _ => value,
        };
        if given.iter().any(|(other, _)| *other == position) {
            return Err(no_key());
        }
        given.push((position, value));
    }
    if let [(position, Value::Text(id))] = given.as_slice()
        && *position == entity.id
    {
        return Ok(RowKey::Id(id.clone()));
    }
    for (number, index) in entity.table.keys.iter().enumerate() {
        let values: Option<Vec<&Value>> = index
            .columns
            .iter()
            .map(|column| given.iter().find(|(position, _)| position == column).map(|(_, value)| value))
            .collect();
        let Some(values) = values.filter(|_| index.columns.len() == given.len()) else { continue };
        // A key with a null part names nothing, because such rows are not in the index.
        let text = key_text_of(values.into_iter()).ok_or_else(no_key)?;
        return Ok(RowKey::Alternate { number, text, values: given });
    }
    Err(no_key())
}

/// A GUID in lower case, given bare or in quotes.
fn guid_of(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if dualwright_odata::literal::is_guid(text) => Some(text.to_ascii_lowercase()),
        _ => None,
    }
}

//! The tables as F&O names their parts, and what it calls empty.

use std::collections::BTreeMap;
use std::sync::Arc;

use dualwright_model::{Date, Decimal, Timestamp, Value};

use super::values::{noon, push_value};
use crate::kernel::error::EmulatorError;
use crate::kernel::rows::Row;
use crate::kernel::schema::{Column, ColumnType, KeyIndex, Schema, Table};

/// The namespace of all types.
pub(super) const NAMESPACE: &str = "Microsoft.Dynamics.DataEntities";
/// The column that names the company a row belongs to.
const COMPANY: &str = "dataAreaId";
/// 1900-01-01 in days since 1970: no date.
const NO_DATE: i32 = -25_567;
const NO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// All tables and enums.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) entities: BTreeMap<String, Arc<Entity>>,
    pub(super) enums: BTreeMap<String, Arc<Vec<String>>>,
}

/// One table.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) table: Arc<Table>,
    /// The entity's own name, such as `CustCustomerV3Entity`.
    pub(super) name: String,
    /// The public singular name, such as `CustomerV3`.
    pub(super) public_name: String,
    pub(super) label: String,
    /// The columns of the only key.
    pub(super) key: KeyIndex,
    /// The position of the company column, where rows belong to companies.
    pub(super) company: Option<usize>,
    pub(super) created: Option<usize>,
    pub(super) modified: Option<usize>,
    fields: Vec<Field>,
}

/// What is worked out once for a column.
#[derive(Debug)]
struct Field {
    /// `"Name":`
    label: String,
    /// What an empty cell reads as.
    empty: Value,
    /// The same, printed.
    printed: String,
    /// An enum's members.
    members: Option<Arc<Vec<String>>>,
}

impl Model {
    pub(super) fn new(schema: &Schema) -> Result<Self, EmulatorError> {
        let enums: BTreeMap<String, Arc<Vec<String>>> =
            schema.enums.iter().map(|(name, members)| (name.clone(), Arc::new(members.clone()))).collect();
        let mut entities = BTreeMap::new();
        for (name, table) in &schema.tables {
            entities.insert(name.clone(), Arc::new(Entity::new(table, &enums)?));
        }
        Ok(Self { entities, enums })
    }

    /// A table by entity set name.
    pub(super) fn entity(&self, set: &str) -> Option<&Arc<Entity>> {
        self.entities.get(set)
    }

    /// A table by its public singular name.
    pub(super) fn by_public_name(&self, name: &str) -> Option<&Arc<Entity>> {
        self.entities.values().find(|entity| entity.public_name.eq_ignore_ascii_case(name))
    }
}

impl Entity {
    fn new(table: &Arc<Table>, enums: &BTreeMap<String, Arc<Vec<String>>>) -> Result<Self, EmulatorError> {
        let wrong = |reason: String| EmulatorError::Schema { file: table.name.clone(), reason };
        let [key] = table.keys.as_slice() else {
            return Err(wrong("a Finance and Operations table has exactly one key".into()));
        };
        let mut fields = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            let members = column.enum_name.as_ref().and_then(|name| enums.get(name).cloned());
            let empty = empty(column, members.as_deref()).ok_or_else(|| {
                wrong(format!("{} has a type that Finance and Operations does not have", column.name))
            })?;
            let mut printed = String::new();
            push_value(&mut printed, &empty);
            fields.push(Field { label: format!("\"{}\":", column.name), empty, printed, members });
        }
        let place =
            |name: &str| table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
        let name = table.entity.clone().unwrap_or_else(|| format!("{}Entity", table.name));
        Ok(Self {
            label: table.label.clone().unwrap_or_else(|| table.name.clone()),
            public_name: table
                .public_entity
                .clone()
                .unwrap_or_else(|| table.name.trim_end_matches('s').to_owned()),
            name,
            key: key.clone(),
            company: table.position(COMPANY),
            created: place("createddatetime"),
            modified: place("modifieddatetime"),
            table: table.clone(),
            fields,
        })
    }

    /// The column at a position.
    pub(super) fn column(&self, position: usize) -> Option<&Column> {
        self.table.columns.get(position)
    }

    /// The members of an enum column.
    pub(super) fn members(&self, position: usize) -> &[String] {
        let members = self.fields.get(position).and_then(|field| field.members.as_ref());
        members.map_or(&[], |members| members.as_slice())
    }

    pub(super) fn is_key(&self, position: usize) -> bool {
        self.key.columns.contains(&position)
    }

    /// Whether the system fills the column in itself.
    pub(super) fn is_system(&self, position: usize) -> bool {
        self.created == Some(position) || self.modified == Some(position)
    }

    /// What an empty cell reads as.
    pub(super) fn empty(&self, position: usize) -> &Value {
        static NULL: Value = Value::Null;
        self.fields.get(position).map_or(&NULL, |field| &field.empty)
    }

    /// A cell as readers see it: never null, a day as a moment at noon.
    pub(super) fn shown(&self, row: &Row, position: usize) -> Value {
        match row.cell(position) {
            cell if cell.is_missing() => match self.empty(position) {
                Value::Date(date) => Value::Timestamp(noon(*date)),
                other => other.clone(),
            },
            Value::Date(date) => Value::Timestamp(noon(*date)),
            cell => cell.clone(),
        }
    }

    /// Prints `"Name":value`.
    pub(super) fn push_member(&self, out: &mut String, row: &Row, position: usize) {
        let Some(field) = self.fields.get(position) else { return };
        out.push_str(&field.label);
        match row.cell(position) {
            cell if cell.is_missing() => out.push_str(&field.printed),
            cell => push_value(out, cell),
        }
    }

    /// `Customer account: US-001` of a row, for messages.
    pub(super) fn key_words(&self, cells: &[Value]) -> String {
        let parts = self.key.columns.iter().filter_map(|position| {
            let value = cells.get(*position)?;
            self.column(*position).map(|column| format!("{}: {}", column.name, value.to_key_text()))
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// What F&O stores where nothing is given; `None` for types that it does not have.
fn empty(column: &Column, members: Option<&Vec<String>>) -> Option<Value> {
    Some(match column.kind {
        ColumnType::Text => Value::text(""),
        ColumnType::Integer => Value::Integer(0),
        ColumnType::Decimal => Value::Decimal(Decimal::from(0)),
        ColumnType::Timestamp => Value::Timestamp(no_moment()),
        ColumnType::Date => Value::Date(Date::from_days(NO_DATE)),
        ColumnType::Guid => Value::text(NO_GUID),
        ColumnType::Enum => Value::text(members?.first()?),
        ColumnType::Boolean | ColumnType::OptionSet | ColumnType::Lookup => return None,
    })
}

fn no_moment() -> Timestamp {
    noon(Date::from_days(NO_DATE))
}

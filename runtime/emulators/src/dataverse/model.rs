//! The tables as the Web API names their parts: properties, navigation properties, implicit columns.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::kernel::error::EmulatorError;
use crate::kernel::schema::{Column, ColumnType, Schema, Table};

/// The columns that every table has, besides its primary id.
const IMPLICIT: [(&str, ColumnType); 5] = [
    ("versionnumber", ColumnType::Integer),
    ("createdon", ColumnType::Timestamp),
    ("modifiedon", ColumnType::Timestamp),
    ("statecode", ColumnType::OptionSet),
    ("statuscode", ColumnType::OptionSet),
];

/// All tables.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) entities: BTreeMap<String, Arc<Entity>>,
}

/// One table.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) table: Arc<Table>,
    pub(super) logical_name: String,
    /// The primary id column's name.
    pub(super) id_name: String,
    /// Positions of what the system fills in itself.
    pub(super) id: usize,
    pub(super) version: usize,
    pub(super) created: usize,
    pub(super) modified: usize,
    pub(super) state: usize,
    pub(super) status: usize,
    /// The primary name column.
    pub(super) name: Option<usize>,
    /// Columns as properties are named: `_x_value` for a lookup `x`; in the order of the columns.
    pub(super) properties: Vec<String>,
    by_property: HashMap<String, usize>,
    /// Single-valued navigation properties by name.
    pub(super) navigation: BTreeMap<String, Navigation>,
}

/// A navigation property: one target of one lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Navigation {
    /// The lookup's position.
    pub(super) column: usize,
    /// The entity set it leads to.
    pub(super) target: String,
}

impl Model {
    /// Names the parts of every table; the schema must have gone through [`complete`].
    pub(super) fn new(schema: &Schema) -> Result<Self, EmulatorError> {
        let mut entities = BTreeMap::new();
        for (name, table) in &schema.tables {
            entities.insert(name.clone(), Arc::new(Entity::new(table, schema)?));
        }
        Ok(Self { entities })
    }

    pub(super) fn entity(&self, set: &str) -> Option<&Arc<Entity>> {
        self.entities.get(set)
    }

    pub(super) fn by_logical_name(&self, name: &str) -> Option<&Arc<Entity>> {
        self.entities.values().find(|entity| entity.logical_name == name)
    }
}

/// Adds to every table what Dataverse gives every table.
pub(super) fn complete(schema: &mut Schema) {
    schema.extend_tables(|table| {
        let id_name = primary_id(table);
        table.primary_id = Some(id_name.clone());
        table.add_column(Column::new(&id_name, ColumnType::Guid));
        for (name, kind) in IMPLICIT {
            table.add_column(Column::new(name, kind));
        }
    });
}

fn logical_name(table: &Table) -> String {
    table.logical_name.clone().unwrap_or_else(|| table.name.trim_end_matches('s').to_owned())
}

fn primary_id(table: &Table) -> String {
    table.primary_id.clone().unwrap_or_else(|| format!("{}id", logical_name(table)))
}

impl Entity {
    fn new(table: &Arc<Table>, schema: &Schema) -> Result<Self, EmulatorError> {
        let wrong = |reason: String| EmulatorError::Schema { file: table.name.clone(), reason };
        let place = |name: &str| table.position(name).ok_or_else(|| wrong(format!("{name} is not there")));
        let id_name = primary_id(table);
        let mut properties = Vec::with_capacity(table.columns.len());
        let mut navigation = BTreeMap::new();
        for (column, definition) in table.columns.iter().enumerate() {
            if definition.kind != ColumnType::Lookup {
                properties.push(definition.name.clone());
                continue;
            }
            properties.push(format!("_{}_value", definition.name));
            for target in &definition.targets {
                let Some(related) = schema.table(target) else {
                    return Err(wrong(format!("{} leads to {target}, which is no table", definition.name)));
                };
                // A lookup with several targets has a navigation property for each, as `customerid_account`.
                let name = match definition.targets.len() {
                    1 => definition.name.clone(),
                    _ => format!("{}_{}", definition.name, logical_name(related)),
                };
                navigation.insert(name, Navigation { column, target: target.clone() });
            }
        }
        let by_property = properties.iter().cloned().zip(0..).collect();
        Ok(Self {
            logical_name: logical_name(table),
            id: place(&id_name)?,
            version: place("versionnumber")?,
            created: place("createdon")?,
            modified: place("modifiedon")?,
            state: place("statecode")?,
            status: place("statuscode")?,
            name: table.primary_name.as_deref().and_then(|name| table.position(name)),
            table: table.clone(),
            id_name,
            properties,
            by_property,
            navigation,
        })
    }

    /// The position of the column behind a property.
    pub(super) fn property(&self, name: &str) -> Option<usize> {
        self.by_property.get(name).copied()
    }

    /// The column at a position.
    pub(super) fn column(&self, position: usize) -> Option<&Column> {
        self.table.columns.get(position)
    }

    /// A property's name.
    pub(super) fn property_name(&self, position: usize) -> &str {
        self.properties.get(position).map_or("", String::as_str)
    }

    /// What people read instead of the number of an option: that of the states every table has
    /// (`reference/entities/account.md`, `statecode` and `statuscode`); schema files know numbers only.
    pub(super) fn option_label(&self, position: usize, number: i64) -> String {
        let states = self.column(position).is_some_and(|column| column.options.is_empty());
        match number {
            0 if states && position == self.state => "Active".to_owned(),
            1 if states && position == self.state => "Inactive".to_owned(),
            1 if states && position == self.status => "Active".to_owned(),
            2 if states && position == self.status => "Inactive".to_owned(),
            number => number.to_string(),
        }
    }

    /// Whether the system alone writes the column.
    pub(super) fn is_system(&self, position: usize) -> bool {
        [self.id, self.version, self.created, self.modified].contains(&position)
    }
}

/// A GUID that is always the same for the same text: for what the emulator names itself.
pub(super) fn stable_guid(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut bytes = [0_u8; 16];
    for (byte, hashed) in bytes.iter_mut().zip(digest) {
        *byte = hashed;
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A fresh GUID. Ids made one after the other lie near one another, as Dataverse's sequential GUIDs do.
pub(super) fn fresh_guid() -> String {
    let millis = u128::from(crate::kernel::clock::now_millis().unsigned_abs());
    let random = uuid::Uuid::new_v4().as_u128() & ((1 << 80) - 1);
    uuid::Uuid::from_u128(((millis & ((1 << 48) - 1)) << 80) | random).to_string()
}

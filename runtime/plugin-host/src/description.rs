//! What a map says of itself, in the host's own words.

use dualwright_model::{ColumnPath, Leg, MapName, System, TableName};
use serde::{Deserialize, Serialize};

/// One pair of columns of the integration key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// The column in F&O.
    pub finops: ColumnPath,
    /// The column or lookup path in Dataverse.
    pub dataverse: ColumnPath,
}

/// What to do when a record leaves the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeavePolicy {
    /// As if it had been deleted.
    Delete,
    /// Nothing.
    Ignore,
}

/// One direction of a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegDescription {
    /// Which direction.
    pub leg: Leg,
    /// Source columns, in the order of a change's cells.
    pub reads: Vec<ColumnPath>,
    /// Target columns, in the order of an outcome's cells.
    pub writes: Vec<ColumnPath>,
    /// An OData filter over the source.
    pub filter: Option<String>,
    /// What happens when a row leaves the filter.
    pub on_leave: LeavePolicy,
}

/// What a map says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The map's name.
    pub name: MapName,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub about: String,
    /// The F&O entity set.
    pub finops_table: TableName,
    /// The Dataverse entity set.
    pub dataverse_table: TableName,
    /// The integration key.
    pub key: Vec<KeyPair>,
    /// One or two legs.
    pub legs: Vec<LegDescription>,
    /// Columns mapped both ways: `(finops, dataverse)`.
    pub two_way: Vec<(ColumnPath, ColumnPath)>,
    /// Maps that must come first.
    pub needs: Vec<MapName>,
    /// Maps that must not run beside this one: both would do the same work.
    #[serde(default)]
    pub excludes: Vec<MapName>,
}

impl Description {
    /// What the contract's `needs` says: the maps that must come first, and after a `!` those that must not run beside this
    /// one.
    pub fn needs_and_excludes<'a>(names: impl IntoIterator<Item = &'a str>) -> (Vec<MapName>, Vec<MapName>) {
        let (mut needs, mut excludes) = (Vec::new(), Vec::new());
        for name in names {
            match name.strip_prefix('!') {
                Some(excluded) => excludes.push(MapName::new(excluded)),
                None => needs.push(MapName::new(name)),
            }
        }
        (needs, excludes)
    }

    /// The table on one side.
    pub fn table(&self, system: System) -> &TableName {
        match system {
            System::Finops => &self.finops_table,
            System::Dataverse => &self.dataverse_table,
        }
    }

    /// One leg, when the map has it.
    pub fn leg(&self, leg: Leg) -> Option<&LegDescription> {
        self.legs.iter().find(|description| description.leg == leg)
    }

    /// The key columns of one side, in key order.
    pub fn key_columns(&self, system: System) -> Vec<ColumnPath> {
        self.key
            .iter()
            .map(|pair| match system {
                System::Finops => pair.finops.clone(),
                System::Dataverse => pair.dataverse.clone(),
            })
            .collect()
    }
}

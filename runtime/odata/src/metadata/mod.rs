//! `$metadata`: what tables, columns, keys, relations and enums a service has, as CSDL XML (OData v4 CSDL).
//!
//! Only what both systems print and a connector needs: annotations, actions, functions and complex types are skipped
//! when reading.

mod parse;
mod print;
#[cfg(test)]
mod tests;

pub use parse::parse;
pub use print::print;

/// A service's data model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The schema's namespace: `Microsoft.Dynamics.CRM`, `Microsoft.Dynamics.DataEntities`. The first, when several.
    pub namespace: String,
    /// The namespace's short name, such as `mscrm`.
    pub alias: Option<String>,
    /// Entity types.
    pub entity_types: Vec<EntityType>,
    /// Enum types.
    pub enum_types: Vec<EnumType>,
    /// The entity container's name.
    pub container: String,
    /// Entity sets.
    pub entity_sets: Vec<EntitySet>,
}

/// The type of a table's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityType {
    /// Its name, without namespace.
    pub name: String,
    /// The type it extends, as written.
    pub base_type: Option<String>,
    /// Whether only types that extend it have rows.
    pub is_abstract: bool,
    /// The columns of its key.
    pub key: Vec<String>,
    /// Its columns.
    pub properties: Vec<Property>,
    /// Its relations.
    pub navigation: Vec<NavigationProperty>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its type as written: `Edm.String`, `Microsoft.Dynamics.DataEntities.NoYes`.
    pub type_name: String,
    /// Whether it may be null: true unless the service says otherwise.
    pub nullable: bool,
    /// The longest text, where told.
    pub max_length: Option<u32>,
    /// Digits in all, where told.
    pub precision: Option<u32>,
    /// Digits after the point, where told.
    pub scale: Option<u32>,
}

/// One relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavigationProperty {
    /// Its name, used in `$expand` and `@odata.bind`.
    pub name: String,
    /// The type it leads to as written: `mscrm.account`, `Collection(mscrm.account)`.
    pub type_name: String,
    /// Whether it may lead nowhere.
    pub nullable: bool,
    /// The relation back, where told.
    pub partner: Option<String>,
    /// Which column here equals which column there.
    pub constraints: Vec<ReferentialConstraint>,
}

/// `_primarycontactid_value` here equals `contactid` there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferentialConstraint {
    /// The column here.
    pub property: String,
    /// The column there.
    pub referenced: String,
}

/// A list of named numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnumType {
    /// Its name, without namespace.
    pub name: String,
    /// Its members with their numbers.
    pub members: Vec<(String, i64)>,
}

/// A table as addresses name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntitySet {
    /// Its name.
    pub name: String,
    /// The type of its rows, as written.
    pub entity_type: String,
    /// Which set each navigation property leads to.
    pub bindings: Vec<(String, String)>,
}

/// A text that is not service metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the metadata cannot be read, at byte {position}: {reason}")]
pub struct MetadataError {
    /// Bytes read before the fault.
    pub position: u64,
    /// What is wrong.
    pub reason: String,
}

impl Metadata {
    /// A type by its name, with or without namespace or alias.
    pub fn entity_type(&self, name: &str) -> Option<&EntityType> {
        let name = local_name(name);
        self.entity_types.iter().find(|entity| entity.name == name)
    }

    /// An entity set by name.
    pub fn entity_set(&self, name: &str) -> Option<&EntitySet> {
        self.entity_sets.iter().find(|set| set.name == name)
    }

    /// An enum by its name, with or without namespace or alias.
    pub fn enum_type(&self, name: &str) -> Option<&EnumType> {
        let name = local_name(name);
        self.enum_types.iter().find(|enumeration| enumeration.name == name)
    }
}

impl Property {
    /// A column that may be null.
    pub fn new(name: impl Into<String>, type_name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            type_name: type_name.into(),
            nullable: true,
            max_length: None,
            precision: None,
            scale: None,
        }
    }
}

impl NavigationProperty {
    /// A relation that may lead nowhere.
    pub fn new(name: impl Into<String>, type_name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            type_name: type_name.into(),
            nullable: true,
            partner: None,
            constraints: Vec::new(),
        }
    }

    /// The type of the related row or rows, without `Collection(…)`, and whether there are many.
    pub fn target(&self) -> (&str, bool) {
        match self.type_name.strip_prefix("Collection(").and_then(|inner| inner.strip_suffix(')')) {
            Some(inner) => (inner, true),
            None => (&self.type_name, false),
        }
    }
}

/// The part of a qualified name after its last dot.
pub fn local_name(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |split| split.1)
}

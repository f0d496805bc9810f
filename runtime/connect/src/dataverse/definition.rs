//! The wire shapes of `EntityDefinitions` (learn.microsoft.com:
//! power-apps/developer/data-platform/webapi/reference/entitymetadata, .../attributemetadata and their derived types).

use std::collections::HashMap;

use dualwright_model::ColumnType;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Listed<T> {
    pub(super) value: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Definition {
    pub(super) logical_name: String,
    pub(super) entity_set_name: Option<String>,
    pub(super) primary_id_attribute: Option<String>,
    pub(super) change_tracking_enabled: Option<bool>,
    #[serde(default)]
    pub(super) attributes: Vec<Attribute>,
    #[serde(default)]
    pub(super) keys: Vec<Key>,
    #[serde(default)]
    pub(super) many_to_one_relationships: Vec<Relationship>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Key {
    pub(super) schema_name: Option<String>,
    pub(super) logical_name: Option<String>,
    #[serde(default)]
    pub(super) key_attributes: Vec<String>,
    pub(super) entity_key_index_status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Relationship {
    pub(super) referencing_attribute: Option<String>,
    pub(super) referenced_entity: Option<String>,
    #[serde(rename = "ReferencingEntityNavigationPropertyName")]
    pub(super) navigation: Option<String>,
}

/// A column, with what its derived type tells where it was asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    pub(super) logical_name: String,
    pub(super) attribute_type: Option<String>,
    pub(super) is_valid_for_create: Option<bool>,
    pub(super) is_valid_for_update: Option<bool>,
    required_level: Option<Wrapped>,
    max_length: Option<i64>,
    precision: Option<i64>,
    date_time_behavior: Option<Wrapped>,
    option_set: Option<OptionSet>,
}

/// A managed property or a behaviour: `{"Value": …}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wrapped {
    value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OptionSet {
    #[serde(default)]
    options: Vec<Choice>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Choice {
    value: Option<i64>,
}

impl Attribute {
    fn kind(&self) -> &str {
        self.attribute_type.as_deref().unwrap_or_default()
    }

    pub(super) fn is_lookup(&self) -> bool {
        matches!(self.kind(), "Lookup" | "Customer" | "Owner")
    }

    /// Required by the application. What the *system* requires (the id, the owner, the state) it fills in by itself.
    pub(super) fn is_required(&self) -> bool {
        self.required_level.as_ref().and_then(|level| level.value.as_deref()) == Some("ApplicationRequired")
    }
}

/// Limits by logical name of the column.
#[derive(Debug, Default)]
pub(super) struct Limits {
    by_column: HashMap<String, Attribute>,
}

impl Limits {
    /// The derived types to ask for, and what of them.
    pub(super) const KINDS: [(&str, &str); 8] = [
        ("StringAttributeMetadata", "$select=LogicalName,MaxLength"),
        ("MemoAttributeMetadata", "$select=LogicalName,MaxLength"),
        ("MoneyAttributeMetadata", "$select=LogicalName,Precision"),
        ("DecimalAttributeMetadata", "$select=LogicalName,Precision"),
        ("DateTimeAttributeMetadata", "$select=LogicalName,DateTimeBehavior"),
        ("PicklistAttributeMetadata", "$select=LogicalName&$expand=OptionSet($select=Options)"),
        ("StateAttributeMetadata", "$select=LogicalName&$expand=OptionSet($select=Options)"),
        ("StatusAttributeMetadata", "$select=LogicalName&$expand=OptionSet($select=Options)"),
    ];

    pub(super) fn add(&mut self, attributes: Vec<Attribute>) {
        self.by_column.extend(attributes.into_iter().map(|limits| (limits.logical_name.clone(), limits)));
    }

    /// What the column holds; `None` for what has no value of its own (virtual columns, files, party lists).
    pub(super) fn column_type(&self, attribute: &Attribute) -> Option<ColumnType> {
        let limits = self.by_column.get(&attribute.logical_name);
        let number = |read: fn(&Attribute) -> Option<i64>| {
            limits.and_then(read).and_then(|number| u32::try_from(number).ok())
        };
        Some(match attribute.kind() {
            "String" | "Memo" => ColumnType::Text { max_length: number(|limits| limits.max_length) },
            "EntityName" => ColumnType::Text { max_length: None },
            "Integer" | "BigInt" => ColumnType::Integer,
            "Decimal" | "Double" | "Money" => {
                ColumnType::Decimal { scale: number(|limits| limits.precision) }
            }
            "Boolean" => ColumnType::Boolean,
            "DateTime" => {
                let behavior = limits.and_then(|limits| limits.date_time_behavior.as_ref()?.value.as_deref());
                // Only this behaviour is `Edm.Date` on the wire; a mere *format* of days still is a moment.
                if behavior == Some("DateOnly") { ColumnType::Date } else { ColumnType::Timestamp }
            }
            "Uniqueidentifier" => ColumnType::Guid,
            "Picklist" | "State" | "Status" => {
                let options = limits.and_then(|limits| limits.option_set.as_ref());
                let numbers =
                    options.into_iter().flat_map(|set| &set.options).filter_map(|choice| choice.value);
                ColumnType::OptionSet { options: numbers.collect() }
            }
            _ if attribute.is_lookup() => ColumnType::Guid,
            _ => return None,
        })
    }
}

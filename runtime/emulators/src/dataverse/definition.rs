//! One table, column, key or relationship as `EntityDefinitions` shows it.

use serde_json::{Value, json};

use super::model::{Entity, Model, Navigation, stable_guid};
use crate::kernel::schema::{Column, ColumnType, KeyIndex};

/// The `MetadataId` of a table.
pub(super) fn metadata_id(entity: &Entity) -> String {
    stable_guid(&format!("entity:{}", entity.logical_name))
}

fn label(text: &str) -> Value {
    let label = json!({
        "Label": text, "LanguageCode": 1033, "IsManaged": false, "MetadataId": stable_guid(&format!("label:{text}")), "HasChanged": null,
    });
    json!({ "LocalizedLabels": [label], "UserLocalizedLabel": label })
}

/// A table.
pub(super) fn entity_definition(entity: &Entity) -> Value {
    let name = &entity.logical_name;
    json!({
        "MetadataId": metadata_id(entity),
        "LogicalName": name,
        "SchemaName": name,
        "EntitySetName": entity.table.name,
        "LogicalCollectionName": entity.table.name,
        "CollectionSchemaName": entity.table.name,
        "PrimaryIdAttribute": entity.id_name,
        "PrimaryNameAttribute": entity.table.primary_name,
        "ChangeTrackingEnabled": entity.table.change_tracking,
        "CanChangeTrackingBeEnabled": { "Value": true, "CanBeChanged": true, "ManagedPropertyLogicalName": "canchangetrackingbeenabled" },
        "IsOptimisticConcurrencyEnabled": true,
        "IsCustomEntity": name.contains('_'),
        "IsActivity": false,
        "IsIntersect": false,
        "IsPrivate": false,
        "IsLogicalEntity": false,
        "IsManaged": false,
        "IsValidForAdvancedFind": true,
        "Description": label(entity.table.label.as_deref().unwrap_or(name)),
        "ObjectTypeCode": null,
        "TableType": "Standard",
        "OwnershipType": "UserOwned",
        "DisplayName": label(entity.table.label.as_deref().unwrap_or(name)),
        "DisplayCollectionName": label(&entity.table.name),
        "HasChanged": null,
    })
}

/// What Dataverse calls the type of a column: the metadata type, `AttributeType`, `AttributeTypeName`.
fn type_names(
    entity: &Entity,
    position: usize,
    column: &Column,
) -> (&'static str, &'static str, &'static str) {
    if position == entity.id {
        return ("AttributeMetadata", "Uniqueidentifier", "UniqueidentifierType");
    }
    if position == entity.state {
        return ("StateAttributeMetadata", "State", "StateType");
    }
    if position == entity.status {
        return ("StatusAttributeMetadata", "Status", "StatusType");
    }
    match column.kind {
        ColumnType::Text | ColumnType::Enum if column.max_length.is_none_or(|most| most > 4000) => {
            ("MemoAttributeMetadata", "Memo", "MemoType")
        }
        ColumnType::Text | ColumnType::Enum => ("StringAttributeMetadata", "String", "StringType"),
        ColumnType::Integer if position == entity.version => {
            ("BigIntAttributeMetadata", "BigInt", "BigIntType")
        }
        ColumnType::Integer => ("IntegerAttributeMetadata", "Integer", "IntegerType"),
        ColumnType::Decimal => ("DecimalAttributeMetadata", "Decimal", "DecimalType"),
        ColumnType::Boolean => ("BooleanAttributeMetadata", "Boolean", "BooleanType"),
        ColumnType::Timestamp | ColumnType::Date => ("DateTimeAttributeMetadata", "DateTime", "DateTimeType"),
        ColumnType::Guid => ("UniqueIdentifierAttributeMetadata", "Uniqueidentifier", "UniqueidentifierType"),
        ColumnType::OptionSet => ("PicklistAttributeMetadata", "Picklist", "PicklistType"),
        ColumnType::Lookup => ("LookupAttributeMetadata", "Lookup", "LookupType"),
    }
}

/// A column.
pub(super) fn attribute(
    model: &Model,
    entity: &Entity,
    position: usize,
    with_options: bool,
) -> Option<Value> {
    let column = entity.column(position)?;
    let (metadata, kind, kind_name) = type_names(entity, position, column);
    let system = entity.is_system(position);
    let is_id = position == entity.id;
    let mut value = json!({
        "@odata.type": format!("#Microsoft.Dynamics.CRM.{metadata}"),
        "MetadataId": stable_guid(&format!("attribute:{}:{}", entity.logical_name, column.name)),
        "LogicalName": column.name,
        "SchemaName": column.name,
        "EntityLogicalName": entity.logical_name,
        "AttributeOf": null,
        "AttributeType": kind,
        "AttributeTypeName": { "Value": kind_name },
        "IsPrimaryId": is_id,
        "IsPrimaryName": entity.name == Some(position),
        "IsCustomAttribute": column.name.contains('_'),
        "IsLogical": false,
        "IsValidForRead": true,
        "IsValidForCreate": is_id || (!system && column.creatable),
        "IsValidForUpdate": !system && column.updatable,
        "IsValidODataAttribute": true,
        "RequiredLevel": { "Value": if is_id { "SystemRequired" } else if column.required { "ApplicationRequired" } else { "None" }, "CanBeChanged": !is_id, "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings" },
        "DisplayName": label(column.label.as_deref().unwrap_or(&column.name)),
        "HasChanged": null,
    });
    let members = value.as_object_mut()?;
    match column.kind {
        ColumnType::Text | ColumnType::Enum => {
            members.insert("MaxLength".into(), json!(column.max_length.unwrap_or(1_048_576)));
            members.insert("Format".into(), json!("Text"));
        }
        ColumnType::Decimal => {
            members.insert("Precision".into(), json!(column.scale.unwrap_or(10)));
        }
        ColumnType::Timestamp => {
            members.insert("Format".into(), json!("DateAndTime"));
            members.insert("DateTimeBehavior".into(), json!({ "Value": "UserLocal" }));
        }
        ColumnType::Date => {
            members.insert("Format".into(), json!("DateOnly"));
            members.insert("DateTimeBehavior".into(), json!({ "Value": "DateOnly" }));
        }
        ColumnType::Lookup => {
            let targets: Vec<&str> = column
                .targets
                .iter()
                .filter_map(|target| model.entity(target))
                .map(|target| target.logical_name.as_str())
                .collect();
            members.insert("Targets".into(), json!(targets));
        }
        ColumnType::OptionSet if with_options => {
            members.insert("OptionSet".into(), option_set(entity, position, column));
        }
        _ => {}
    }
    Some(value)
}

fn option_set(entity: &Entity, position: usize, column: &Column) -> Value {
    let numbers: Vec<i64> = match position {
        position if position == entity.state && column.options.is_empty() => vec![0, 1],
        position if position == entity.status && column.options.is_empty() => vec![1, 2],
        _ => column.options.clone(),
    };
    let options: Vec<Value> = numbers
        .iter()
        .map(|number| json!({ "Value": number, "Label": label(&entity.option_label(position, *number)) }))
        .collect();
    let name = format!("{}_{}", entity.logical_name, column.name);
    json!({
        "MetadataId": stable_guid(&format!("optionset:{name}")), "Name": name, "IsGlobal": false, "OptionSetType": "Picklist",
        "Options": options,
    })
}

/// An alternate key.
pub(super) fn key(entity: &Entity, index: &KeyIndex) -> Value {
    let columns: Vec<&str> = entity.table.key_columns(index).map(|column| column.name.as_str()).collect();
    json!({
        "MetadataId": stable_guid(&format!("key:{}:{}", entity.logical_name, index.name)),
        "LogicalName": index.name,
        "SchemaName": index.name,
        "EntityLogicalName": entity.logical_name,
        "KeyAttributes": columns,
        "EntityKeyIndexStatus": "Active",
        "IsManaged": false,
        "DisplayName": label(&index.name),
        "HasChanged": null,
    })
}

/// A many-to-one relationship: one target of one lookup.
pub(super) fn relationship(
    model: &Model,
    entity: &Entity,
    name: &str,
    navigation: &Navigation,
) -> Option<Value> {
    let column = entity.column(navigation.column)?;
    let target = model.entity(&navigation.target)?;
    let schema_name = format!("{}_{}_{}", target.logical_name, entity.logical_name, column.name);
    Some(json!({
        "MetadataId": stable_guid(&format!("relationship:{schema_name}")),
        "SchemaName": schema_name,
        "RelationshipType": "OneToManyRelationship",
        "ReferencingEntity": entity.logical_name,
        "ReferencingAttribute": column.name,
        "ReferencingEntityNavigationPropertyName": name,
        "ReferencedEntity": target.logical_name,
        "ReferencedAttribute": target.id_name,
        "CascadeConfiguration": { "Delete": "RemoveLink" },
        "HasChanged": null,
    }))
}

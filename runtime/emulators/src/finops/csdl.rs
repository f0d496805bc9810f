//! The service document and `$metadata`.

use dualwright_odata::metadata::{EntitySet, EntityType, EnumType, Metadata, Property, print};
use http::StatusCode;

use super::model::{Entity, Model, NAMESPACE};
use super::request::json;
use super::values::edm_type;
use crate::kernel::http::Response;
use crate::kernel::json::push_text;

pub(super) fn service_document(model: &Model, root: &str) -> Response {
    let mut body = String::from("{\"@odata.context\":");
    push_text(&mut body, &format!("{root}/$metadata"));
    body.push_str(",\"value\":[");
    for (index, set) in model.entities.keys().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push_str("{\"name\":");
        push_text(&mut body, set);
        body.push_str(",\"kind\":\"EntitySet\",\"url\":");
        push_text(&mut body, set);
        body.push('}');
    }
    body.push_str("]}");
    json(StatusCode::OK, body)
}

pub(super) fn metadata(model: &Model) -> Response {
    let numbered = |members: &[String]| members.iter().cloned().zip(0..).collect();
    let metadata = Metadata {
        namespace: NAMESPACE.to_owned(),
        alias: None,
        entity_types: model.entities.values().map(|entity| entity_type(entity)).collect(),
        enum_types: model
            .enums
            .iter()
            .map(|(name, members)| EnumType { name: name.clone(), members: numbered(members) })
            .collect(),
        container: "Resources".to_owned(),
        entity_sets: model
            .entities
            .values()
            .map(|entity| EntitySet {
                name: entity.table.name.clone(),
                entity_type: format!("{NAMESPACE}.{}", entity.public_name),
                bindings: Vec::new(),
            })
            .collect(),
    };
    Response::with_body(StatusCode::OK, "application/xml", print(&metadata)).header("odata-version", "4.0")
}

fn entity_type(entity: &Entity) -> EntityType {
    let properties = entity.table.columns.iter().enumerate().map(|(position, column)| {
        let type_name = edm_type(column);
        Property {
            nullable: type_name == "Edm.String" && !entity.is_key(position),
            max_length: column.max_length,
            ..Property::new(&column.name, type_name)
        }
    });
    EntityType {
        name: entity.public_name.clone(),
        base_type: None,
        is_abstract: false,
        key: entity.table.key_columns(&entity.key).map(|column| column.name.clone()).collect(),
        properties: properties.collect(),
        navigation: Vec::new(),
    }
}

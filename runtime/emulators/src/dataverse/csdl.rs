//! The service document and `$metadata`: after `webapi/web-api-service-documents.md`.

use dualwright_odata::metadata::{
    EntitySet, EntityType, Metadata, NavigationProperty, Property, ReferentialConstraint, print,
};
use http::StatusCode;

use super::error::ApiError;
use super::model::{Entity, Model};
use super::request::{ReadRequest, json};
use super::values::edm_type;
use crate::kernel::http::Response;
use crate::kernel::json::push_text;
use crate::kernel::rows::Snapshot;

const NAMESPACE: &str = "Microsoft.Dynamics.CRM";

/// Reads one of the two documents.
pub(super) struct CsdlRequest {
    /// The service root, for the service document; `None` for `$metadata`.
    root: Option<String>,
    annotations: bool,
}

impl CsdlRequest {
    pub(super) fn service_document(root: String) -> Self {
        Self { root: Some(root), annotations: false }
    }

    pub(super) fn metadata(annotations: Option<&str>) -> Self {
        Self { root: None, annotations: annotations == Some("true") }
    }
}

impl ReadRequest for CsdlRequest {
    fn run(&self, _: &Snapshot<'_>, model: &Model) -> Result<Response, ApiError> {
        if let Some(root) = &self.root {
            let mut body = format!("{{\"@odata.context\":\"{root}/$metadata\",\"value\":[");
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
            return Ok(json(StatusCode::OK, body));
        }
        if self.annotations {
            return Err(ApiError::unsupported("annotations in $metadata"));
        }
        let metadata = Metadata {
            namespace: NAMESPACE.to_owned(),
            alias: Some("mscrm".to_owned()),
            entity_types: model.entities.values().map(|entity| entity_type(model, entity)).collect(),
            enum_types: Vec::new(),
            container: "System".to_owned(),
            entity_sets: model.entities.values().map(|entity| entity_set(entity)).collect(),
        };
        Ok(Response::with_body(StatusCode::OK, "application/xml", print(&metadata))
            .header("odata-version", "4.0"))
    }
}

fn entity_type(model: &Model, entity: &Entity) -> EntityType {
    let properties = entity.properties.iter().zip(&entity.table.columns).map(|(name, column)| Property {
        nullable: *name != entity.id_name,
        max_length: column.max_length,
        scale: column.scale,
        ..Property::new(name, edm_type(column.kind))
    });
    let navigation = entity.navigation.iter().filter_map(|(name, navigation)| {
        let target = model.entity(&navigation.target)?;
        let constraint = ReferentialConstraint {
            property: entity.property_name(navigation.column).to_owned(),
            referenced: target.id_name.clone(),
        };
        let mut property = NavigationProperty::new(name, format!("mscrm.{}", target.logical_name));
        property.constraints.push(constraint);
        Some(property)
    });
    EntityType {
        name: entity.logical_name.clone(),
        base_type: None,
        is_abstract: false,
        key: vec![entity.id_name.clone()],
        properties: properties.collect(),
        navigation: navigation.collect(),
    }
}

fn entity_set(entity: &Entity) -> EntitySet {
    EntitySet {
        name: entity.table.name.clone(),
        entity_type: format!("{NAMESPACE}.{}", entity.logical_name),
        bindings: entity
            .navigation
            .iter()
            .map(|(name, navigation)| (name.clone(), navigation.target.clone()))
            .collect(),
    }
}

//! The metadata service: `/metadata/DataEntities`, `/metadata/PublicEntities`, `/metadata/PublicEnumerations`, what
//! tools read instead of the huge `$metadata`.

use dualwright_model::Value;
use dualwright_odata::key::parse_path_segment;
use dualwright_odata::query::Query;
use dualwright_odata::{KeyPredicate, Literal};
use http::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::error::ApiError;
use super::model::{Entity, Model};
use super::request::json as answer_json;
use super::values::edm_type;
use crate::kernel::http::Response;
use crate::kernel::schema::{Column, ColumnType};

pub(super) fn answer(
    model: &Model,
    base: &str,
    segments: &[&str],
    query: &Query,
) -> Result<Response, ApiError> {
    let root = format!("{base}/metadata");
    let missing = || ApiError::no_resource(&format!("{root}/{}", segments.join("/")));
    let first = match segments {
        [] => return Ok(service_document(&root)),
        [first] => first,
        _ => return Err(ApiError::unsupported("addresses below a metadata document")),
    };
    let (set, key) = parse_path_segment(first).map_err(|error| ApiError::bad_request(error.to_string()))?;
    if !query.expand.is_empty() || !query.order_by.is_empty() || query.skip_token.is_some() {
        return Err(ApiError::unsupported("this query option of the metadata service"));
    }
    if set == "Labels" {
        return label(&root, key.as_ref());
    }
    let name = key.as_ref().map(|key| key_name(key).ok_or_else(missing)).transpose()?;
    let documents: Vec<Json> = match (set.as_str(), &name) {
        ("DataEntities", None) => model.entities.values().map(|entity| data_entity(entity)).collect(),
        ("DataEntities", Some(name)) => {
            let named = |entity: &&std::sync::Arc<Entity>| entity.name.eq_ignore_ascii_case(name);
            model.entities.values().find(named).map(|entity| data_entity(entity)).into_iter().collect()
        }
        ("PublicEntities", None) => model.entities.values().map(|entity| public_entity(entity)).collect(),
        ("PublicEntities", Some(name)) => {
            model.by_public_name(name).map(|entity| public_entity(entity)).into_iter().collect()
        }
        ("PublicEnumerations", None) => {
            model.enums.iter().map(|(name, members)| enumeration(name, members)).collect()
        }
        ("PublicEnumerations", Some(name)) => {
            let mut known = model.enums.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            known.next().map(|(name, members)| enumeration(name, members)).into_iter().collect()
        }
        _ => return Err(missing()),
    };
    if name.is_some() {
        let document = documents.into_iter().next().ok_or_else(missing)?;
        let mut whole = Map::new();
        whole.insert("@odata.context".into(), format!("{root}/$metadata#{set}/$entity").into());
        if let Json::Object(members) = select(document, query) {
            whole.extend(members);
        }
        return Ok(answer_json(StatusCode::OK, Json::Object(whole).to_string()));
    }
    list(&root, &set, documents, query)
}

/// The text of a label. Schema files say the texts themselves where the real system says `@SYS13342`: such a text is its
/// own label, in every language, and label files are not here.
fn label(root: &str, key: Option<&KeyPredicate>) -> Result<Response, ApiError> {
    let part = |name: &str| match key.and_then(|key| key.get(name)) {
        Some(Literal::Text(text)) => Ok(text.clone()),
        _ => Err(ApiError::unsupported("Labels without an Id and a Language")),
    };
    let (id, language) = (part("Id")?, part("Language")?);
    if id.starts_with('@') {
        return Err(ApiError::unsupported(&format!("Labels out of label files, such as {id}")));
    }
    let body = json!({ "@odata.context": format!("{root}/$metadata#Labels/$entity"), "Id": id, "Language": language, "Value": id });
    Ok(answer_json(StatusCode::OK, body.to_string()))
}

fn key_name(key: &KeyPredicate) -> Option<String> {
    match key.unnamed().or_else(|| key.get("Name")) {
        Some(Literal::Text(name)) => Some(name.clone()),
        _ => None,
    }
}

fn service_document(root: &str) -> Response {
    let sets = ["DataEntities", "PublicEntities", "PublicEnumerations"];
    let sets: Vec<Json> =
        sets.iter().map(|name| json!({ "name": name, "kind": "EntitySet", "url": name })).collect();
    let body = json!({ "@odata.context": format!("{root}/$metadata"), "value": sets });
    answer_json(StatusCode::OK, body.to_string())
}

fn list(root: &str, set: &str, documents: Vec<Json>, query: &Query) -> Result<Response, ApiError> {
    if let (Some(filter), Some(Json::Object(sample))) = (&query.filter, documents.first())
        && let Some(wrong) = filter.columns().into_iter().find(|name| !sample.contains_key(*name))
    {
        return Err(ApiError::bad_request(format!("Could not find a property named '{wrong}'.")));
    }
    let fits = |document: &Json| {
        query.filter.as_ref().is_none_or(|filter| filter.matches(&|name| cell(document.get(name))))
    };
    let fitting: Vec<Json> = documents.into_iter().filter(fits).collect();
    let count = fitting.len();
    let limit = |number: Option<u64>| number.map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    let page = fitting
        .into_iter()
        .skip(limit(query.skip).unwrap_or(0))
        .take(limit(query.top).unwrap_or(usize::MAX))
        .map(|document| select(document, query));
    let mut body = Map::new();
    body.insert("@odata.context".into(), format!("{root}/$metadata#{set}").into());
    if query.count == Some(true) {
        body.insert("@odata.count".into(), count.into());
    }
    body.insert("value".into(), page.collect());
    Ok(answer_json(StatusCode::OK, Json::Object(body).to_string()))
}

fn cell(json: Option<&Json>) -> Value {
    match json {
        Some(Json::String(text)) => Value::text(text),
        Some(Json::Bool(flag)) => Value::Boolean(*flag),
        _ => Value::Null,
    }
}

fn select(document: Json, query: &Query) -> Json {
    match document {
        Json::Object(members) if !query.select.is_empty() => {
            Json::Object(members.into_iter().filter(|(name, _)| query.select.contains(name)).collect())
        }
        document => document,
    }
}

fn data_entity(entity: &Entity) -> Json {
    json!({
        "Name": entity.name,
        "PublicEntityName": entity.public_name,
        "PublicCollectionName": entity.table.name,
        "LabelId": entity.label,
        "DataServiceEnabled": true,
        "DataManagementEnabled": true,
        "EntityCategory": "Master",
        "IsReadOnly": false,
    })
}

fn public_entity(entity: &Entity) -> Json {
    let properties: Vec<Json> = entity
        .table
        .columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            let edit = !entity.is_system(position);
            json!({
                "Name": column.name,
                "TypeName": edm_type(column),
                "DataType": data_type(column),
                "LabelId": column.label.as_deref().unwrap_or(&column.name),
                "IsKey": entity.is_key(position),
                "IsMandatory": column.required,
                "ConfigurationEnabled": true,
                "AllowEdit": edit && column.updatable && entity.company != Some(position),
                "AllowEditOnCreate": edit && column.creatable,
                "IsDimension": false,
                "DimensionRelation": null,
                "IsDynamicDimension": false,
                "DimensionLegalEntityPropertyName": null,
                "DimensionTypeProperty": null,
            })
        })
        .collect();
    json!({
        "Name": entity.public_name,
        "EntitySetName": entity.table.name,
        "LabelId": entity.label,
        "IsReadOnly": false,
        "ConfigurationEnabled": true,
        "Properties": properties,
        "NavigationProperties": [],
        "PropertyGroups": [],
        "Actions": [],
    })
}

fn data_type(column: &Column) -> &'static str {
    match column.kind {
        ColumnType::Text => "String",
        ColumnType::Integer | ColumnType::OptionSet => "Int",
        ColumnType::Decimal => "Real",
        ColumnType::Boolean => "Boolean",
        ColumnType::Timestamp => "UtcDateTime",
        ColumnType::Date => "Date",
        ColumnType::Guid | ColumnType::Lookup => "Guid",
        ColumnType::Enum => "Enum",
    }
}

fn enumeration(name: &str, members: &[String]) -> Json {
    let members: Vec<Json> = members
        .iter()
        .enumerate()
        .map(|(value, name)| json!({ "Name": name, "Value": value, "LabelId": name, "ConfigurationEnabled": true }))
        .collect();
    json!({ "Name": name, "LabelId": name, "LabelText": null, "Members": members })
}

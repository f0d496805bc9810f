//! `GET accounts(...)` and what is below it: after `webapi/retrieve-entity-using-web-api.md`.

use std::sync::Arc;

use dualwright_model::Value;
use dualwright_odata::query::Query;
use http::StatusCode;

use super::address::Address;
use super::error::ApiError;
use super::model::{Entity, Model};
use super::print::{Annotations, View};
use super::request::{ReadRequest, json, no_content};
use super::write::version_of;
use crate::kernel::http::Response;
use crate::kernel::json::{push_plain, push_text};
use crate::kernel::rows::{Row, Snapshot};

/// Reads one row or a part of it.
pub(super) struct Single {
    pub(super) address: Address,
    pub(super) root: String,
    pub(super) part: Part,
}

/// Which part.
pub(super) enum Part {
    /// All that the view shows; 304 when `unless` is its version.
    Row { view: View, unless: Option<String> },
    /// One column as a document, or as bare text (`$value`).
    Property { column: usize, bare: bool },
    /// The row that a lookup points to, or only its address (`$ref`).
    Related { column: usize, view: View, only_reference: bool },
}

impl Part {
    /// The part that `name` and `last` name.
    pub(super) fn below(
        model: &Model,
        entity: &Arc<Entity>,
        name: &str,
        last: Option<&str>,
        query: &Query,
        annotations: Annotations,
    ) -> Result<Self, ApiError> {
        if let Some(column) = entity.property(name) {
            return match last {
                None => Ok(Self::Property { column, bare: false }),
                Some("$value") => Ok(Self::Property { column, bare: true }),
                Some(other) => Err(ApiError::no_resource(other)),
            };
        }
        let navigation =
            entity.navigation.get(name).ok_or_else(|| ApiError::no_property(name, &entity.logical_name))?;
        let related =
            model.entity(&navigation.target).ok_or_else(|| ApiError::no_resource(&navigation.target))?;
        let only_reference = match last {
            None => false,
            Some("$ref") => true,
            Some(_) => return Err(ApiError::unsupported("addresses of related rows of related rows")),
        };
        let view = View::new(model, related, query, annotations)?;
        Ok(Self::Related { column: navigation.column, view, only_reference })
    }
}

impl Single {
    fn property(&self, row: &Row, column: usize, bare: bool) -> Response {
        let entity = &self.address.entity;
        let id = Value::text(&row.id);
        let version = Value::Integer(row.version);
        let value = match column {
            column if column == entity.id => &id,
            column if column == entity.version => &version,
            column if super::print::is_secret(entity, column) => &Value::Null,
            column => row.cell(column),
        };
        if value.is_missing() {
            return no_content();
        }
        if bare {
            return Response::with_body(StatusCode::OK, "text/plain", value.to_key_text());
        }
        let mut body = String::from("{\"@odata.context\":");
        let name = entity.property_name(column);
        push_text(&mut body, &format!("{}/$metadata#{}({})/{name}", self.root, entity.table.name, row.id));
        body.push_str(",\"value\":");
        push_plain(&mut body, value);
        body.push('}');
        json(StatusCode::OK, body)
    }
}

impl ReadRequest for Single {
    fn run(&self, snapshot: &Snapshot<'_>, model: &Model) -> Result<Response, ApiError> {
        let row = self.address.get(snapshot)?;
        match &self.part {
            Part::Row { unless: Some(etag), .. } if version_of(etag) == Some(row.version) => {
                Ok(Response::empty(StatusCode::NOT_MODIFIED).header("odata-version", "4.0"))
            }
            Part::Row { view, .. } => {
                let body = view.document(&self.root, snapshot, model, &row)?;
                Ok(json(StatusCode::OK, body).header("etag", &format!("W/\"{}\"", row.version)))
            }
            Part::Property { column, bare } => Ok(self.property(&row, *column, *bare)),
            Part::Related { column, view, only_reference } => {
                let Value::Text(id) = row.cell(*column) else { return Ok(no_content()) };
                let Some(related) = snapshot.get(&view.entity.table, id)? else { return Ok(no_content()) };
                if *only_reference {
                    let body = format!(
                        "{{\"@odata.context\":\"{root}/$metadata#$ref\",\"@odata.id\":\"{root}/{}({id})\"}}",
                        view.entity.table.name,
                        root = self.root
                    );
                    return Ok(json(StatusCode::OK, body));
                }
                let body = view.document(&self.root, snapshot, model, &related)?;
                Ok(json(StatusCode::OK, body).header("etag", &format!("W/\"{}\"", related.version)))
            }
        }
    }
}

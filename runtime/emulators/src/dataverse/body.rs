//! The body of a write: which columns get which values.

use dualwright_model::Value;

use super::address::{Reference, References};
use super::error::ApiError;
use super::model::{Entity, Model};
use super::values;
use crate::kernel::json::{Object, RawValue, Scalar, object, scalar};
use crate::kernel::rows::Snapshot;
use crate::kernel::schema::ColumnType;

/// What a body gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    /// Values by column position, in the order given; a column given twice keeps the last.
    pub(super) cells: Vec<(usize, Given)>,
    /// The primary id, where it is given.
    pub(super) id: Option<String>,
    /// `@odata.id`: how `UpsertMultiple` names a row by alternate key.
    pub(super) odata_id: Option<String>,
    /// `@odata.etag`: how `UpdateMultiple` names a version.
    pub(super) etag: Option<String>,
}

/// A value, or a row to point to.
#[derive(Clone, Debug)]
pub(super) enum Given {
    Value(Value),
    Bind { reference: Reference, target: String },
}

impl Body {
    /// Reads a JSON object.
    pub(super) fn parse(model: &Model, entity: &Entity, text: &[u8]) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(text).map_err(|_| ApiError::malformed("it is not UTF-8"))?;
        let members = object(text).map_err(|error| ApiError::malformed(&error.to_string()))?;
        Self::of(model, entity, &members)
    }

    /// Reads the members of an object.
    pub(super) fn of(model: &Model, entity: &Entity, members: &Object<'_>) -> Result<Self, ApiError> {
        let mut body = Self::default();
        for (name, value) in members {
            if let Some((property, annotation)) = name.split_once('@') {
                body.annotation(model, entity, property, annotation, value)?;
            } else {
                body.member(entity, name, value)?;
            }
        }
        Ok(body)
    }

    fn annotation(
        &mut self,
        model: &Model,
        entity: &Entity,
        property: &str,
        annotation: &str,
        value: &RawValue,
    ) -> Result<(), ApiError> {
        let text = || match scalar(value) {
            Some(Scalar::Text(text)) => Ok(text.into_owned()),
            _ => {
                Err(ApiError::payload(&entity.logical_name, &format!("'{property}@{annotation}' is a text.")))
            }
        };
        match (property, annotation) {
            ("", "odata.id") => self.odata_id = Some(text()?),
            ("", "odata.etag") => self.etag = Some(text()?),
            (property, "odata.bind") if !property.is_empty() => {
                let Some(navigation) = entity.navigation.get(property) else {
                    let reason = format!(
                        "An undeclared property '{property}' which only has property annotations in the payload but no \
                         property value was found in the payload."
                    );
                    return Err(ApiError::payload(&entity.logical_name, &reason));
                };
                let given = match scalar(value) {
                    Some(Scalar::Null) => Given::Value(Value::Null),
                    _ => Given::Bind {
                        reference: Reference::parse(model, &text()?)?,
                        target: navigation.target.clone(),
                    },
                };
                self.set(navigation.column, given);
            }
            // Types and annotations that a client read and sends back say nothing.
            _ => {}
        }
        Ok(())
    }

    fn member(&mut self, entity: &Entity, name: &str, value: &RawValue) -> Result<(), ApiError> {
        let Some(position) = entity.property(name) else {
            return self.navigation(entity, name, value);
        };
        let Some(column) = entity.column(position) else { return Ok(()) };
        if column.kind == ColumnType::Lookup {
            let reason = "CRM do not support direct update of Entity Reference properties, Use Navigation properties \
                          instead.";
            return Err(ApiError::payload(&entity.logical_name, reason));
        }
        let read = values::read(entity, column, value)?;
        if position == entity.id {
            if let Value::Text(id) = read {
                self.id = Some(id);
            }
        } else if !entity.is_system(position) {
            self.set(position, Given::Value(read));
        }
        Ok(())
    }

    fn navigation(&mut self, entity: &Entity, name: &str, value: &RawValue) -> Result<(), ApiError> {
        let Some(navigation) = entity.navigation.get(name) else {
            let reason = format!(
                "Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.{}'.",
                entity.logical_name
            );
            return Err(ApiError::payload(&entity.logical_name, &reason));
        };
        match scalar(value) {
            Some(Scalar::Null) => {
                self.set(navigation.column, Given::Value(Value::Null));
                Ok(())
            }
            Some(_) => Err(ApiError::payload(&entity.logical_name, &format!("'{name}' is not a row."))),
            None => Err(ApiError::unsupported("creating related rows within a row")),
        }
    }

    fn set(&mut self, position: usize, given: Given) {
        self.cells.retain(|(other, _)| *other != position);
        self.cells.push((position, given));
    }

    /// The values, every row that is pointed to found. A row that is not there is an error.
    pub(super) fn resolve(
        &self,
        snapshot: &Snapshot<'_>,
        entity: &Entity,
        references: &References,
    ) -> Result<Vec<(usize, Value)>, ApiError> {
        let mut cells = Vec::with_capacity(self.cells.len());
        for (position, given) in &self.cells {
            let value = match given {
                Given::Value(value) => value.clone(),
                Given::Bind { reference, target } => {
                    let address = reference.resolve(references)?;
                    if address.entity.table.name != *target {
                        let reason = format!(
                            "A node of type '{}' cannot be bound to '{}', which leads to '{target}'.",
                            address.entity.table.name,
                            entity.property_name(*position)
                        );
                        return Err(ApiError::payload(&entity.logical_name, &reason));
                    }
                    Value::Text(address.id(snapshot)?)
                }
            };
            cells.push((*position, value));
        }
        Ok(cells)
    }
}

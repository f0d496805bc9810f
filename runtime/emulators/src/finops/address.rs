//! Addresses of rows: `CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')`, the parts in any order.

use std::sync::Arc;

use dualwright_model::{Date, Decimal, Value};
use dualwright_odata::{KeyPredicate, Literal};

use super::error::ApiError;
use super::model::Entity;
use super::values::read_member;
use crate::kernel::rows::{Row, Snapshot, key_text_of};
use crate::kernel::schema::ColumnType;

/// One row, as an address names it.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) entity: Arc<Entity>,
    /// The canonical text of its key.
    text: String,
    /// The company in the address, lower case; `None` where rows belong to no company.
    company: Option<String>,
    /// Whether rows of other companies than the client's own are looked at.
    cross_company: bool,
}

impl Address {
    pub(super) fn new(
        entity: &Arc<Entity>,
        key: &KeyPredicate,
        cross_company: bool,
    ) -> Result<Self, ApiError> {
        let wrong = || {
            ApiError::bad_request(format!(
                "The key in the request URI is not valid for the resource '{}': its key properties are {}.",
                entity.table.name,
                entity.table.key_columns(&entity.key).map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ")
            ))
        };
        if key.parts.len() != entity.key.columns.len() {
            return Err(wrong());
        }
        let mut values = Vec::with_capacity(entity.key.columns.len());
        let mut company = None;
        for position in &entity.key.columns {
            let column = entity.column(*position).ok_or_else(wrong)?;
            let literal = match key.unnamed() {
                Some(literal) => literal,
                None => key.get(&column.name).ok_or_else(wrong)?,
            };
            let value = key_value(entity, *position, literal).ok_or_else(wrong)?;
            if entity.company == Some(*position) {
                company = Some(value.to_key_text().trim_end().to_lowercase());
            }
            values.push(value);
        }
        let text = key_text_of(values.iter()).ok_or_else(wrong)?;
        Ok(Self { entity: entity.clone(), text, company, cross_company })
    }

    /// The row.
    pub(super) fn get(&self, snapshot: &Snapshot<'_>, client: &str) -> Result<Row, ApiError> {
        let missing = || ApiError::not_found(&self.entity.table.name);
        if let Some(company) = &self.company
            && !self.cross_company
            && *company != super::company::of(snapshot, client)?
        {
            return Err(missing());
        }
        snapshot.find(&self.entity.table, 0, &self.text)?.ok_or_else(missing)
    }
}

fn key_value(entity: &Entity, position: usize, literal: &Literal) -> Option<Value> {
    let column = entity.column(position)?;
    match (column.kind, literal) {
        (ColumnType::Text, Literal::Text(text)) => Some(Value::text(text)),
        (ColumnType::Integer, Literal::Integer(number)) => Some(Value::Integer(*number)),
        (ColumnType::Decimal, Literal::Integer(number)) => Some(Value::Decimal(Decimal::from(*number))),
        (ColumnType::Decimal, Literal::Decimal(number)) => Some(Value::Decimal(number.clone())),
        (ColumnType::Enum, Literal::Enum { type_name, member })
            if super::filter::is_type(column, type_name) =>
        {
            read_member(entity, position, member)
        }
        (ColumnType::Timestamp, Literal::Timestamp(time)) => Some(Value::Timestamp(*time)),
        (ColumnType::Date, Literal::Timestamp(time)) => Some(Value::Date(Date::of(*time))),
        (ColumnType::Guid, Literal::Guid(text)) => Some(Value::text(text)),
        _ => None,
    }
}

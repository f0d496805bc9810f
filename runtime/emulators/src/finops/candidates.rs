//! Rows that a filter names by their whole key, found without reading the table.

use dualwright_model::{Date, Value};
use dualwright_odata::filter::Operator;
use dualwright_odata::{Filter, Literal};

use super::error::ApiError;
use super::model::Entity;
use crate::kernel::rows::{Row, Snapshot, key_text_of};
use crate::kernel::schema::ColumnType;

/// The rows that can match; `None` when only reading all rows tells. What is answered here still has to match.
pub(super) fn candidates(
    snapshot: &Snapshot<'_>,
    entity: &Entity,
    filter: &Filter,
) -> Result<Option<Vec<Row>>, ApiError> {
    match filter {
        Filter::And(parts) => {
            if let Some(row) = pinned(snapshot, entity, parts)? {
                return Ok(Some(row));
            }
            for part in parts.iter().filter(|part| !matches!(part, Filter::Compare { .. })) {
                if let Some(rows) = candidates(snapshot, entity, part)? {
                    return Ok(Some(rows));
                }
            }
            Ok(None)
        }
        Filter::Or(parts) => {
            let mut all = Vec::new();
            for part in parts {
                match candidates(snapshot, entity, part)? {
                    Some(rows) => all.extend(rows),
                    None => return Ok(None),
                }
            }
            Ok(Some(all))
        }
        single @ Filter::Compare { .. } => pinned(snapshot, entity, std::slice::from_ref(single)),
        Filter::Not(_) | Filter::Function { .. } | Filter::In { .. } => Ok(None),
    }
}

fn pinned(snapshot: &Snapshot<'_>, entity: &Entity, parts: &[Filter]) -> Result<Option<Vec<Row>>, ApiError> {
    let mut values = Vec::with_capacity(entity.key.columns.len());
    for position in &entity.key.columns {
        let pin = parts.iter().find_map(|part| match part {
            Filter::Compare { path, operator: Operator::Equal, literal }
                if entity.table.position(path) == Some(*position) =>
            {
                Some(literal)
            }
            _ => None,
        });
        let Some(literal) = pin.filter(|literal| **literal != Literal::Null) else { return Ok(None) };
        values.push(match (literal.to_value(), entity.column(*position).map(|column| column.kind)) {
            (Value::Timestamp(time), Some(ColumnType::Date)) => Value::Date(Date::of(time)),
            (value, _) => value,
        });
    }
    let Some(text) = key_text_of(values.iter()) else { return Ok(None) };
    Ok(Some(snapshot.find(&entity.table, 0, &text)?.into_iter().collect()))
}

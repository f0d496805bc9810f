//! The body of a write: which columns get which values.

use dualwright_model::Value;

use super::error::ApiError;
use super::model::Entity;
use super::values;
use crate::kernel::json::object;

/// Values by column position, in the order given; a column given twice keeps the last.
pub(super) type Cells = Vec<(usize, Value)>;

/// Reads a JSON object.
pub(super) fn read(entity: &Entity, text: &[u8]) -> Result<Cells, ApiError> {
    let malformed =
        |reason: String| ApiError::bad_request(format!("The body is not a JSON object: {reason}"));
    let text = std::str::from_utf8(text).map_err(|_| malformed("it is not UTF-8".into()))?;
    let members = object(text).map_err(|error| malformed(error.to_string()))?;
    let mut cells: Cells = Vec::with_capacity(members.len());
    for (name, value) in &members {
        // Types and annotations that a client read and sends back say nothing.
        if name.contains('@') {
            continue;
        }
        let position = entity.table.position(name).ok_or_else(|| {
            ApiError::bad_request(format!(
                "The property '{name}' does not exist on type '{}.{}'. Make sure to only use property names that are \
                 defined by the type.",
                super::model::NAMESPACE,
                entity.public_name
            ))
        })?;
        if entity.is_system(position) {
            continue;
        }
        let value = values::read(entity, position, value)?;
        match cells.iter_mut().find(|(other, _)| *other == position) {
            Some((_, cell)) => *cell = value,
            None => cells.push((position, value)),
        }
    }
    Ok(cells)
}

/// That a column which must be filled in is empty.
pub(super) fn check_required(entity: &Entity, position: usize, value: &Value) -> Result<(), ApiError> {
    let Some(column) = entity.column(position) else { return Ok(()) };
    if !column.required || !is_empty(entity, position, value) {
        return Ok(());
    }
    let infolog = format!("Error: Field '{}' must be filled in.", column.name);
    Err(ApiError::refused("Write", &entity.name, &infolog))
}

/// Whether a value is what the column calls empty. Numbers and enum members are something, even the first.
fn is_empty(entity: &Entity, position: usize, value: &Value) -> bool {
    match value {
        Value::Absent | Value::Null => true,
        Value::Text(text) => {
            text.trim().is_empty() || (entity.members(position).is_empty() && value == entity.empty(position))
        }
        Value::Timestamp(_) | Value::Date(_) => value == entity.empty(position),
        Value::Integer(_) | Value::Decimal(_) | Value::Boolean(_) => false,
    }
}

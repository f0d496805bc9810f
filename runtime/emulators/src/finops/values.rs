//! Cells between JSON and storage: types checked as F&O checks them, printed as it prints them.

use dualwright_model::{Date, Decimal, Timestamp, Value};
use dualwright_odata::literal::is_guid;

use super::error::ApiError;
use super::model::{Entity, NAMESPACE};
use crate::kernel::json::{RawValue, Scalar, push_plain, scalar};
use crate::kernel::schema::{Column, ColumnType};

const MICROS_A_DAY: i64 = 86_400_000_000;

/// The moment that stands for a day: noon, so that no time zone moves it to another.
pub(super) fn noon(date: Date) -> Timestamp {
    let start = i64::from(date.as_days()).saturating_mul(MICROS_A_DAY);
    Timestamp::from_micros(start.saturating_add(MICROS_A_DAY / 2))
}

/// Prints a cell.
pub(super) fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::Date(date) => push_plain(out, &Value::Timestamp(noon(*date))),
        value => push_plain(out, value),
    }
}

/// Reads the value given for a column. What is stored is never null.
pub(super) fn read(entity: &Entity, position: usize, given: &RawValue) -> Result<Value, ApiError> {
    let Some(column) = entity.column(position) else { return Ok(Value::Null) };
    let expected = || edm_type(column);
    let refuse = |found: &str| {
        ApiError::bad_request(format!(
            "Cannot convert the {found} given for the property '{}' to the expected type '{}'.",
            column.name,
            expected()
        ))
    };
    let Some(value) = scalar(given) else { return Err(refuse("object or list")) };
    match (column.kind, value) {
        (ColumnType::Text, Scalar::Null) => Ok(Value::text("")),
        (_, Scalar::Null) => Err(ApiError::bad_request(format!(
            "A null value was found for the property named '{}', which has the expected type '{}[Nullable=False]'. The \
             expected type '{}[Nullable=False]' does not allow null values.",
            column.name,
            expected(),
            expected()
        ))),
        (ColumnType::Text, Scalar::Text(text)) => read_text(entity, position, column, text.into_owned()),
        (ColumnType::Integer, Scalar::Number(digits)) => {
            let number = Decimal::parse(digits).ok().and_then(|number| number.to_integer());
            let number = number.and_then(|number| i32::try_from(number).ok());
            number.map(|number| Value::Integer(number.into())).ok_or_else(|| refuse("number"))
        }
        (ColumnType::Decimal, Scalar::Number(digits)) => {
            Decimal::parse(digits).map(Value::Decimal).map_err(|_| refuse("number"))
        }
        (ColumnType::Enum, Scalar::Text(member)) => read_member(entity, position, &member).ok_or_else(|| {
            ApiError::bad_request(format!(
                "Cannot convert the literal '{member}' to the expected type '{}'.",
                expected()
            ))
        }),
        (ColumnType::Guid, Scalar::Text(text)) if is_guid(&text) => {
            Ok(Value::Text(text.to_ascii_lowercase()))
        }
        (ColumnType::Timestamp, Scalar::Text(text)) => {
            let time = Timestamp::parse(&text).map_err(|_| refuse("text"))?;
            let micros = time.as_micros();
            // Moments have whole seconds.
            Ok(Value::Timestamp(Timestamp::from_micros(micros - micros.rem_euclid(1_000_000))))
        }
        (ColumnType::Date, Scalar::Text(text)) => {
            Timestamp::parse(&text).map(|time| Value::Date(Date::of(time))).map_err(|_| refuse("text"))
        }
        (_, Scalar::Text(_)) => Err(refuse("text")),
        (_, Scalar::Number(_)) => Err(refuse("number")),
        (_, Scalar::Boolean(_)) => Err(refuse("boolean")),
    }
}

/// A member of an enum column, as the enum spells it.
pub(super) fn read_member(entity: &Entity, position: usize, member: &str) -> Option<Value> {
    entity.members(position).iter().find(|known| known.eq_ignore_ascii_case(member)).map(Value::text)
}

fn read_text(entity: &Entity, position: usize, column: &Column, text: String) -> Result<Value, ApiError> {
    let length = text.encode_utf16().count();
    match column.max_length {
        Some(most) if length > usize::try_from(most).unwrap_or(usize::MAX) => {
            let infolog = format!(
                "Error: The value of field '{}' is {length} characters long; it can have {most} at most.",
                column.name
            );
            Err(ApiError::refused("Write", &entity.name, &infolog))
        }
        // Companies are told in lower case, however they were given.
        _ if entity.company == Some(position) => Ok(Value::Text(text.to_lowercase())),
        _ => Ok(Value::Text(text)),
    }
}

/// The type as the metadata names it.
pub(super) fn edm_type(column: &Column) -> String {
    match column.kind {
        ColumnType::Text => "Edm.String".into(),
        ColumnType::Integer | ColumnType::OptionSet => "Edm.Int32".into(),
        ColumnType::Decimal => "Edm.Decimal".into(),
        ColumnType::Boolean => "Edm.Boolean".into(),
        ColumnType::Timestamp | ColumnType::Date => "Edm.DateTimeOffset".into(),
        ColumnType::Guid | ColumnType::Lookup => "Edm.Guid".into(),
        ColumnType::Enum => format!("{NAMESPACE}.{}", column.enum_name.as_deref().unwrap_or_default()),
    }
}

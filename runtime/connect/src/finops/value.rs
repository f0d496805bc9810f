//! F&O's own habits with values, on top of what OData says (learn.microsoft.com:
//! dynamics365/fin-ops-core/dev-itpro/data-entities/odata and .../data-entities-data-packages).
//!
//! Columns hold no nulls: text is empty, numbers are zero, and a date that is not set reads as 1900-01-01. A day is
//! printed as a moment at noon, so that no time zone moves it.

use dualwright_model::{ColumnSchema, ColumnType, Date, Timestamp, Value};
use dualwright_odata::Literal;
use dualwright_odata::json;
use serde_json::Value as Json;

/// The namespace of enum types in filters and keys.
const NAMESPACE: &str = "Microsoft.Dynamics.DataEntities";
const NO_GUID: &str = "00000000-0000-0000-0000-000000000000";
/// 1900-01-01, in days since 1970.
const NO_DATE_DAYS: i32 = -25_567;
const MICROS_A_DAY: i64 = 86_400_000_000;
const NOON_MICROS: i64 = MICROS_A_DAY / 2;

/// Reads a cell.
pub(super) fn read(raw: &Json, column: &ColumnSchema) -> Result<Value, String> {
    let value = json::to_value(raw, Some(&column.column_type))
        .map_err(|error| format!("column {}: {error}", column.name))?;
    Ok(match value {
        Value::Null => column.empty(),
        Value::Date(date) if date.as_days() == NO_DATE_DAYS => Value::Null,
        Value::Timestamp(time) if Date::of(time).as_days() == NO_DATE_DAYS => Value::Null,
        Value::Text(text) if column.column_type == ColumnType::Guid && text == NO_GUID => Value::Null,
        value => value,
    })
}

/// A cell for a body; absent cells are left out.
pub(super) fn write(value: &Value, column: &ColumnSchema) -> Option<Json> {
    json::from_value(&stored(value, column), None)
}

/// A cell for an address or a filter.
pub(super) fn literal(value: &Value, column: &ColumnSchema) -> Literal {
    match (stored(value, column), &column.column_type) {
        (Value::Text(member), ColumnType::Enum { name, members }) => {
            let known = members.iter().find(|known| known.eq_ignore_ascii_case(&member));
            let member = known.cloned().unwrap_or(member);
            Literal::Enum { type_name: format!("{NAMESPACE}.{name}"), member }
        }
        (value, column_type) => Literal::from_value(&value, Some(column_type)).unwrap_or(Literal::Null),
    }
}

/// The value as F&O stores it.
fn stored(value: &Value, column: &ColumnSchema) -> Value {
    match (value, &column.column_type) {
        (Value::Null, ColumnType::Date | ColumnType::Timestamp) => Value::Timestamp(noon(NO_DATE_DAYS)),
        (Value::Null, ColumnType::Guid) => Value::text(NO_GUID),
        (Value::Null, _) => column.empty(),
        (Value::Date(date), ColumnType::Date) => Value::Timestamp(noon(date.as_days())),
        (Value::Timestamp(time), ColumnType::Date) => Value::Timestamp(noon(Date::of(*time).as_days())),
        (Value::Date(date), ColumnType::Timestamp) => {
            Value::Timestamp(Timestamp::from_micros(i64::from(date.as_days()).saturating_mul(MICROS_A_DAY)))
        }
        (value, _) => value.clone(),
    }
}

fn noon(days: i32) -> Timestamp {
    Timestamp::from_micros(i64::from(days).saturating_mul(MICROS_A_DAY).saturating_add(NOON_MICROS))
}

#[cfg(test)]
mod tests {
    use dualwright_model::{ColumnSchema, ColumnType, Date, Decimal, Timestamp, Value};

    use super::{literal, read, write};

    fn column(column_type: ColumnType) -> ColumnSchema {
        ColumnSchema {
            name: "c".into(),
            column_type,
            nullable: false,
            required: false,
            creatable: true,
            updatable: true,
            lookup: None,
        }
    }

    fn no_yes() -> ColumnType {
        ColumnType::Enum { name: "NoYes".into(), members: vec!["No".into(), "Yes".into()] }
    }

    /// What is written for a value, and what that reads as.
    fn check(column_type: ColumnType, value: Value, written: &str, reads: Value) {
        let column = column(column_type);
        let json = write(&value, &column).unwrap();
        assert_eq!(json.to_string(), written, "{value:?}");
        assert_eq!(read(&json, &column).unwrap(), reads, "{value:?}");
    }

    #[test]
    fn nothing_is_written_as_what_the_column_calls_empty() {
        check(ColumnType::Date, Value::Null, "\"1900-01-01T12:00:00Z\"", Value::Null);
        check(ColumnType::Timestamp, Value::Null, "\"1900-01-01T12:00:00Z\"", Value::Null);
        check(ColumnType::Text { max_length: None }, Value::Null, "\"\"", Value::text(""));
        check(ColumnType::Integer, Value::Null, "0", Value::Integer(0));
        let zero = Value::Decimal(Decimal::from(0));
        check(ColumnType::Decimal { scale: None }, Value::Null, "0", zero);
        check(no_yes(), Value::Null, "\"No\"", Value::text("No"));
        check(ColumnType::Guid, Value::Null, "\"00000000-0000-0000-0000-000000000000\"", Value::Null);
        assert_eq!(write(&Value::Absent, &column(ColumnType::Integer)), None);
    }

    #[test]
    fn a_day_is_a_moment_at_noon() {
        let day = Value::Date(Date::parse("2026-11-23").unwrap());
        check(ColumnType::Date, day.clone(), "\"2026-11-23T12:00:00Z\"", day);
        let midnight = serde_json::json!("1900-01-01T00:00:00Z");
        assert_eq!(read(&midnight, &column(ColumnType::Timestamp)).unwrap(), Value::Null);
        let time = Value::Timestamp(Timestamp::parse("2026-11-23T06:18:00Z").unwrap());
        check(ColumnType::Timestamp, time.clone(), "\"2026-11-23T06:18:00Z\"", time);
    }

    #[test]
    fn money_keeps_its_digits() {
        let money = Value::Decimal(Decimal::parse("12345678901234567890.123456").unwrap());
        check(ColumnType::Decimal { scale: None }, money.clone(), "12345678901234567890.123456", money);
    }

    #[test]
    fn addresses_name_an_enums_type() {
        let text = literal(&Value::text("yes"), &column(no_yes())).to_string();
        assert_eq!(text, "Microsoft.Dynamics.DataEntities.NoYes'Yes'");
        let text =
            literal(&Value::text("O'Neil"), &column(ColumnType::Text { max_length: None })).to_string();
        assert_eq!(text, "'O''Neil'");
    }
}

//! Dataverse's own habits with values, on top of what OData says.

use dualwright_model::{ColumnSchema, ColumnType, Value};
use dualwright_odata::json;
use serde_json::Value as Json;

/// Reads a cell.
///
/// Dataverse stores empty text as null; an empty text that comes all the same is read as that.
pub(super) fn read(raw: &Json, column: &ColumnSchema) -> Result<Value, String> {
    match json::to_value(raw, Some(&column.column_type)) {
        Ok(Value::Text(text)) if text.is_empty() => Ok(Value::Null),
        Ok(value) => Ok(value),
        Err(error) => Err(format!("column {}: {error}", column.name)),
    }
}

/// A cell for a body; absent cells are left out. An enum member's name would be a mistake of the map, and stays text.
pub(super) fn write(value: &Value, column_type: &ColumnType) -> Option<Json> {
    json::from_value(value, Some(column_type))
}

#[cfg(test)]
mod tests {
    use dualwright_model::{ColumnSchema, ColumnType, Decimal, Value};

    use super::{read, write};

    fn check(raw: &str, column_type: ColumnType, expect: Option<Value>) {
        let column = ColumnSchema {
            name: "c".into(),
            column_type,
            nullable: true,
            required: false,
            creatable: true,
            updatable: true,
            lookup: None,
        };
        let raw = serde_json::from_str(raw).unwrap();
        assert_eq!(read(&raw, &column).ok(), expect, "{raw}");
    }

    #[test]
    fn zero_null_empty_and_long_money_are_read_as_they_are() {
        let money = || ColumnType::Decimal { scale: Some(2) };
        let decimal = |text| Some(Value::Decimal(Decimal::parse(text).unwrap()));
        check("0.00", money(), decimal("0"));
        check("null", money(), Some(Value::Null));
        check("12345678901234567890.123456789", money(), decimal("12345678901234567890.123456789"));
        check("\"x\"", money(), None);
        check("\"\"", ColumnType::Text { max_length: None }, Some(Value::Null));
        check("3.5", ColumnType::Integer, None);
        check("{}", ColumnType::Boolean, None);
    }

    #[test]
    fn bodies_keep_every_digit() {
        let long = Value::Decimal(Decimal::parse("12345678901234567890.10").unwrap());
        let json = write(&long, &ColumnType::Decimal { scale: None }).unwrap();
        assert_eq!(json.to_string(), "12345678901234567890.1");
        assert_eq!(write(&Value::Absent, &ColumnType::Integer), None);
    }
}

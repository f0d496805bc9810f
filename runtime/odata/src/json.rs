//! Cells in JSON bodies. Numbers keep their digits: they are read from and written as their text, never as a float
//! (I10), which is why this workspace builds `serde_json` with `arbitrary_precision`.

use dualwright_model::{ColumnType, Date, Decimal, Timestamp, Value};
use serde_json::{Number, Value as Json};

/// JSON that a column of this type cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected} is expected, and this is {found}")]
pub struct JsonError {
    /// What the column holds.
    pub expected: String,
    /// What the JSON is; never its value.
    pub found: &'static str,
}

/// Reads a cell. Without a column type the JSON's own type decides: a whole number is an integer, any other a decimal,
/// and text stays text.
///
/// # Errors
/// When the JSON is not what such a column holds.
pub fn to_value(json: &Json, column: Option<&ColumnType>) -> Result<Value, JsonError> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    let value = match column {
        None => infer(json),
        Some(column) => typed(json, column),
    };
    value.ok_or_else(|| JsonError {
        expected: column.map_or_else(|| "one value".to_owned(), ColumnType::label),
        found: kind(json),
    })
}

fn infer(json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::text(text)),
        Json::Bool(flag) => Some(Value::Boolean(*flag)),
        Json::Number(number) => {
            let text = number.to_string();
            match text.parse() {
                Ok(number) => Some(Value::Integer(number)),
                Err(_) => Decimal::parse(&text).ok().map(Value::Decimal),
            }
        }
        Json::Null => Some(Value::Null),
        Json::Array(_) | Json::Object(_) => None,
    }
}

fn typed(json: &Json, column: &ColumnType) -> Option<Value> {
    let text = json.as_str();
    match column {
        ColumnType::Text { .. } => match json {
            Json::String(text) => Some(Value::text(text)),
            Json::Number(number) => Some(Value::Text(number.to_string())),
            _ => None,
        },
        // `IEEE754Compatible=true` puts 64-bit and decimal numbers into quotes (OData JSON format 4.0, section 3.2).
        ColumnType::Integer => integer(json),
        ColumnType::Decimal { .. } => decimal(json).map(Value::Decimal),
        ColumnType::Boolean => json.as_bool().map(Value::Boolean),
        ColumnType::Timestamp => timestamp(text?).map(Value::Timestamp),
        ColumnType::Date => {
            let text = text?;
            let date = Date::parse(text).ok();
            let moment = || timestamp(text).map(Date::of);
            if text.len() > 10 { moment().or(date) } else { date.or_else(moment) }.map(Value::Date)
        }
        ColumnType::Guid => text.map(|text| Value::Text(text.to_lowercase())),
        // A choice of several is a text of numbers.
        ColumnType::OptionSet { .. } => integer(json).or_else(|| text.map(Value::text)),
        ColumnType::Enum { .. } => text.map(Value::text),
    }
}

fn timestamp(text: &str) -> Option<Timestamp> {
    if text.len() > 64 {
        return None;
    }
    Timestamp::parse(text).ok()
}

fn decimal(json: &Json) -> Option<Decimal> {
    match json {
        Json::Number(number) => Decimal::parse(&number.to_string()).ok(),
        Json::String(text) => Decimal::parse(text).ok(),
        _ => None,
    }
}

fn integer(json: &Json) -> Option<Value> {
    decimal(json)?.to_integer().map(Value::Integer)
}

/// Writes a cell; `None` for an absent one. The column type decides between a day and a moment.
pub fn from_value(value: &Value, column: Option<&ColumnType>) -> Option<Json> {
    Some(match value {
        Value::Absent => return None,
        Value::Null => Json::Null,
        Value::Text(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::from(*number),
        Value::Decimal(number) => exact(number),
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::Timestamp(time) if matches!(column, Some(ColumnType::Date)) => {
            Json::String(Date::of(*time).to_string())
        }
        Value::Timestamp(time) => Json::String(time.to_string()),
        Value::Date(date) if matches!(column, Some(ColumnType::Timestamp)) => {
            Json::String(format!("{date}T00:00:00Z"))
        }
        Value::Date(date) => Json::String(date.to_string()),
    })
}

/// A decimal as a JSON number with just its digits.
pub fn exact(number: &Decimal) -> Json {
    // The canonical spelling is a JSON number; a text is the lossless way out, should that ever change.
    match serde_json::from_str::<Number>(number.as_str()) {
        Ok(number) => Json::Number(number),
        Err(_) => Json::String(number.as_str().to_owned()),
    }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{ColumnType, Date, Decimal, Timestamp, Value};
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::{from_value, to_value};

    const MONEY: ColumnType = ColumnType::Decimal { scale: None };
    const TEXT: ColumnType = ColumnType::Text { max_length: None };

    fn check(json: &str, column: Option<ColumnType>, expect: Value) {
        let json: Json = serde_json::from_str(json).unwrap();
        assert_eq!(to_value(&json, column.as_ref()).unwrap(), expect, "{json}");
    }

    fn decimal(text: &str) -> Value {
        Value::Decimal(Decimal::parse(text).unwrap())
    }

    #[test]
    fn cells_are_read_by_their_column() {
        check(
            "0.1000000000000000055511151231257827",
            Some(MONEY),
            decimal("0.1000000000000000055511151231257827"),
        );
        check("0.00", Some(MONEY), decimal("0"));
        check("1E+2", Some(MONEY), decimal("100"));
        check("\"12.5\"", Some(MONEY), decimal("12.5"));
        check("9007199254740993", Some(ColumnType::Integer), Value::Integer(9_007_199_254_740_993));
        check("3.0", Some(ColumnType::Integer), Value::Integer(3));
        check("\"\"", Some(TEXT), Value::text(""));
        check("null", Some(TEXT), Value::Null);
        check("\"ABCD\"", Some(ColumnType::Guid), Value::text("abcd"));
        let day = Value::Date(Date::parse("2026-11-23").unwrap());
        check("\"2026-11-23\"", Some(ColumnType::Date), day.clone());
        check("\"2026-11-23T12:00:00Z\"", Some(ColumnType::Date), day);
        check("806380000", Some(ColumnType::OptionSet { options: vec![] }), Value::Integer(806_380_000));
        check("1.50", None, decimal("1.5"));
        check("17", None, Value::Integer(17));
        check("\"2026-11-23\"", None, Value::text("2026-11-23"));
    }

    #[test]
    fn what_a_column_cannot_hold_is_refused_without_naming_it() {
        let secret: Json = serde_json::from_str("\"secret\"").unwrap();
        for column in
            [MONEY, ColumnType::Integer, ColumnType::Boolean, ColumnType::Timestamp, ColumnType::Date]
        {
            let error = to_value(&secret, Some(&column)).unwrap_err();
            assert!(!error.to_string().contains("secret"));
        }
        assert!(to_value(&serde_json::json!([1]), None).is_err());
        assert!(to_value(&serde_json::json!(1.5), Some(&ColumnType::Integer)).is_err());
    }

    #[test]
    fn digits_are_written_as_they_are() {
        for text in ["0.1", "-12345678901234567890.123456789", "100", "0"] {
            assert_eq!(from_value(&decimal(text), Some(&MONEY)).unwrap().to_string(), text);
        }
        assert_eq!(from_value(&Value::Absent, None), None);
    }

    proptest! {
        #[test]
        fn decimals_survive(digits in "-?[1-9][0-9]{0,30}\\.[0-9]{0,20}[1-9]") {
            let value = decimal(&digits);
            let json = from_value(&value, Some(&MONEY)).unwrap().to_string();
            let json: Json = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(to_value(&json, Some(&MONEY)).unwrap(), value);
        }

        #[test]
        fn moments_survive(micros in -2_000_000_000_000_000_i64..200_000_000_000_000_000) {
            let value = Value::Timestamp(Timestamp::from_micros(micros));
            let json = from_value(&value, None).unwrap();
            prop_assert_eq!(to_value(&json, Some(&ColumnType::Timestamp)).unwrap(), value);
        }

        #[test]
        fn garbage_does_not_panic(text in any::<String>()) {
            for column in [MONEY, TEXT, ColumnType::Integer, ColumnType::Timestamp, ColumnType::Date, ColumnType::Guid] {
                let _ = to_value(&Json::String(text.clone()), Some(&column));
            }
        }
    }
}

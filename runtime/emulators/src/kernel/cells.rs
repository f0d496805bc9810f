//! The stored form of a row's cells: JSON text by column name, so that the file can be read with any tool and a
//! column added to a schema later is simply not there yet.

use std::fmt;

use dualwright_model::{Date, Decimal, Timestamp, Value};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::kernel::error::StoreError;
use crate::kernel::json::push_text;
use crate::kernel::schema::{ColumnType, Table};

/// The stored text of these cells, which are in the table's column order. Null and absent cells are left out.
pub(super) fn encode(table: &Table, cells: &[Value]) -> String {
    let mut text = String::with_capacity(32 * cells.len());
    text.push('{');
    for (column, value) in table.columns.iter().zip(cells) {
        if value.is_missing() {
            continue;
        }
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        text.push_str(&column.name);
        text.push_str("\":");
        push_stored(&mut text, value);
    }
    text.push('}');
    text
}

fn push_stored(out: &mut String, value: &Value) {
    match value {
        Value::Absent | Value::Null => out.push_str("null"),
        Value::Text(text) => push_text(out, text),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Decimal(number) => {
            out.push('"');
            out.push_str(number.as_str());
            out.push('"');
        }
        Value::Boolean(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Timestamp(time) => out.push_str(&time.as_micros().to_string()),
        Value::Date(date) => out.push_str(&date.as_days().to_string()),
    }
}

/// The cells of a stored row, in the table's column order; null where nothing is stored.
pub(super) fn decode(table: &Table, text: &str) -> Result<Vec<Value>, StoreError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    CellsSeed { table }
        .deserialize(&mut reader)
        .map_err(|error| StoreError::Corrupt { table: table.name.clone(), reason: error.to_string() })
}

struct CellsSeed<'a> {
    table: &'a Table,
}

impl<'de> DeserializeSeed<'de> for CellsSeed<'_> {
    type Value = Vec<Value>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Value>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for CellsSeed<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the cells of a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Value>, A::Error> {
        let mut cells = vec![Value::Null; self.table.columns.len()];
        while let Some(position) = map.next_key_seed(NameSeed { table: self.table })? {
            let kind =
                position.and_then(|position| self.table.columns.get(position)).map(|column| column.kind);
            match (position.and_then(|position| cells.get_mut(position)), kind) {
                (Some(cell), Some(kind)) => *cell = map.next_value_seed(CellSeed { kind })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(cells)
    }
}

/// Reads a column name as its position without copying it.
struct NameSeed<'a> {
    table: &'a Table,
}

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a column name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.table.position(name))
    }
}

struct CellSeed {
    kind: ColumnType,
}

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Ok(match self.kind {
            ColumnType::Text | ColumnType::Guid | ColumnType::Enum | ColumnType::Lookup => {
                Value::Text(String::deserialize(deserializer)?)
            }
            ColumnType::Integer | ColumnType::OptionSet => Value::Integer(i64::deserialize(deserializer)?),
            ColumnType::Decimal => {
                Value::Decimal(Decimal::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)?)
            }
            ColumnType::Boolean => Value::Boolean(bool::deserialize(deserializer)?),
            ColumnType::Timestamp => {
                Value::Timestamp(Timestamp::from_micros(i64::deserialize(deserializer)?))
            }
            ColumnType::Date => Value::Date(Date::from_days(i32::deserialize(deserializer)?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{Date, Decimal, Timestamp, Value};

    use super::{decode, encode};
    use crate::kernel::schema::Schema;

    #[test]
    fn cells_survive_being_stored() {
        let text = r#"
            table = "t"
            column = [
                { name = "a", type = "text" }, { name = "b", type = "decimal" }, { name = "c", type = "timestamp" },
                { name = "d", type = "date" }, { name = "e", type = "boolean" }, { name = "f", type = "option-set" },
                { name = "g", type = "text" },
            ]
        "#;
        let schema = Schema::parse([("t.toml", text)]).unwrap();
        let table = schema.table("t").unwrap();
        let cells = vec![
            Value::text("Nañez \"x\" \\ \n \u{1} 🏁"),
            Value::Decimal(Decimal::parse("12345678901234567890.0100").unwrap()),
            Value::Timestamp(Timestamp::parse("1900-01-01T12:00:00Z").unwrap()),
            Value::Date(Date::parse("2026-11-23").unwrap()),
            Value::Boolean(false),
            Value::Integer(806_380_000),
            Value::Null,
        ];
        assert_eq!(decode(table, &encode(table, &cells)).unwrap(), cells);
        assert!(decode(table, "{\"e\":5}").is_err());
        assert_eq!(decode(table, "{\"dropped\":[1,2]}").unwrap(), vec![Value::Null; 7]);
    }
}

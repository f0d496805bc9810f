//! Tables, columns, types and keys, as a system tells them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Date, Decimal, TableName, Timestamp, Value};

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// Text of at most so many characters, where the system tells the limit.
    Text {
        /// The longest text, in UTF-16 code units as both systems count them.
        max_length: Option<u32>,
    },
    /// A whole number.
    Integer,
    /// An exact number, with the digits kept after the point where the system tells them.
    Decimal {
        /// Digits after the point.
        scale: Option<u32>,
    },
    /// Yes or no.
    Boolean,
    /// A moment.
    Timestamp,
    /// A day.
    Date,
    /// A GUID, as lower-case text.
    Guid,
    /// A Dataverse choice: numbers with labels.
    OptionSet {
        /// The numbers allowed; empty when unknown.
        options: Vec<i64>,
    },
    /// An F&O enum: member names.
    Enum {
        /// The enum's type name, such as `NoYes`.
        name: String,
        /// The members; empty when unknown.
        members: Vec<String>,
    },
}

/// Where a lookup column leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// The tables it may point to; more than one when polymorphic.
    pub targets: Vec<TableName>,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSchema {
    /// The name as the API spells it.
    pub name: String,
    /// What it holds. For a lookup: the GUID of the related row.
    pub column_type: ColumnType,
    /// Whether the system can hold null here. F&O has no nulls in its columns; Dataverse stores empty text as null.
    pub nullable: bool,
    /// Whether it must be given when a row is created.
    pub required: bool,
    /// Whether it may be given when a row is created.
    pub creatable: bool,
    /// Whether it may be changed afterwards.
    pub updatable: bool,
    /// Set when the column is a lookup.
    pub lookup: Option<Lookup>,
}

/// A set of columns that identifies a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlternateKey {
    /// The key's own name; empty for F&O's only key.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// Whether the system has finished building its index.
    pub active: bool,
}

/// One table as its system describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// The entity set name, as used in addresses.
    pub name: TableName,
    /// The logical (singular) name in Dataverse, the entity name in F&O.
    pub logical_name: String,
    /// The primary id column in Dataverse; none in F&O.
    pub primary_id: Option<String>,
    /// Columns by lower-case name: both systems match names without regard to case.
    pub columns: BTreeMap<String, ColumnSchema>,
    /// The keys a row can be addressed by.
    pub keys: Vec<AlternateKey>,
    /// Whether changes can be read (change tracking enabled; in F&O: data events available).
    pub tracks_changes: bool,
}

/// A value that a column cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoerceError {
    /// The kind of value does not fit the column.
    #[error("column {column} holds {expected}, and this is {found}")]
    Kind {
        /// The column.
        column: String,
        /// What it holds.
        expected: String,
        /// What was given.
        found: &'static str,
    },
    /// Text longer than the column. Never cut in silence.
    #[error("column {column} holds at most {max} characters, and this text has {length}")]
    TooLong {
        /// The column.
        column: String,
        /// The limit.
        max: u32,
        /// The length given.
        length: usize,
    },
    /// A day or a moment that neither system knows. It is never sent: it cannot be printed as a date.
    #[error("column {column} holds dates of the years 1 to 9999, and this {found} is none of them")]
    OutsideCalendar {
        /// The column.
        column: String,
        /// What was given.
        found: &'static str,
    },
    /// A number or member that the option set or enum does not have.
    #[error("column {column} has no such option; it has {options}")]
    UnknownOption {
        /// The column.
        column: String,
        /// The options it has.
        options: String,
    },
}

impl TableSchema {
    /// A column by name, without regard to case. Of several names, `accountnumber|contactnumber`, the first that the
    /// table has: the tables that one lookup may lead to each have a key of their own.
    pub fn column(&self, name: &str) -> Option<&ColumnSchema> {
        let name = name.to_lowercase();
        name.split('|').find_map(|name| self.columns.get(name))
    }
}

impl ColumnType {
    /// The word for messages.
    pub fn label(&self) -> String {
        match self {
            Self::Text { .. } => "text".into(),
            Self::Integer => "a whole number".into(),
            Self::Decimal { .. } => "a decimal number".into(),
            Self::Boolean => "yes or no".into(),
            Self::Timestamp => "a date and time".into(),
            Self::Date => "a date".into(),
            Self::Guid => "a GUID".into(),
            Self::OptionSet { .. } => "an option number".into(),
            Self::Enum { name, .. } => format!("a member of {name}"),
        }
    }
}

impl ColumnSchema {
    /// Turns a value into what this column will read back as, so that an image we wrote equals the image we will
    /// see: empty text is null where the system stores it so, null becomes the empty value where the system has no
    /// nulls (F&O), numbers and texts are converted where nothing is lost.
    ///
    /// # Errors
    /// When the column cannot hold the value.
    pub fn coerce(&self, value: Value) -> Result<Value, CoerceError> {
        match value {
            Value::Absent => Ok(Value::Absent),
            Value::Null => Ok(self.empty()),
            Value::Text(text) if text.is_empty() && self.nullable => Ok(Value::Null),
            Value::Text(text) if text.is_empty() => Ok(self.empty()),
            value => self.coerce_present(value),
        }
    }

    /// What the column reads as when nothing was put in it.
    pub fn empty(&self) -> Value {
        if self.nullable {
            return Value::Null;
        }
        match &self.column_type {
            ColumnType::Text { .. } => Value::text(""),
            ColumnType::Integer => Value::Integer(0),
            ColumnType::Decimal { .. } => Value::Decimal(Decimal::from(0)),
            ColumnType::Boolean => Value::Boolean(false),
            // F&O shows "no date" as 1900-01-01; its connector reads that as null and writes null as that.
            ColumnType::Timestamp | ColumnType::Date | ColumnType::Guid | ColumnType::OptionSet { .. } => {
                Value::Null
            }
            ColumnType::Enum { members, .. } => members.first().map_or(Value::Null, Value::text),
        }
    }

    fn coerce_present(&self, value: Value) -> Result<Value, CoerceError> {
        let found = value.kind();
        let in_calendar = match &value {
            Value::Timestamp(time) => time.is_in_calendar(),
            Value::Date(date) => date.is_in_calendar(),
            _ => true,
        };
        if !in_calendar {
            return Err(CoerceError::OutsideCalendar { column: self.name.clone(), found });
        }
        let coerced = match (&self.column_type, value) {
            (ColumnType::Text { max_length }, value) => {
                let text = value.to_key_text();
                let length = text.encode_utf16().count();
                if let Some(max) = max_length.filter(|max| length > *max as usize) {
                    return Err(CoerceError::TooLong { column: self.name.clone(), max, length });
                }
                Some(Value::Text(text))
            }
            (ColumnType::Integer, Value::Integer(number)) => Some(Value::Integer(number)),
            (ColumnType::Integer, Value::Decimal(number)) => number.to_integer().map(Value::Integer),
            (ColumnType::Integer, Value::Text(text)) => text.trim().parse().ok().map(Value::Integer),
            (ColumnType::Decimal { .. }, Value::Decimal(number)) => Some(Value::Decimal(number)),
            (ColumnType::Decimal { .. }, Value::Integer(number)) => Some(Value::Decimal(number.into())),
            (ColumnType::Decimal { .. }, Value::Text(text)) => {
                Decimal::parse(text.trim()).ok().map(Value::Decimal)
            }
            (ColumnType::Boolean, Value::Boolean(flag)) => Some(Value::Boolean(flag)),
            (ColumnType::Boolean, Value::Text(text)) => boolean_word(&text).map(Value::Boolean),
            (ColumnType::Timestamp, Value::Timestamp(time)) => Some(Value::Timestamp(time)),
            (ColumnType::Timestamp, Value::Date(date)) => Some(Value::Timestamp(Timestamp::from_micros(
                i64::from(date.as_days()).saturating_mul(86_400_000_000),
            ))),
            (ColumnType::Timestamp, Value::Text(text)) => Timestamp::parse(&text).ok().map(Value::Timestamp),
            (ColumnType::Date, Value::Date(date)) => Some(Value::Date(date)),
            (ColumnType::Date, Value::Timestamp(time)) => Some(Value::Date(Date::of(time))),
            (ColumnType::Date, Value::Text(text)) => Date::parse(&text).ok().map(Value::Date),
            (ColumnType::Guid, Value::Text(text)) => Some(Value::Text(text.to_lowercase())),
            (ColumnType::OptionSet { options }, value) => return self.coerce_option(options, value, found),
            (ColumnType::Enum { members, .. }, value) => return self.coerce_member(members, value, found),
            _ => None,
        };
        coerced.ok_or_else(|| self.wrong_kind(found))
    }

    fn coerce_option(
        &self,
        options: &[i64],
        value: Value,
        found: &'static str,
    ) -> Result<Value, CoerceError> {
        let number = match value {
            Value::Integer(number) => Some(number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.wrong_kind(found))?;
        if options.is_empty() || options.contains(&number) {
            return Ok(Value::Integer(number));
        }
        let known: Vec<String> = options.iter().map(ToString::to_string).collect();
        Err(CoerceError::UnknownOption { column: self.name.clone(), options: known.join(", ") })
    }

    fn coerce_member(
        &self,
        members: &[String],
        value: Value,
        found: &'static str,
    ) -> Result<Value, CoerceError> {
        let text = match value {
            Value::Text(text) => text,
            Value::Boolean(flag) => (if flag { "Yes" } else { "No" }).to_owned(),
            _ => return Err(self.wrong_kind(found)),
        };
        if members.is_empty() {
            return Ok(Value::Text(text));
        }
        match members.iter().find(|member| member.eq_ignore_ascii_case(&text)) {
            Some(member) => Ok(Value::text(member)),
            None => {
                Err(CoerceError::UnknownOption { column: self.name.clone(), options: members.join(", ") })
            }
        }
    }

    fn wrong_kind(&self, found: &'static str) -> CoerceError {
        CoerceError::Kind { column: self.name.clone(), expected: self.column_type.label(), found }
    }
}

fn boolean_word(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{ColumnSchema, ColumnType};
    use crate::{Date, Decimal, Timestamp, Value};

    fn column(column_type: ColumnType, nullable: bool) -> ColumnSchema {
        ColumnSchema {
            name: "c".into(),
            column_type,
            nullable,
            required: false,
            creatable: true,
            updatable: true,
            lookup: None,
        }
    }

    #[test]
    fn zero_is_not_empty_and_empty_is_not_zero() {
        let money = column(ColumnType::Decimal { scale: None }, true);
        let zero = Value::Decimal(Decimal::parse("0.00").unwrap());
        assert_eq!(money.coerce(zero.clone()).unwrap(), zero);
        assert_eq!(money.coerce(Value::Null).unwrap(), Value::Null);
        assert_eq!(money.coerce(Value::Absent).unwrap(), Value::Absent);
    }

    #[test]
    fn empty_text_is_what_the_system_makes_of_it() {
        let dataverse = column(ColumnType::Text { max_length: Some(3) }, true);
        let finops = column(ColumnType::Text { max_length: None }, false);
        assert_eq!(dataverse.coerce(Value::text("")).unwrap(), Value::Null);
        assert_eq!(finops.coerce(Value::Null).unwrap(), Value::text(""));
        assert!(dataverse.coerce(Value::text("four")).is_err());
    }

    #[test]
    fn no_column_holds_a_date_outside_the_calendar() {
        let text = ColumnType::Text { max_length: None };
        for kind in [ColumnType::Date, ColumnType::Timestamp, text, ColumnType::Integer] {
            let column = column(kind, true);
            for micros in [i64::MIN, i64::MAX] {
                assert!(column.coerce(Value::Timestamp(Timestamp::from_micros(micros))).is_err());
            }
            for days in [i32::MIN, i32::MAX, -800_000] {
                let error = column.coerce(Value::Date(Date::from_days(days))).unwrap_err().to_string();
                assert!(error.contains("years 1 to 9999"), "{error}");
            }
        }
    }

    #[test]
    fn members_match_without_regard_to_case() {
        let members = vec!["No".to_owned(), "Yes".to_owned()];
        let flag = column(ColumnType::Enum { name: "NoYes".into(), members }, false);
        assert_eq!(flag.coerce(Value::text("yes")).unwrap(), Value::text("Yes"));
        assert_eq!(flag.coerce(Value::Boolean(false)).unwrap(), Value::text("No"));
        assert!(flag.coerce(Value::text("maybe")).is_err());
    }
}

//! One cell.

use serde::{Deserialize, Serialize};

use crate::{Date, Decimal, Timestamp};

/// What one cell says. Absent, null and empty are three different things (I10): dual-write once lost prices of
/// 0.00 and turned blanks into nothing by taking them for the same.
///
/// Identifiers (GUIDs) and F&O enum members travel as [`Value::Text`], Dataverse option sets as
/// [`Value::Integer`], a lookup as the values of the related row's alternate key under a dotted [`crate::ColumnPath`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Nothing is said of this cell: not read, or not to be written.
    #[default]
    Absent,
    /// The cell is known to hold nothing, or is to be cleared.
    Null,
    /// Text, which may be empty.
    Text(String),
    /// A whole number, or the number of an option.
    Integer(i64),
    /// An exact decimal number.
    Decimal(Decimal),
    /// Yes or no.
    Boolean(bool),
    /// A moment in time.
    Timestamp(Timestamp),
    /// A calendar day without a time.
    Date(Date),
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether the cell says nothing at all.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether the cell is null or absent.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// The word for this kind of value in messages; never the value itself (I11).
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Null => "null",
            Self::Text(_) => "text",
            Self::Integer(_) => "integer",
            Self::Decimal(_) => "decimal",
            Self::Boolean(_) => "boolean",
            Self::Timestamp(_) => "timestamp",
            Self::Date(_) => "date",
        }
    }

    /// The value as a key component writes it: plain text, empty for null and absent.
    pub fn to_key_text(&self) -> String {
        match self {
            Self::Absent | Self::Null => String::new(),
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Decimal(number) => number.as_str().to_owned(),
            Self::Boolean(flag) => flag.to_string(),
            Self::Timestamp(time) => time.to_string(),
            Self::Date(date) => date.to_string(),
        }
    }
}

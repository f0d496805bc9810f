//! Typed access to cells, and short ways to write outcomes.

use std::borrow::Cow;

use crate::{Cell, Outcome, Violation};

impl Cell {
    /// The text, when the cell holds text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, when the cell holds one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The flag, when the cell holds yes or no.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(flag) => Some(*flag),
            _ => None,
        }
    }

    /// Whether nothing is said of this cell.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether the cell is known to hold nothing: null or the empty text. Zero, `false` and absent are not empty.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// The value as plain text, as a value set spells it: `12.5`, `true`, nothing for null and absent. Moments and
    /// days are their numbers.
    pub fn to_plain_text(&self) -> Cow<'_, str> {
        match self {
            Self::Absent | Self::Null => Cow::Borrowed(""),
            Self::Text(text) | Self::Decimal(text) => Cow::Borrowed(text),
            Self::Integer(number) | Self::Timestamp(number) => Cow::Owned(number.to_string()),
            Self::Boolean(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Self::Date(days) => Cow::Owned(days.to_string()),
        }
    }

    /// Takes the cell out, leaving absent.
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Absent)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Boolean(flag)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    /// Nothing is null, which clears the target; write [`Cell::Absent`] to leave it as it is.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Outcome {
    /// Refuses a record for one reason.
    pub fn reject(field: Option<&str>, code: &str, message: impl Into<String>) -> Self {
        Self::Reject(vec![Violation::new(field, code, message)])
    }
}

impl Violation {
    /// One reason: the column at fault, a stable word for programs, a sentence for people. The sentence must not
    /// quote the row's values: it ends in logs.
    pub fn new(field: Option<&str>, code: &str, message: impl Into<String>) -> Self {
        Self { field: field.map(str::to_owned), code: code.to_owned(), message: message.into() }
    }
}

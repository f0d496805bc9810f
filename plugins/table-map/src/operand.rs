//! What rules calculate with.

use std::borrow::Cow;
use std::cmp::Ordering;

use dualwright_sdk::Cell;

use crate::exact::Exact;
use crate::program::Literal;

/// Microseconds of a day.
const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// A value in the middle of a calculation.
#[derive(Clone, Debug)]
pub(crate) enum Operand<'a> {
    /// Nobody can tell: the cell is absent, or something that is compared is empty.
    Unknown,
    /// Null, or a text of nothing but spaces.
    Empty,
    Number(Exact),
    Text(Cow<'a, str>),
    Boolean(bool),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Moment(i64),
    /// Cannot be worked out: a text where a number must be, or too many digits.
    Wrong,
}

// Not inlined: every map carries this code, and few rows spend time in it.
impl<'a> Operand<'a> {
    #[inline(never)]
    pub(crate) fn of_cell(cell: &'a Cell) -> Self {
        match cell {
            Cell::Absent => Self::Unknown,
            Cell::Null => Self::Empty,
            Cell::Text(text) if text.trim().is_empty() => Self::Empty,
            Cell::Text(text) => Self::Text(Cow::Borrowed(text)),
            Cell::Integer(number) => Self::Number(Exact::from(*number)),
            Cell::Decimal(text) => Exact::parse(text).map_or(Self::Wrong, Self::Number),
            Cell::Boolean(flag) => Self::Boolean(*flag),
            Cell::Timestamp(microseconds) => Self::Moment(*microseconds),
            Cell::Date(days) => moment(*days).map_or(Self::Wrong, Self::Moment),
        }
    }

    #[inline(never)]
    pub(crate) fn of_literal(literal: &'a Literal<'_>) -> Self {
        match literal {
            Literal::Number(number) => Self::Number(*number),
            Literal::Text(text) => Self::Text(Cow::Borrowed(text)),
            Literal::Boolean(flag) => Self::Boolean(*flag),
            Literal::Day(days) => moment(*days).map_or(Self::Wrong, Self::Moment),
        }
    }

    /// As a number, also when it is a text that spells one: constants of a map are texts where they have a fraction.
    pub(crate) fn number(&self) -> Option<Exact> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => Exact::parse(text.trim()),
            _ => None,
        }
    }

    /// As yes or no, also when it is a text that spells one.
    fn boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(flag) => Some(*flag),
            Self::Text(text) if is_word(text, &["yes", "true"]) => Some(true),
            Self::Text(text) if is_word(text, &["no", "false"]) => Some(false),
            _ => None,
        }
    }

    /// Whether two values that are both there are the same; `None` when they cannot be compared.
    #[inline(never)]
    pub(crate) fn same(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            // Both systems take no notice of letter case and trailing spaces.
            (Self::Text(one), Self::Text(other)) => {
                Some(one.trim_end().to_lowercase() == other.trim_end().to_lowercase())
            }
            (Self::Boolean(_), _) | (_, Self::Boolean(_)) => Some(self.boolean()? == other.boolean()?),
            _ => Some(self.order(other)? == Ordering::Equal),
        }
    }

    /// Which of two values is larger; `None` when they have no order.
    #[inline(never)]
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Moment(one), Self::Moment(other)) => Some(one.cmp(other)),
            (Self::Text(_), Self::Text(_)) => None,
            _ => Some(self.number()?.cmp(&other.number()?)),
        }
    }
}

fn is_word(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.trim_end().eq_ignore_ascii_case(word))
}

fn moment(days: i32) -> Option<i64> {
    i64::from(days).checked_mul(DAY_MICROSECONDS)
}

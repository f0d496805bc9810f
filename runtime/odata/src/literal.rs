//! Literals in addresses: `'text'`, `12.5`, `null`, `2026-11-23`, a GUID, `Microsoft.Dynamics.DataEntities.NoYes'Yes'`.
//!
//! OData v4 ABNF, section 7; the enum form is the one that F&O's page on OData shows for filters.

use std::cmp::Ordering;
use std::fmt;

use dualwright_model::{ColumnType, Date, Decimal, Timestamp, Value};

/// One literal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Literal {
    /// `null`.
    Null,
    /// `'O''Neil'`.
    Text(String),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// Any other number, exactly.
    Decimal(Decimal),
    /// `true` or `false`.
    Boolean(bool),
    /// A GUID, in lower case.
    Guid(String),
    /// A moment.
    Timestamp(Timestamp),
    /// A day.
    Date(Date),
    /// A member of an enum type, with the type's qualified name.
    Enum {
        /// `Microsoft.Dynamics.DataEntities.NoYes`.
        type_name: String,
        /// `Yes`.
        member: String,
    },
}

/// A text that is not a literal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at character {position}")]
pub struct LiteralError {
    /// Bytes before the fault.
    pub position: usize,
    /// What is wrong; without the text itself.
    pub reason: &'static str,
}

/// The longest number, GUID, date or type name.
const MAX_WORD: usize = 256;

impl Literal {
    /// Reads one literal that fills the whole text.
    ///
    /// # Errors
    /// When it is none, or something follows it.
    pub fn parse(text: &str) -> Result<Self, LiteralError> {
        let (literal, rest) = Self::take(text)
            .map_err(|(rest, reason)| LiteralError { position: text.len() - rest.len(), reason })?;
        if rest.is_empty() {
            return Ok(literal);
        }
        Err(LiteralError { position: text.len() - rest.len(), reason: "something follows the literal" })
    }

    /// Reads one literal from the start of a text and gives back what follows it. On failure: where, and why.
    pub(crate) fn take(text: &str) -> Result<(Self, &str), (&str, &'static str)> {
        if let Some(rest) = text.strip_prefix('\'') {
            return take_quoted(rest)
                .map(|(content, rest)| (Self::Text(content), rest))
                .ok_or((text, "the text has no closing quote"));
        }
        let end = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end).ok_or((text, "not a literal"))?;
        if word.is_empty() || word.len() > MAX_WORD {
            return Err((text, "a literal is expected"));
        }
        if let Some(quoted) = rest.strip_prefix('\'') {
            let (member, rest) = take_quoted(quoted).ok_or((rest, "the text has no closing quote"))?;
            if !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                return Err((text, "not an enum type"));
            }
            return Ok((Self::Enum { type_name: word.to_owned(), member }, rest));
        }
        Self::of_word(word).map(|literal| (literal, rest)).ok_or((text, "not a literal"))
    }

    fn of_word(word: &str) -> Option<Self> {
        match word {
            "null" => return Some(Self::Null),
            "true" => return Some(Self::Boolean(true)),
            "false" => return Some(Self::Boolean(false)),
            _ => {}
        }
        if is_guid(word) {
            return Some(Self::Guid(word.to_ascii_lowercase()));
        }
        if let Ok(number) = word.parse::<i64>() {
            return Some(Self::Integer(number));
        }
        if let Ok(number) = Decimal::parse(word) {
            return Some(Self::Decimal(number));
        }
        if word.contains(['T', 't']) {
            return Timestamp::parse(word).ok().map(Self::Timestamp);
        }
        Date::parse(word).ok().map(Self::Date)
    }

    /// The value that this literal stands for; an enum member is its name.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) | Self::Guid(text) | Self::Enum { member: text, .. } => Value::text(text),
            Self::Integer(number) => Value::Integer(*number),
            Self::Decimal(number) => Value::Decimal(number.clone()),
            Self::Boolean(flag) => Value::Boolean(*flag),
            Self::Timestamp(time) => Value::Timestamp(*time),
            Self::Date(date) => Value::Date(*date),
        }
    }

    /// The literal for a value; `None` for an absent one. A text in a GUID column becomes a GUID where it is one; an
    /// enum member stays text, because only the caller knows the type's qualified name.
    pub fn from_value(value: &Value, column: Option<&ColumnType>) -> Option<Self> {
        Some(match value {
            Value::Absent => return None,
            Value::Null => Self::Null,
            Value::Text(text) if matches!(column, Some(ColumnType::Guid)) && is_guid(text) => {
                Self::Guid(text.to_ascii_lowercase())
            }
            Value::Text(text) => Self::Text(text.clone()),
            Value::Integer(number) => Self::Integer(*number),
            Value::Decimal(number) => Self::Decimal(number.clone()),
            Value::Boolean(flag) => Self::Boolean(*flag),
            Value::Timestamp(time) => Self::Timestamp(*time),
            Value::Date(date) => Self::Date(*date),
        })
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Text(text) => write_quoted(formatter, text),
            Self::Integer(number) => write!(formatter, "{number}"),
            // Without a point it would read back as an integer.
            Self::Decimal(number) if number.to_integer().is_some() => write!(formatter, "{number}.0"),
            Self::Decimal(number) => write!(formatter, "{number}"),
            Self::Boolean(flag) => write!(formatter, "{flag}"),
            Self::Guid(text) => formatter.write_str(text),
            Self::Timestamp(time) => write!(formatter, "{time}"),
            Self::Date(date) => write!(formatter, "{date}"),
            Self::Enum { type_name, member } => {
                formatter.write_str(type_name)?;
                write_quoted(formatter, member)
            }
        }
    }
}

/// Whether this is a GUID of the usual form, 8-4-4-4-12 hexadecimal digits.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// How two exact numbers compare.
pub fn compare_decimals(left: &Decimal, right: &Decimal) -> Ordering {
    let (left, right) = (left.as_str(), right.as_str());
    match (left.strip_prefix('-'), right.strip_prefix('-')) {
        (Some(left), Some(right)) => compare_magnitudes(right, left),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => compare_magnitudes(left, right),
    }
}

// The spelling is canonical: a longer whole part is a greater number, and fractions compare as text.
fn compare_magnitudes(left: &str, right: &str) -> Ordering {
    let (left_whole, left_fraction) = left.split_once('.').unwrap_or((left, ""));
    let (right_whole, right_fraction) = right.split_once('.').unwrap_or((right, ""));
    (left_whole.len(), left_whole, left_fraction).cmp(&(right_whole.len(), right_whole, right_fraction))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '+' | '-')
}

/// Reads up to the closing quote; a doubled quote is one quote.
fn take_quoted(text: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('\'')?;
        content.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                content.push('\'');
                rest = more;
            }
            None => return Some((content, after)),
        }
    }
}

fn write_quoted(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(formatter, "'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
pub(crate) mod tests {
    use dualwright_model::{Date, Decimal, Timestamp};
    use proptest::prelude::*;

    use super::{Literal, compare_decimals};

    fn check(text: &str, expect: Literal) {
        assert_eq!(Literal::parse(text).unwrap(), expect, "{text}");
    }

    #[test]
    fn every_form_is_read() {
        check("null", Literal::Null);
        check("'O''Neil & Söhne'", Literal::Text("O'Neil & Söhne".into()));
        check("''", Literal::Text(String::new()));
        check("-12", Literal::Integer(-12));
        check("12.50", Literal::Decimal(Decimal::parse("12.5").unwrap()));
        check("99999999999999999999", Literal::Decimal(Decimal::parse("99999999999999999999").unwrap()));
        check("true", Literal::Boolean(true));
        check(
            "A0B1C2D3-0000-1111-2222-333344445555",
            Literal::Guid("a0b1c2d3-0000-1111-2222-333344445555".into()),
        );
        check("2026-11-23", Literal::Date(Date::parse("2026-11-23").unwrap()));
        check("1900-01-01T12:00:00Z", Literal::Timestamp(Timestamp::parse("1900-01-01T12:00:00Z").unwrap()));
        check(
            "Microsoft.Dynamics.DataEntities.NoYes'Yes'",
            Literal::Enum { type_name: "Microsoft.Dynamics.DataEntities.NoYes".into(), member: "Yes".into() },
        );
    }

    #[test]
    fn garbage_is_refused_with_its_place() {
        for text in ["", "'open", "nonsense", "1 2", "'a'b", "12'x'", "2026-13-01", "ä"] {
            assert!(Literal::parse(text).is_err(), "{text}");
        }
        assert_eq!(Literal::parse("'a' b").unwrap_err().position, 3);
    }

    #[test]
    fn numbers_compare_exactly() {
        let order =
            ["-100", "-99.5", "-0.1", "0", "0.09", "0.1", "1", "9.99", "10", "100000000000000000000.01"];
        for pair in order.windows(2) {
            let [left, right] = [Decimal::parse(pair[0]).unwrap(), Decimal::parse(pair[1]).unwrap()];
            assert!(compare_decimals(&left, &right).is_lt(), "{pair:?}");
            assert!(compare_decimals(&right, &left).is_gt(), "{pair:?}");
        }
    }

    pub(crate) fn any_literal() -> impl Strategy<Value = Literal> {
        prop_oneof![
            Just(Literal::Null),
            any::<String>().prop_map(Literal::Text),
            any::<i64>().prop_map(Literal::Integer),
            (any::<i64>(), 0_u32..99).prop_map(|(whole, cents)| {
                Literal::Decimal(Decimal::parse(&format!("{whole}.{cents:02}")).unwrap())
            }),
            any::<bool>().prop_map(Literal::Boolean),
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(Literal::Guid),
            (-2_000_000_000_000_000_i64..200_000_000_000_000_000)
                .prop_map(|micros| Literal::Timestamp(Timestamp::from_micros(micros))),
            (-20_000..2_000_000).prop_map(|days| Literal::Date(Date::from_days(days))),
            ("[A-Za-z_][A-Za-z0-9_.]{0,30}", any::<String>())
                .prop_map(|(type_name, member)| Literal::Enum { type_name, member }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(literal in any_literal()) {
            prop_assert_eq!(Literal::parse(&literal.to_string()).unwrap(), literal);
        }

        #[test]
        fn garbage_does_not_panic(text in any::<String>()) {
            let _ = Literal::parse(&text);
        }
    }
}

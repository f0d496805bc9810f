//! One value as a system prints it, and when two of them say the same.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// A value of either system. Numbers stay text: no amount passes a float (I10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Null, empty text, F&O's empty date, or not told.
    Nothing,
    /// Text, also dates and members of enums.
    Text(String),
    /// A number in one spelling: no zeros that say nothing.
    Number(String),
    /// Yes or no.
    Flag(bool),
}

impl Cell {
    /// Reads a value out of an answer. `None` for objects and lists.
    pub(crate) fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        match text.as_bytes().first()? {
            b'n' => Some(Self::Nothing),
            b't' => Some(Self::Flag(true)),
            b'f' => Some(Self::Flag(false)),
            b'"' => serde_json::from_str::<String>(text).ok().map(Self::text),
            b'{' | b'[' => None,
            _ => Some(Self::number(text)),
        }
    }

    /// A text, which is nothing when it is empty or F&O's way of saying "no date".
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        let no_date = text.starts_with("1900-01-01T") && text.ends_with('Z');
        if text.is_empty() || no_date { Self::Nothing } else { Self::Text(text) }
    }

    /// A number, however it is spelled.
    pub(crate) fn number(text: &str) -> Self {
        Self::Number(plain_number(text))
    }

    /// A value of a map file.
    pub(crate) fn of_toml(value: &toml::Value) -> Self {
        match value {
            toml::Value::Boolean(flag) => Self::Flag(*flag),
            toml::Value::Integer(number) => Self::number(&number.to_string()),
            toml::Value::String(text) => Self::text(text),
            other => Self::text(other.to_string()),
        }
    }

    /// The value as plain text.
    pub(crate) fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Nothing => Cow::Borrowed(""),
            Self::Text(text) | Self::Number(text) => Cow::Borrowed(text),
            Self::Flag(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        }
    }

    /// The value as both systems compare keys.
    pub(crate) fn key(&self) -> String {
        self.plain().trim_end().to_lowercase()
    }

    /// Whether there is nothing.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }

    /// Whether two values of different systems say the same.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(number), Self::Text(text)) | (Self::Text(text), Self::Number(number)) => {
                *number == plain_number(text)
            }
            (Self::Flag(flag), Self::Text(text)) | (Self::Text(text), Self::Flag(flag)) => {
                text.eq_ignore_ascii_case(if *flag { "yes" } else { "no" })
                    || text.eq_ignore_ascii_case(if *flag { "true" } else { "false" })
            }
            (Self::Text(one), Self::Text(two)) => one == two || same_moment(one, two),
            (one, two) => one == two,
        }
    }
}

/// One spelling for equal numbers: `007.50` and `7.5`, `-0` and `0`.
fn plain_number(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    match (whole, fraction) {
        ("", "") => "0".to_owned(),
        ("", fraction) => format!("{sign}0.{fraction}"),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    }
}

/// Whether two texts are the same moment, or a day and a moment of that day: one column may hold a date only.
fn same_moment(one: &str, two: &str) -> bool {
    let is_day = |text: &str| {
        let mut parts = text.splitn(3, '-');
        text.len() == 10 && parts.by_ref().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let moment = |text: &str| -> Option<String> {
        let (day, time) = text.split_once('T')?;
        let time = time.strip_suffix('Z')?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
        is_day(day).then(|| format!("{day}T{clock}.{}", fraction.trim_end_matches('0')))
    };
    match (moment(one), moment(two)) {
        (Some(one), Some(two)) => one == two,
        (Some(moment), None) => is_day(two) && moment.starts_with(two),
        (None, Some(moment)) => is_day(one) && moment.starts_with(one),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;

    fn cell(json: &str) -> Cell {
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str(json).unwrap();
        Cell::read(&raw).unwrap()
    }

    /// I10: exact, and null, zero and false differ.
    #[test]
    fn values_of_two_systems_are_compared_exactly() {
        for (one, two) in [
            ("10.50", "10.5"),
            ("0.00", "0"),
            ("\"\"", "null"),
            ("\"1900-01-01T12:00:00Z\"", "null"),
            ("\"Yes\"", "true"),
            ("\"7\"", "7"),
            ("\"2026-02-03T12:00:00Z\"", "\"2026-02-03\""),
            ("\"2026-02-03T12:00:00.100Z\"", "\"2026-02-03T12:00:00.1Z\""),
            ("12345678901234567890.12", "12345678901234567890.120"),
        ] {
            assert!(cell(one).says_the_same(&cell(two)), "{one} {two}");
            assert!(cell(two).says_the_same(&cell(one)), "{two} {one}");
        }
        for (one, two) in [
            ("0", "null"),
            ("false", "null"),
            ("\"No\"", "true"),
            ("\"a\"", "\"A\""),
            ("12345678901234567890.12", "12345678901234567890.13"),
            ("\"2026-02-03T12:00:00Z\"", "\"2026-02-04\""),
            ("-1", "1"),
            ("10", "1"),
        ] {
            assert!(!cell(one).says_the_same(&cell(two)), "{one} {two}");
        }
    }
}

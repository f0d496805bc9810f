//! One value as a system prints it, and when two of them say the same.

use serde_json::Value;

use crate::System;

/// A value of either system. Numbers stay text: no amount passes a float.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Null, empty text, or F&O's empty date.
    Nothing,
    /// Text, also dates and members of enums.
    Text(String),
    /// A number in one spelling.
    Number(String),
    /// Yes or no.
    Flag(bool),
}

impl Cell {
    /// A value of an answer; nothing for objects and lists.
    pub fn read(system: System, value: &Value) -> Self {
        match value {
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Number(number) => Self::Number(plain(&number.to_string())),
            Value::String(text) if text.is_empty() => Self::Nothing,
            Value::String(text) if system == System::Finops && text.starts_with("1900-01-01T") => {
                Self::Nothing
            }
            Value::String(text) => Self::Text(text.clone()),
            Value::Null | Value::Array(_) | Value::Object(_) => Self::Nothing,
        }
    }

    /// A value of a TOML file.
    pub fn of_toml(value: &toml::Value) -> Self {
        match value {
            toml::Value::Boolean(flag) => Self::Flag(*flag),
            toml::Value::Integer(number) => Self::Number(number.to_string()),
            toml::Value::Float(number) => Self::Number(plain(&number.to_string())),
            toml::Value::String(text) if text.is_empty() => Self::Nothing,
            toml::Value::String(text) => Self::Text(text.clone()),
            other => Self::Text(other.to_string()),
        }
    }

    /// Plain text, empty for nothing.
    pub fn plain(&self) -> &str {
        match self {
            Self::Nothing => "",
            Self::Text(text) | Self::Number(text) => text,
            Self::Flag(true) => "true",
            Self::Flag(false) => "false",
        }
    }

    /// The value as both systems compare keys: without regard to case and trailing spaces.
    pub fn key(&self) -> String {
        self.plain().trim_end().to_lowercase()
    }

    /// Whether two values of different systems say the same.
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => one == two || same_moment(one, two),
            (Self::Number(number), Self::Text(text)) | (Self::Text(text), Self::Number(number)) => {
                *number == plain(text)
            }
            (one, two) => one == two,
        }
    }
}

/// One spelling for equal numbers: `007.50` and `7.5`, `-0` and `0`.
fn plain(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let whole = if whole.is_empty() { "0" } else { whole };
    let text = format!("{whole}{point}{fraction}");
    if text == "0" { text } else { format!("{sign}{text}") }
}

/// Whether two texts are one moment, or a day and a moment of it: one side may keep the day only.
fn same_moment(one: &str, two: &str) -> bool {
    let (day, moment) = if one.len() == 10 { (one, two) } else { (two, one) };
    let is_day =
        |text: &str| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let seconds = |text: &str| {
        let text = text.strip_suffix('Z')?;
        let (day, _) = text.split_once('T')?;
        is_day(day).then(|| text.split_once('.').map_or(text, |(whole, _)| whole).to_owned())
    };
    match (seconds(one), seconds(two)) {
        (Some(one_seconds), Some(two_seconds)) => {
            let fraction = |text: &str| {
                plain(&format!(
                    "0.{}",
                    text.split_once('.').map_or("", |(_, rest)| rest.trim_end_matches('Z'))
                ))
            };
            one_seconds == two_seconds && fraction(one) == fraction(two)
        }
        _ => is_day(day) && moment.starts_with(day) && moment.as_bytes().get(10) == Some(&b'T'),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, System};

    fn cell(json: &str) -> Cell {
        Cell::read(System::Finops, &serde_json::from_str(json).unwrap())
    }

    #[test]
    fn values_are_compared_exactly() {
        for (one, two) in [
            ("10.50", "10.5"),
            ("0.00", "0"),
            ("\"\"", "null"),
            ("\"1900-01-01T12:00:00Z\"", "null"),
            ("\"7\"", "7"),
            ("\"2026-02-03T12:00:00Z\"", "\"2026-02-03\""),
            ("\"2026-02-03T12:00:00.100Z\"", "\"2026-02-03T12:00:00.1Z\""),
            ("12345678901234567890.12", "12345678901234567890.120"),
        ] {
            assert!(cell(one).agrees_with(&cell(two)), "{one} {two}");
            assert!(cell(two).agrees_with(&cell(one)), "{two} {one}");
        }
        for (one, two) in [
            ("0", "null"),
            ("false", "null"),
            ("0", "false"),
            ("\"a\"", "\"A\""),
            ("\"a\"", "\"a \""),
            ("12345678901234567890.12", "12345678901234567890.13"),
            ("\"2026-02-03T12:00:00Z\"", "\"2026-02-04\""),
            ("\"2026-02-03T12:00:00.1Z\"", "\"2026-02-03T12:00:00.2Z\""),
            ("-1", "1"),
            ("10", "1"),
        ] {
            assert!(!cell(one).agrees_with(&cell(two)), "{one} {two}");
            assert!(!cell(two).agrees_with(&cell(one)), "{two} {one}");
        }
    }
}

//! JSON as both systems speak it: objects whose numbers keep their own digits, and printing without a float (I10).

use std::borrow::Cow;
use std::fmt;

use dualwright_model::Value;
use serde::de::{Deserializer as _, MapAccess, Visitor};
pub use serde_json::value::RawValue;

/// Appends a text as a JSON string.
pub fn push_text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter == '"' || letter == '\\' || letter < ' ') {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut letters = special.chars();
        match letters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            None => {}
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Appends a value as both systems print it in JSON: decimals as numbers with their own digits, moments and days
/// in ISO 8601.
pub fn push_plain(out: &mut String, value: &Value) {
    match value {
        Value::Absent | Value::Null => out.push_str("null"),
        Value::Text(text) => push_text(out, text),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Decimal(number) => out.push_str(number.as_str()),
        Value::Boolean(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Timestamp(time) => push_text(out, &time.to_string()),
        Value::Date(date) => push_text(out, &date.to_string()),
    }
}

/// The members of a JSON object in their order, each value as its own text. A name given twice is given twice.
pub type Object<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// Reads the members of a JSON object without reading their values.
///
/// # Errors
/// When the text is not one JSON object.
pub fn object(text: &str) -> Result<Object<'_>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = reader.deserialize_map(ObjectVisitor)?;
    reader.end()?;
    Ok(members)
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            members.push((name, map.next_value::<&RawValue>()?));
        }
        Ok(members)
    }
}

/// A name that is borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// One JSON value that is not an object or a list; a number keeps its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// A number as it was spelled.
    Number(&'a str),
    /// A text, escapes taken off.
    Text(Cow<'a, str>),
}

/// Reads a value that must be a scalar. `None` for objects and lists.
pub fn scalar(value: &RawValue) -> Option<Scalar<'_>> {
    let text = value.get().trim();
    match text.as_bytes().first()? {
        b'n' => Some(Scalar::Null),
        b't' => Some(Scalar::Boolean(true)),
        b'f' => Some(Scalar::Boolean(false)),
        b'"' => serde_json::from_str::<Name<'_>>(text).ok().map(|name| Scalar::Text(name.0)),
        b'-' | b'0'..=b'9' => Some(Scalar::Number(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{Decimal, Value};

    use super::{Scalar, object, push_plain, push_text, scalar};

    #[test]
    fn what_is_printed_is_json() {
        for text in ["", "plain", "a\"b\\c\u{0}\u{1f}\r\n\t", "é🏁"] {
            let mut out = String::new();
            push_text(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
        let mut out = String::new();
        push_plain(&mut out, &Value::Decimal(Decimal::parse("0.10").unwrap()));
        assert_eq!(out, "0.1");
    }

    #[test]
    fn members_keep_their_text() {
        let members =
            object(r#" {"a": 12.50, "b\u0041": [1, {"c": 2}], "d": "x\"y", "e": null, "a": true} "#).unwrap();
        assert_eq!(members[0].0, "a");
        assert_eq!(scalar(members[0].1), Some(Scalar::Number("12.50")));
        assert_eq!(members[1].0, "bA");
        assert_eq!(scalar(members[1].1), None);
        assert_eq!(scalar(members[2].1), Some(Scalar::Text("x\"y".into())));
        assert_eq!(scalar(members[3].1), Some(Scalar::Null));
        assert_eq!(scalar(members[4].1), Some(Scalar::Boolean(true)));
        for wrong in ["", "[]", "{", "{} x", "{\"a\": }", "null"] {
            assert!(object(wrong).is_err(), "{wrong}");
        }
    }
}

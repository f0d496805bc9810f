//! A map file as data: whatever words the map language has, without understanding them.

use serde_json::{Map, Value as Json};
use toml::{Table, Value};

/// A map file as data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// The words of `[map]`, without its fields; rules are always here.
    pub header: Table,
    /// The field lines, in the order of the file.
    pub fields: Vec<Table>,
}

/// A text that is not a map file.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// It is not TOML.
    #[error("it is not TOML: {0}")]
    Toml(#[from] toml::de::Error),
    /// It is TOML of another shape.
    #[error("it is no map file: {0}")]
    Shape(&'static str),
}

/// The words of the header in the order in which people expect them.
const HEADER: [&str; 13] = [
    "name",
    "version",
    "about",
    "finops",
    "dataverse",
    "key",
    "filter",
    "legs",
    "needs",
    "excludes",
    "on-leave",
    "on-delete",
    "rule",
];
/// The words of a field line likewise.
const LINE: [&str; 7] = ["finops", "dataverse", "direction", "default", "values", "unlisted", "cut"];

impl Sheet {
    /// Reads a map file, whether its fields and rules stand in `[map]` or beside it.
    ///
    /// # Errors
    /// When it is not a map file.
    pub fn parse(text: &str) -> Result<Self, SheetError> {
        let mut file: Table = text.parse()?;
        let Some(Value::Table(mut header)) = file.remove("map") else {
            return Err(SheetError::Shape("it has no [map]"));
        };
        let mut fields = tables(header.remove("field"))?;
        fields.extend(tables(file.remove("field"))?);
        // Whatever else stands beside `[map]` as a list of tables may stand inside it as well, as rules do.
        for (word, value) in file {
            match (header.get_mut(&word), value) {
                (Some(Value::Array(inside)), Value::Array(beside)) => inside.extend(beside),
                (_, value) => {
                    header.insert(word, value);
                }
            }
        }
        Ok(Self { header, fields })
    }

    /// A word of the header that is a text.
    pub fn text(&self, word: &str) -> &str {
        self.header.get(word).and_then(Value::as_str).unwrap_or_default()
    }

    /// The pairs of the key: F&O's column and Dataverse's.
    pub fn key(&self) -> Vec<(&str, &str)> {
        let pairs = self.header.get("key").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        pairs
            .iter()
            .filter_map(|pair| Some((pair.get("finops")?.as_str()?, pair.get("dataverse")?.as_str()?)))
            .collect()
    }

    /// The file as text, with these lines as comments before the fields.
    pub fn to_text(&self, comments: &[String]) -> String {
        let mut text = String::from("[map]\n");
        for (word, value) in ordered(&self.header, &HEADER) {
            text.push_str(&word_text(word));
            text.push_str(" = ");
            match value {
                Value::Array(items) if items.iter().any(Value::is_table) => {
                    text.push_str(&list(items.iter()))
                }
                Value::Array(items) if word == "key" && items.is_empty() => text.push_str("[]"),
                other => text.push_str(&inline(other, &LINE)),
            }
            text.push('\n');
        }
        for comment in comments {
            for line in comment.lines() {
                text.push_str("# ");
                text.push_str(line);
                text.push('\n');
            }
        }
        if !self.fields.is_empty() {
            let fields: Vec<Value> = self.fields.iter().cloned().map(Value::Table).collect();
            text.push_str("field = ");
            text.push_str(&list(fields.iter()));
            text.push('\n');
        }
        text
    }
}

fn tables(value: Option<Value>) -> Result<Vec<Table>, SheetError> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let Value::Array(items) = value else {
        return Err(SheetError::Shape("`field` is not a list"));
    };
    items
        .into_iter()
        .map(|item| match item {
            Value::Table(table) => Ok(table),
            _ => Err(SheetError::Shape("a field is not a table")),
        })
        .collect()
}

/// Known words first, the others behind them by name.
fn ordered<'a>(table: &'a Table, order: &[&str]) -> Vec<(&'a str, &'a Value)> {
    let mut words: Vec<(&str, &Value)> = table.iter().map(|(word, value)| (word.as_str(), value)).collect();
    words.sort_by_key(|(word, _)| order.iter().position(|known| known == word).unwrap_or(order.len()));
    words
}

fn list<'a>(items: impl Iterator<Item = &'a Value>) -> String {
    let lines: Vec<String> = items.map(|item| format!("  {},\n", inline(item, &LINE))).collect();
    format!("[\n{}]", lines.concat())
}

/// A value on one line.
fn inline(value: &Value, order: &[&str]) -> String {
    match value {
        Value::Table(table) => {
            let words: Vec<String> = ordered(table, order)
                .into_iter()
                .map(|(word, value)| format!("{} = {}", word_text(word), inline(value, order)))
                .collect();
            if words.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", words.join(", ")) }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(item, order)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

fn word_text(word: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '-';
    if !word.is_empty() && word.chars().all(bare) { word.to_owned() } else { quoted(word) }
}

/// A basic string, always on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// TOML as JSON. Days and moments become text: the map language has none.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::from(*number),
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::Array(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Table(table) => Json::Object(table_to_json(table)),
        Value::Float(_) | Value::Datetime(_) => Json::String(value.to_string()),
    }
}

pub(super) fn table_to_json(table: &Table) -> Map<String, Json> {
    table.iter().map(|(word, value)| (word.clone(), to_json(value))).collect()
}

/// JSON as TOML; `None` for what TOML or the map language does not have.
pub(super) fn from_json(json: &Json) -> Option<Value> {
    Some(match json {
        Json::String(text) => Value::String(text.clone()),
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => Value::Integer(number.as_i64()?),
        Json::Array(items) => Value::Array(items.iter().map(from_json).collect::<Option<_>>()?),
        Json::Object(_) => Value::Table(table_from_json(json)?),
        Json::Null => return None,
    })
}

pub(super) fn table_from_json(json: &Json) -> Option<Table> {
    json.as_object()?.iter().map(|(word, value)| Some((word.clone(), from_json(value)?))).collect()
}

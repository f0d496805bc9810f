//! Texts with places: `{{name}}` is filled in where the name is known, and learnt where it is not. `{{name:guid}}`,
//! `{{name:etag}}`, `{{name:number}}` and `{{name:moment}}` say what it must look like; a place without a name is
//! forgotten. In JSON the member `"...": "..."` lets others follow, as does the last item `"..."` of a list.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

const REST: &str = "...";

/// What is known so far.
#[derive(Default)]
pub(crate) struct Known(BTreeMap<String, String>);

impl Known {
    pub(crate) fn learn(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The text with its places filled in.
    pub(crate) fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = next_place(rest) {
            filled.push_str(before);
            filled.push_str(self.0.get(name).ok_or_else(|| format!("nobody said what {name} is"))?);
            rest = after;
        }
        Ok(filled + rest)
    }

    /// Compares a text and learns from it.
    pub(crate) fn text(&mut self, pattern: &str, found: &str) -> Result<(), String> {
        let mut expression = "^".to_owned();
        let mut learnt = Vec::new();
        let mut rest = pattern;
        while let Some((before, place, after)) = next_place(rest) {
            expression.push_str(&regex::escape(before));
            let (name, kind) = place.split_once(':').unwrap_or((place, ""));
            match self.0.get(name) {
                Some(known) => expression.push_str(&regex::escape(known)),
                None => {
                    expression.push_str(looks(kind)?);
                    learnt.push(name.to_owned());
                }
            }
            rest = after;
        }
        expression.push_str(&regex::escape(rest));
        expression.push('$');
        let differs = || format!("expected {pattern:?}, found {found:?}");
        let expression = Regex::new(&expression).map_err(|error| error.to_string())?;
        let captures = expression.captures(found).ok_or_else(differs)?;
        for (index, name) in learnt.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            self.learn(name, captures.get(index + 1).map_or("", |value| value.as_str()));
        }
        Ok(())
    }

    /// Compares a document and learns from it.
    pub(crate) fn json(&mut self, pattern: &Value, found: &Value, at: &str) -> Result<(), String> {
        match (pattern, found) {
            (Value::Object(pattern), Value::Object(found)) => {
                for (name, pattern) in pattern.iter().filter(|(name, _)| *name != REST) {
                    let found = found.get(name).ok_or_else(|| format!("{at}/{name} is not there"))?;
                    self.json(pattern, found, &format!("{at}/{name}"))?;
                }
                let more = found.keys().find(|name| !pattern.contains_key(*name));
                match more.filter(|_| !pattern.contains_key(REST)) {
                    Some(name) => Err(format!("{at}/{name} was not expected")),
                    None => Ok(()),
                }
            }
            (Value::Array(pattern), Value::Array(found)) => {
                let open = pattern.last().is_some_and(|last| last == REST);
                let least = pattern.len() - usize::from(open);
                if found.len() < least || (!open && found.len() > least) {
                    return Err(format!("{at} has {} items, expected {least}", found.len()));
                }
                for (index, (pattern, found)) in pattern[..least].iter().zip(found).enumerate() {
                    self.json(pattern, found, &format!("{at}/{index}"))?;
                }
                Ok(())
            }
            (Value::String(pattern), Value::String(found)) => {
                self.text(pattern, found).map_err(|reason| format!("{at}: {reason}"))
            }
            (Value::String(pattern), Value::Number(found)) if pattern.contains("number}}") => {
                self.text(pattern, &found.to_string()).map_err(|reason| format!("{at}: {reason}"))
            }
            _ if pattern == found => Ok(()),
            _ => Err(format!("{at}: expected {pattern}, found {found}")),
        }
    }
}

fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (place, after) = rest.split_once("}}")?;
    Some((before, place, after))
}

fn looks(kind: &str) -> Result<&'static str, String> {
    Ok(match kind {
        "" => "(.+?)",
        "guid" => "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
        "etag" => "(W/\".+\")",
        "number" => r"(-?\d+(?:\.\d+)?)",
        "moment" => r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)",
        other => return Err(format!("{other:?} is no kind of place")),
    })
}

#[test]
fn places_are_filled_and_learnt_and_what_differs_is_told() {
    let mut known = Known::default();
    known.text("a({{id:number}})", "a(12)").unwrap();
    assert_eq!(known.fill("b({{id}})").unwrap(), "b(12)");
    assert!(known.text("a({{id}})", "a(13)").is_err());
    assert!(known.fill("{{other}}").is_err());
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let (open, found) = (json(r#"{"x":["{{id}}","..."],"...":"..."}"#), json(r#"{"x":["12",2],"y":1}"#));
    known.json(&open, &found, "").unwrap();
    let closed = json(r#"{"x":["12",2]}"#);
    assert_eq!(known.json(&closed, &found, "").unwrap_err(), "/y was not expected");
}

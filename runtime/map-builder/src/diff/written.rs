//! A map file in facts. Words that the map language has learnt since are compared as they are written.

use std::collections::BTreeMap;

use dualwright_table_map::table::{Scalar, ValueSet};
use toml::{Table, Value};

use super::{Facts, add, values_in_words};
use crate::dual_write::Sheet;

pub(super) fn facts(sheet: &Sheet, find_values: &dyn Fn(&str) -> Option<ValueSet>) -> Facts {
    let mut facts = Facts::new();
    let mut header = BTreeMap::new();
    for (word, value) in &sheet.header {
        match (word.as_str(), value) {
            ("name", _) => {}
            ("key", _) => {
                let pairs: Vec<String> =
                    sheet.key().iter().map(|(finops, dataverse)| format!("{finops} = {dataverse}")).collect();
                add(&mut facts, "key", [("pairs".to_owned(), pairs.join(", "))].into());
            }
            ("filter", Value::Table(filters)) => {
                let words = filters.iter().map(|(side, filter)| (format!("over {side}"), shown(filter)));
                add(&mut facts, "filter", words.collect());
            }
            ("rule", Value::Array(rules)) => {
                let rules = rules.iter().map(|rule| (shown(rule), "stated".to_owned()));
                add(&mut facts, "rule", rules.collect());
            }
            _ => {
                header.insert(word.clone(), shown(value));
            }
        }
    }
    add(&mut facts, "map", header);
    for line in &sheet.fields {
        field(line, find_values, &mut facts);
    }
    facts
}

/// One line is one fact for each direction it goes.
fn field(line: &Table, find_values: &dyn Fn(&str) -> Option<ValueSet>, facts: &mut Facts) {
    let text = |word: &str| line.get(word).map(shown);
    let (finops, dataverse) = (text("finops"), text("dataverse"));
    let direction = text("direction").unwrap_or_default();
    let mut words: BTreeMap<String, String> = line
        .iter()
        .filter(|(word, _)| !["finops", "dataverse", "direction", "values"].contains(&word.as_str()))
        .map(|(word, value)| (word.clone(), shown(value)))
        .collect();
    if let Some(values) = line.get("values") {
        words.insert("values".to_owned(), set(values, find_values));
    }
    let legs =
        [("to Dataverse", "to-finops", &dataverse, &finops), ("to F&O", "to-dataverse", &finops, &dataverse)];
    for (leg, other, target, source) in legs {
        // A constant goes where its column is.
        let Some(target) = target.as_ref().filter(|_| direction != other) else { continue };
        let mut words = words.clone();
        if let Some(source) = source {
            words.insert("from".to_owned(), source.clone());
        }
        add(facts, &format!("{leg}: {target}"), words);
    }
}

fn set(values: &Value, find_values: &dyn Fn(&str) -> Option<ValueSet>) -> String {
    let scalar = |value: &Scalar| match value {
        Scalar::Text(text) => format!("{text:?}"),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Boolean(flag) => flag.to_string(),
    };
    match values {
        Value::Table(set) => {
            values_in_words(set.iter().map(|(from, to)| (from.clone(), spelled(to))).collect())
        }
        Value::String(name) => match find_values(name) {
            Some(set) => values_in_words(set.iter().map(|(from, to)| (from.clone(), scalar(to))).collect()),
            None => format!("those named {name}"),
        },
        other => shown(other),
    }
}

fn spelled(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => shown(other),
    }
}

/// A text without its quotes, anything else as TOML.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

//! What differs between two maps, field by field.
//!
//! Maps are known in up to three ways: as they are *written* (a map file), as they are *built* (the table inside a
//! component), and as they *describe themselves* (any component). Two maps are compared in the fullest way that both are
//! known in. Names of columns compare without regard to letter case, as both systems compare them.

use std::collections::BTreeMap;

use dualwright_plugin_host::Description;
use dualwright_table_map::compile::CompiledMap;
use dualwright_table_map::table::ValueSet;
use serde::Serialize;

use crate::dual_write::Sheet;

mod built;
mod described;
mod written;

#[cfg(test)]
mod tests;

/// A map, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Its tables, F&O's first.
    pub tables: (String, String),
    written: Option<Facts>,
    built: Option<Facts>,
    described: Option<Facts>,
}

/// In which way two maps were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// As their files say.
    Written,
    /// As the tables inside their components say: words that only people read are not there.
    Built,
    /// As their components describe themselves: which columns they read and write, not what they do with them.
    Described,
    /// Nothing is known of both.
    Unknown,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is about: `map`, `key`, `filter`, `to Dataverse: msdyn_groupid`.
    pub subject: String,
    /// Which part of it: `from`, `values`, `default`; empty where one map does not have it at all.
    pub word: String,
    /// What the first map says; `None` where it says nothing.
    pub before: Option<String>,
    /// What the second map says.
    pub after: Option<String>,
}

/// What is said of each subject, by the subject in lower case.
type Facts = BTreeMap<String, Subject>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Subject {
    /// As it is spelled.
    name: String,
    words: BTreeMap<String, String>,
}

impl Known {
    /// A map file. `find_values` finds named value sets; `compiled` is the map, where it can be built.
    pub fn from_sheet(
        sheet: &Sheet,
        compiled: Option<&CompiledMap>,
        find_values: &dyn Fn(&str) -> Option<ValueSet>,
    ) -> Self {
        let known = compiled.map(Self::from_compiled).unwrap_or_default();
        Self {
            name: sheet.text("name").to_owned(),
            tables: (sheet.text("finops").to_owned(), sheet.text("dataverse").to_owned()),
            written: Some(written::facts(sheet, find_values)),
            ..known
        }
    }

    /// What the map or its component says is its version; empty where it does not.
    pub fn version(&self) -> &str {
        let facts = self.written.as_ref().or(self.built.as_ref()).or(self.described.as_ref());
        let version = facts.and_then(|facts| facts.get("map")?.words.get("version"));
        version.map_or("", String::as_str)
    }

    fn from_compiled(map: &CompiledMap) -> Self {
        let described = Self::from_description(&crate::describe(map));
        Self { built: built::facts(&map.encode()), ..described }
    }

    /// A component, with what it says of itself.
    pub fn from_component(bytes: &[u8], description: &Description) -> Self {
        let table = built::table(bytes);
        Self { built: table.and_then(|table| built::facts(&table)), ..Self::from_description(description) }
    }

    fn from_description(description: &Description) -> Self {
        let (finops, dataverse) = (&description.finops_table, &description.dataverse_table);
        Self {
            name: description.name.to_string(),
            tables: (finops.to_string(), dataverse.to_string()),
            described: Some(described::facts(description)),
            ..Self::default()
        }
    }
}

/// What differs, in the fullest way in which both maps are known.
pub fn compare(one: &Known, other: &Known) -> (Way, Vec<Difference>) {
    let ways = [
        (Way::Written, &one.written, &other.written),
        (Way::Built, &one.built, &other.built),
        (Way::Described, &one.described, &other.described),
    ];
    for (way, one, other) in ways {
        if let (Some(one), Some(other)) = (one, other) {
            return (way, differences(one, other));
        }
    }
    (Way::Unknown, Vec::new())
}

fn differences(one: &Facts, other: &Facts) -> Vec<Difference> {
    let mut all = Vec::new();
    for (key, before) in one {
        match other.get(key) {
            Some(after) => in_words(before, after, &mut all),
            None => all.push(Difference {
                subject: before.name.clone(),
                word: String::new(),
                before: Some(before.summary()),
                after: None,
            }),
        }
    }
    for (_, after) in other.iter().filter(|(key, _)| !one.contains_key(*key)) {
        all.push(Difference {
            subject: after.name.clone(),
            word: String::new(),
            before: None,
            after: Some(after.summary()),
        });
    }
    // What concerns the whole map first, then field by field.
    all.sort_by_key(|difference| (difference.subject.contains(':'), difference.subject.to_lowercase()));
    all
}

fn in_words(before: &Subject, after: &Subject, all: &mut Vec<Difference>) {
    let words =
        before.words.keys().chain(after.words.keys().filter(|word| !before.words.contains_key(*word)));
    for word in words {
        let (one, other) = (before.words.get(word), after.words.get(word));
        let same = match (one, other) {
            (Some(one), Some(other)) if is_column(word) => one.eq_ignore_ascii_case(other),
            (one, other) => one == other,
        };
        if !same {
            all.push(Difference {
                subject: before.name.clone(),
                word: word.clone(),
                before: one.cloned(),
                after: other.cloned(),
            });
        }
    }
}

/// The words whose value is the name of a column or table.
fn is_column(word: &str) -> bool {
    matches!(word, "from" | "finops" | "dataverse" | "pairs")
}

impl Subject {
    fn summary(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|(word, value)| format!("{word} {value}")).collect();
        words.join(", ")
    }
}

/// Adds a word to a subject. The same target twice is two subjects.
fn add(facts: &mut Facts, name: &str, words: BTreeMap<String, String>) {
    let mut key = name.to_lowercase();
    while facts.contains_key(&key) {
        key.push('\'');
    }
    facts.insert(key, Subject { name: name.to_owned(), words });
}

/// A value set in words, in the order of its first values.
fn values_in_words(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort_by_key(|(from, _)| from.to_lowercase());
    let pairs: Vec<String> = pairs.iter().map(|(from, to)| format!("{from:?} → {to}")).collect();
    pairs.join(", ")
}

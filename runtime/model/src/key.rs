//! How a record is recognised: by its system's own id, its version there, and the key both systems share.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::{ColumnPath, Value};

/// The identity that one system gives a record and never changes: the GUID in Dataverse, the record id in F&O
/// (or, where a server does not reveal it, the canonical key text).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub String);

impl fmt::Display for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A row version as the system prints it (the ETag). Compared for equality only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub String);

/// The natural key that both systems share, in the order in which the map lists its key fields.
///
/// Both systems compare key text without regard to case, and both ignore trailing spaces, so the canonical form
/// is lower case and trimmed at the end; it is for recognising a record, never for writing one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntegrationKey(Vec<String>);

impl IntegrationKey {
    /// The canonical key of these values.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        Self(values.into_iter().map(canonical).collect())
    }

    /// The canonical parts, in key order.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// Whether every part is empty: such a row cannot be recognised on the other side.
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }

    /// A number that is stable across runs and releases, for choosing a lane.
    pub fn stable_hash(&self) -> u64 {
        xxh3_64(self.to_string().as_bytes())
    }
}

/// One key component in its canonical form.
pub(crate) fn canonical(value: &Value) -> String {
    value.to_key_text().trim_end().to_lowercase()
}

/// Whether two values of a column are the same there: exactly, or for a column of the integration key (`key`) by their
/// canonical forms, for F&O prints a company as `usmf` that Dataverse prints as `USMF`.
pub fn same_value(column: &ColumnPath, one: &Value, two: &Value, key: &[ColumnPath]) -> bool {
    one == two
        || (key.contains(column) && one.is_missing() == two.is_missing() && canonical(one) == canonical(two))
}

impl fmt::Display for IntegrationKey {
    /// The parts joined by `|`; a `|` or `\` inside a part is escaped, so that two keys never print alike.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("|")?;
            }
            formatter.write_str(&part.replace('\\', "\\\\").replace('|', "\\|"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{IntegrationKey, same_value};
    use crate::Value;

    #[test]
    fn case_and_trailing_space_do_not_make_another_key() {
        let one = IntegrationKey::new([&Value::text("USMF"), &Value::text("C-1 ")]);
        let two = IntegrationKey::new([&Value::text("usmf"), &Value::text("c-1")]);
        assert_eq!(one, two);
        assert_eq!(one.stable_hash(), two.stable_hash());
    }

    #[test]
    fn only_key_columns_are_compared_as_keys() {
        let (upper, lower, key) = (Value::text("USMF"), Value::text("usmf "), ["company".into()]);
        assert!(same_value(&"company".into(), &upper, &lower, &key));
        assert!(!same_value(&"name".into(), &upper, &lower, &key));
        assert!(!same_value(&"company".into(), &Value::text(""), &Value::Null, &key));
    }

    #[test]
    fn a_separator_inside_a_part_is_not_a_separator() {
        let one = IntegrationKey::new([&Value::text("a|b"), &Value::text("c")]);
        let two = IntegrationKey::new([&Value::text("a"), &Value::text("b|c")]);
        assert_ne!(one.to_string(), two.to_string());
    }
}

//! The named cells of one row.

use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ColumnPath, Value};

/// One row as far as it is known: a column that is not in it is [`Value::Absent`].
///
/// A row passes through many hands and is rarely changed by them: copies share their cells until one of them is written
/// to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(Arc<Vec<(ColumnPath, Value)>>);

impl Record {
    /// A record that says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The cell of a column; absent when the record does not say.
    pub fn get(&self, column: &str) -> &Value {
        static ABSENT: Value = Value::Absent;
        self.find(column).ok().and_then(|place| self.0.get(place)).map_or(&ABSENT, |(_, value)| value)
    }

    /// Sets a cell; setting it absent removes it.
    pub fn set(&mut self, column: impl Into<ColumnPath>, value: Value) {
        let column = column.into();
        match self.find(column.as_str()) {
            Ok(place) if value.is_absent() => {
                Arc::make_mut(&mut self.0).remove(place);
            }
            Ok(place) => {
                if let Some((_, cell)) = Arc::make_mut(&mut self.0).get_mut(place) {
                    *cell = value;
                }
            }
            Err(_) if value.is_absent() => {}
            Err(place) => Arc::make_mut(&mut self.0).insert(place, (column, value)),
        }
    }

    /// The cells that say something, in column order.
    pub fn iter(&self) -> impl Iterator<Item = (&ColumnPath, &Value)> {
        self.0.iter().map(|(column, value)| (column, value))
    }

    /// Puts another value in the place of each; a cell for which that is absent is removed.
    ///
    /// # Errors
    /// The first that `change` gives; the record is as it was then.
    pub fn try_map<E>(
        &self,
        mut change: impl FnMut(&ColumnPath, &Value) -> Result<Value, E>,
    ) -> Result<Self, E> {
        let mut cells = Vec::with_capacity(self.0.len());
        for (column, value) in self.iter() {
            let value = change(column, value)?;
            if !value.is_absent() {
                cells.push((column.clone(), value));
            }
        }
        Ok(Self(Arc::new(cells)))
    }

    /// Whether nothing is said of any column.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many columns say something.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes cells that are in column order, each column once, and none of them absent.
    pub(crate) fn of_sorted(cells: Vec<(ColumnPath, Value)>) -> Self {
        Self(Arc::new(cells))
    }

    fn find(&self, column: &str) -> Result<usize, usize> {
        // Whoever builds a record mostly does so in column order.
        if self.0.last().is_none_or(|(last, _)| last.as_str() < column) {
            return Err(self.0.len());
        }
        self.0.binary_search_by(|(name, _)| name.as_str().cmp(column))
    }
}

impl FromIterator<(ColumnPath, Value)> for Record {
    fn from_iter<I: IntoIterator<Item = (ColumnPath, Value)>>(cells: I) -> Self {
        let mut cells: Vec<(ColumnPath, Value)> = cells.into_iter().collect();
        // Stable: of a column that is given twice, the last word counts.
        cells.sort_by(|one, other| one.0.cmp(&other.0));
        cells.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        cells.retain(|(_, value)| !value.is_absent());
        cells.shrink_to_fit();
        Self(Arc::new(cells))
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cells;

        impl<'de> Visitor<'de> for Cells {
            type Value = Record;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map of columns to values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Record, A::Error> {
                let mut cells = Vec::with_capacity(access.size_hint().unwrap_or(0).min(1024));
                while let Some(cell) = access.next_entry()? {
                    cells.push(cell);
                }
                Ok(cells.into_iter().collect())
            }
        }

        deserializer.deserialize_map(Cells)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Record;
    use crate::{ColumnPath, Value};

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![Just(Value::Absent), Just(Value::Null), (0_i64..9).prop_map(Value::Integer)]
    }

    proptest! {
        /// However it comes about, a record is the map of what was said last.
        #[test]
        fn the_last_word_on_a_column_counts(words in prop::collection::vec(("[a-e]", value()), 0..20)) {
            let mut expected = BTreeMap::new();
            let mut set = Record::new();
            for (column, value) in &words {
                expected.insert(column.clone(), value.clone());
                set.set(column.as_str(), value.clone());
            }
            expected.retain(|_, value| !value.is_absent());
            let collected: Record =
                words.iter().map(|(column, value)| (ColumnPath::from(column.as_str()), value.clone())).collect();
            prop_assert_eq!(&set, &collected);
            let said: Vec<_> = set.iter().map(|(column, value)| (column.to_string(), value.clone())).collect();
            prop_assert_eq!(said, expected.clone().into_iter().collect::<Vec<_>>());
            for column in ["a", "b", "c", "d", "e", "f"] {
                prop_assert_eq!(set.get(column), expected.get(column).unwrap_or(&Value::Absent));
            }
            let read: Record = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
            prop_assert_eq!(read, set);
        }
    }

    #[test]
    fn a_copy_that_is_written_to_leaves_the_other_as_it_was() {
        let one: Record = [(ColumnPath::from("a"), Value::Null)].into_iter().collect();
        let mut other = one.clone();
        other.set("a", Value::Integer(1));
        assert_eq!((one.get("a"), other.get("a")), (&Value::Null, &Value::Integer(1)));
    }
}

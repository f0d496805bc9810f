//! The named cells of one row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ColumnPath, Value};

/// One row as far as it is known: a column that is not in it is [`Value::Absent`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record(BTreeMap<ColumnPath, Value>);

impl Record {
    /// A record that says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The cell of a column; absent when the record does not say.
    pub fn get(&self, column: &str) -> &Value {
        static ABSENT: Value = Value::Absent;
        self.0.get(column).unwrap_or(&ABSENT)
    }

    /// Sets a cell; setting it absent removes it.
    pub fn set(&mut self, column: impl Into<ColumnPath>, value: Value) {
        let column = column.into();
        if value.is_absent() {
            self.0.remove(&column);
        } else {
            self.0.insert(column, value);
        }
    }

    /// The cells that say something, in column order.
    pub fn iter(&self) -> impl Iterator<Item = (&ColumnPath, &Value)> {
        self.0.iter()
    }

    /// Whether nothing is said of any column.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many columns say something.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<(ColumnPath, Value)> for Record {
    fn from_iter<I: IntoIterator<Item = (ColumnPath, Value)>>(cells: I) -> Self {
        let mut record = Self::new();
        for (column, value) in cells {
            record.set(column, value);
        }
        record
    }
}

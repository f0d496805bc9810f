//! One row of an answer.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Cell, System};

/// The cells of a row by lower-case column, or by path through related rows: `msdyn_company.cdm_companycode`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(BTreeMap<String, Cell>);

impl Row {
    /// The row that a JSON object is; related rows in it become paths.
    pub fn read(system: System, object: &Value) -> Self {
        let mut row = Self::default();
        row.take(system, "", object);
        row
    }

    fn take(&mut self, system: System, prefix: &str, object: &Value) {
        for (name, value) in object.as_object().into_iter().flatten() {
            let name = format!("{prefix}{}", name.to_lowercase());
            if value.is_object() {
                self.take(system, &format!("{name}."), value);
            } else {
                self.0.insert(name, Cell::read(system, value));
            }
        }
    }

    /// The cell of a column or path; nothing where there is none.
    pub fn cell(&self, column: &str) -> &Cell {
        self.0.get(&column.to_lowercase()).unwrap_or(&Cell::Nothing)
    }

    /// The key of the row, as both systems compare keys; `None` when a part of it is empty.
    pub fn key(&self, columns: &[String]) -> Option<Vec<String>> {
        let parts = columns.iter().map(|column| self.cell(column).key());
        parts.map(|part| (!part.is_empty()).then_some(part)).collect()
    }
}

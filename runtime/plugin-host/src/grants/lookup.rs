//! Tables of which a plugin may read single records.

use dualwright_model::{ColumnPath, System, TableName};

/// One table that a plugin may look records up in, and the columns that it may name: as a key or as an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupGrant {
    /// Which side.
    pub system: System,
    /// The entity set.
    pub table: TableName,
    /// The columns and lookup paths.
    pub columns: Vec<ColumnPath>,
}

impl LookupGrant {
    /// Whether it is about this table. Both systems compare names without regard to case.
    pub(crate) fn is_about(&self, system: System, table: &str) -> bool {
        self.system == system && self.table.as_str().eq_ignore_ascii_case(table)
    }

    /// A column of it, as the operator spells it.
    pub(crate) fn column(&self, name: &str) -> Option<&ColumnPath> {
        self.columns.iter().find(|column| column.as_str().eq_ignore_ascii_case(name))
    }
}

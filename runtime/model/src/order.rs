//! Records made of cells by position.

use crate::{ColumnPath, Record, Value};

/// A list of columns, and the order that a record has them in. Made once for a list: a row of cells by position then
/// becomes a record in one walk, without looking for the place of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnOrder {
    // Sorted by column, each once, with its position in the list.
    sorted: Vec<(ColumnPath, usize)>,
    listed: usize,
}

impl ColumnOrder {
    /// The order of these columns. Of a column that is listed twice, the last position counts.
    pub fn new(columns: &[ColumnPath]) -> Self {
        let mut sorted: Vec<(ColumnPath, usize)> = columns.iter().cloned().zip(0..).collect();
        sorted.sort_by(|one, other| (&one.0, other.1).cmp(&(&other.0, one.1)));
        sorted.dedup_by(|later, earlier| later.0 == earlier.0);
        Self { sorted, listed: columns.len() }
    }

    /// How many columns were listed.
    pub fn len(&self) -> usize {
        self.listed
    }

    /// Whether no column was listed.
    pub fn is_empty(&self) -> bool {
        self.listed == 0
    }

    /// The record of the cells that `cell` gives for columns and their positions in the list; absent cells are left
    /// out. It is asked once a column, in the order of the record.
    ///
    /// # Errors
    /// The first that `cell` gives.
    pub fn record<E>(
        &self,
        mut cell: impl FnMut(&ColumnPath, usize) -> Result<Value, E>,
    ) -> Result<Record, E> {
        let mut cells = Vec::with_capacity(self.sorted.len());
        for (column, position) in &self.sorted {
            let value = cell(column, *position)?;
            if !value.is_absent() {
                cells.push((column.clone(), value));
            }
        }
        Ok(Record::of_sorted(cells))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::ColumnOrder;
    use crate::{ColumnPath, Record, Value};

    proptest! {
        /// A record by position is the record of the same cells by column.
        #[test]
        fn cells_by_position_are_cells_by_column(
            cells in prop::collection::vec(("[a-e]", prop_oneof![Just(Value::Absent), (0_i64..9).prop_map(Value::Integer)]), 0..9)
        ) {
            let columns: Vec<ColumnPath> = cells.iter().map(|(name, _)| ColumnPath::from(name.as_str())).collect();
            let order = ColumnOrder::new(&columns);
            prop_assert_eq!(order.len(), cells.len());
            let by_position = order.record(|_, position| Ok::<_, Infallible>(cells[position].1.clone())).unwrap();
            let by_column: Record = columns.into_iter().zip(cells.iter().map(|(_, value)| value.clone())).collect();
            prop_assert_eq!(by_position, by_column);
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        let order = ColumnOrder::new(&["b".into(), "a".into()]);
        let made = order.record(|column, position| Err::<Value, _>((column.to_string(), position)));
        assert_eq!(made, Err(("a".to_owned(), 1)));
    }
}

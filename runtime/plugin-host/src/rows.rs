//! A batch on its way into a guest: cells by position, their text in one piece.

use std::ops::Range;

use dualwright_model::{ColumnPath, Operation, Record, Value};

use crate::FieldGrant;

/// One change for a guest. The cells that the leg's `reads` name are picked from the record; what is not in it (not
/// granted, not selected, not read) is absent in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestChange {
    /// Upsert or delete.
    pub operation: Operation,
    /// At least the columns that the map reads and may see; only the key for a delete.
    pub record: Record,
}

/// Columns that a guest gets by position, ordered for picking. Those it may not see are not among them: their cells are
/// absent in the sandbox, whatever the record holds (I6).
#[derive(Debug)]
pub(crate) struct Picks {
    // Sorted by column, each with its position.
    sorted: Vec<(ColumnPath, usize)>,
    cells: usize,
}

impl Picks {
    pub(crate) fn new(columns: &[ColumnPath], granted: &FieldGrant) -> Self {
        let mut sorted: Vec<(ColumnPath, usize)> = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| granted.allows(column))
            .map(|(position, column)| (column.clone(), position))
            .collect();
        sorted.sort();
        Self { sorted, cells: columns.len() }
    }
}

/// One cell; text is a part of [`Rows::text`].
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Absent,
    Null,
    Text(Range<usize>),
    Integer(i64),
    Decimal(Range<usize>),
    Boolean(bool),
    Timestamp(i64),
    Date(i32),
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) operation: Operation,
    pub(crate) cells: Range<usize>,
    pub(crate) bytes: usize,
}

/// Owned rows that can move to another thread. Three allocations in all, rather than one for each text.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) text: String,
    pub(crate) cells: Vec<Cell>,
    pub(crate) rows: Vec<Row>,
}

impl Rows {
    pub(crate) fn new(picks: &Picks, batch: &[GuestChange]) -> Self {
        let mut rows = Self::with_room(batch.len(), picks.cells);
        for change in batch {
            rows.push(change.operation, &[(picks, &change.record)]);
        }
        rows
    }

    pub(crate) fn with_room(rows: usize, cells: usize) -> Self {
        Self {
            text: String::new(),
            cells: Vec::with_capacity(rows.saturating_mul(cells)),
            rows: Vec::with_capacity(rows),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row whose cells are picked from these records, one after the other.
    pub(crate) fn push(&mut self, operation: Operation, parts: &[(&Picks, &Record)]) {
        const CELL_BYTES: usize = 16;
        let (first, text_before) = (self.cells.len(), self.text.len());
        for (picks, record) in parts {
            self.pick(picks, record);
        }
        let cells = first..self.cells.len();
        let bytes = (self.text.len() - text_before).saturating_add(cells.len().saturating_mul(CELL_BYTES));
        self.rows.push(Row { operation, cells, bytes });
    }

    /// Both lists are sorted by column, so one walk picks everything.
    fn pick(&mut self, picks: &Picks, record: &Record) {
        let first = self.cells.len();
        self.cells.resize(first.saturating_add(picks.cells), Cell::Absent);
        let mut wanted = picks.sorted.iter().peekable();
        for (column, value) in record.iter() {
            while wanted.next_if(|(name, _)| name < column).is_some() {}
            while let Some((_, position)) = wanted.next_if(|(name, _)| name == column) {
                let cell = self.cell(value);
                if let Some(slot) = self.cells.get_mut(first.saturating_add(*position)) {
                    *slot = cell;
                }
            }
        }
    }

    fn cell(&mut self, value: &Value) -> Cell {
        match value {
            Value::Absent => Cell::Absent,
            Value::Null => Cell::Null,
            Value::Text(text) => Cell::Text(self.keep(text)),
            Value::Integer(number) => Cell::Integer(*number),
            Value::Decimal(number) => Cell::Decimal(self.keep(number.as_str())),
            Value::Boolean(flag) => Cell::Boolean(*flag),
            Value::Timestamp(time) => Cell::Timestamp(time.as_micros()),
            Value::Date(date) => Cell::Date(date.as_days()),
        }
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    /// A text of a cell.
    pub(crate) fn text(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// How much some rows weigh, in bytes.
    pub(crate) fn bytes(&self, range: &Range<usize>) -> usize {
        self.rows.get(range.clone()).unwrap_or_default().iter().map(|row| row.bytes).sum()
    }

    /// Cuts the batch into calls of at most so many rows and bytes; a row that is larger goes alone.
    pub(crate) fn calls(&self, batch_rows: usize, batch_bytes: usize) -> Vec<Range<usize>> {
        let mut calls = Vec::new();
        let (mut start, mut bytes) = (0, 0_usize);
        for (index, row) in self.rows.iter().enumerate() {
            let full = index - start >= batch_rows || bytes.saturating_add(row.bytes) > batch_bytes;
            if full && index > start {
                calls.push(start..index);
                (start, bytes) = (index, 0);
            }
            bytes = bytes.saturating_add(row.bytes);
        }
        if start < self.rows.len() {
            calls.push(start..self.rows.len());
        }
        calls
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{ColumnPath, Operation, Record, Value};

    use super::{Cell, GuestChange, Picks, Rows};
    use crate::FieldGrant;

    fn change(cells: &[(&str, &str)]) -> GuestChange {
        let record: Record =
            cells.iter().map(|(name, text)| (ColumnPath::from(*name), Value::text(*text))).collect();
        GuestChange { operation: Operation::Upsert, record }
    }

    fn shown(rows: &Rows, row: usize) -> Vec<&str> {
        let cells = rows.rows[row].cells.clone();
        rows.cells[cells]
            .iter()
            .map(|cell| if let Cell::Text(range) = cell { rows.text(range) } else { "-" })
            .collect()
    }

    #[test]
    fn cells_are_picked_by_name_and_ordered_by_position() {
        let reads: Vec<ColumnPath> = ["z", "a", "m", "a"].into_iter().map(ColumnPath::from).collect();
        let batch =
            [change(&[("a", "1"), ("b", "never seen"), ("z", "2")]), change(&[]), change(&[("m", "3")])];
        let rows = Rows::new(&Picks::new(&reads, &FieldGrant::default()), &batch);
        assert_eq!(shown(&rows, 0), ["2", "1", "-", "1"]);
        assert_eq!(shown(&rows, 1), ["-", "-", "-", "-"]);
        assert_eq!(shown(&rows, 2), ["-", "-", "3", "-"]);
        assert!(!rows.text.contains("never"), "a column that was not asked for does not travel");
    }

    #[test]
    fn i6_a_column_that_was_not_granted_is_absent_and_its_text_does_not_travel() {
        let reads: Vec<ColumnPath> = ["a", "b", "c"].into_iter().map(ColumnPath::from).collect();
        let batch = [change(&[("a", "1"), ("b", "secret"), ("c", "3")])];
        let granted = FieldGrant { withhold: [ColumnPath::from("B")].into(), ..FieldGrant::default() };
        let rows = Rows::new(&Picks::new(&reads, &granted), &batch);
        assert_eq!(shown(&rows, 0), ["1", "-", "3"]);
        assert!(!rows.text.contains("secret"));
    }

    #[test]
    fn a_row_may_have_cells_of_two_records() {
        let granted = FieldGrant::default();
        let one = Picks::new(&["a".into(), "b".into()], &granted);
        let other = Picks::new(&["b".into()], &granted);
        let (source, target) = (change(&[("a", "1"), ("b", "2")]), change(&[("b", "3")]));
        let mut rows = Rows::with_room(1, 3);
        rows.push(Operation::Upsert, &[(&one, &source.record), (&other, &target.record)]);
        assert_eq!(shown(&rows, 0), ["1", "2", "3"]);
    }

    #[test]
    fn calls_are_bounded_by_rows_and_by_bytes() {
        let reads = [ColumnPath::from("a")];
        let long = "x".repeat(100);
        let batch: Vec<GuestChange> =
            ["s", "s", "s", &long, "s"].into_iter().map(|text| change(&[("a", text)])).collect();
        let rows = Rows::new(&Picks::new(&reads, &FieldGrant::default()), &batch);
        assert_eq!(rows.calls(2, 1000), [0..2, 2..4, 4..5]);
        assert_eq!(rows.calls(1000, 60), [0..3, 3..4, 4..5]);
        assert_eq!(rows.calls(1000, 1), [0..1, 1..2, 2..3, 3..4, 4..5]);
        assert_eq!(Rows::default().calls(1, 1), []);
    }
}

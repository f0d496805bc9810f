//! A batch on its way into a guest: cells by position, their text in one piece.

use std::ops::Range;

use dualwright_model::{ColumnPath, Operation, Record, Value};

/// One change for a guest. The cells that the leg's `reads` name are picked from the record; what is not in it (not
/// granted, not selected, not read) is absent in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestChange {
    /// Upsert or delete.
    pub operation: Operation,
    /// At least the columns that the map reads and may see; only the key for a delete.
    pub record: Record,
}

/// One leg's `reads`, ordered for picking.
#[derive(Debug)]
pub(crate) struct Picks {
    // Sorted by column, each with its position in `reads`.
    sorted: Vec<(ColumnPath, usize)>,
}

impl Picks {
    pub(crate) fn new(reads: &[ColumnPath]) -> Self {
        let mut sorted: Vec<(ColumnPath, usize)> =
            reads.iter().enumerate().map(|(position, column)| (column.clone(), position)).collect();
        sorted.sort();
        Self { sorted }
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
        let mut rows = Self {
            text: String::new(),
            cells: Vec::with_capacity(batch.len().saturating_mul(picks.sorted.len())),
            rows: Vec::with_capacity(batch.len()),
        };
        for change in batch {
            rows.push(picks, change);
        }
        rows
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Both lists are sorted by column, so one walk picks everything.
    fn push(&mut self, picks: &Picks, change: &GuestChange) {
        const CELL_BYTES: usize = 16;
        let (first, text_before) = (self.cells.len(), self.text.len());
        self.cells.resize(first.saturating_add(picks.sorted.len()), Cell::Absent);
        let mut wanted = picks.sorted.iter().peekable();
        for (column, value) in change.record.iter() {
            while wanted.next_if(|(name, _)| name < column).is_some() {}
            while let Some((_, position)) = wanted.next_if(|(name, _)| name == column) {
                let cell = self.cell(value);
                if let Some(slot) = self.cells.get_mut(first.saturating_add(*position)) {
                    *slot = cell;
                }
            }
        }
        let bytes =
            (self.text.len() - text_before).saturating_add(picks.sorted.len().saturating_mul(CELL_BYTES));
        self.rows.push(Row { operation: change.operation, cells: first..self.cells.len(), bytes });
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
        let rows = Rows::new(&Picks::new(&reads), &batch);
        assert_eq!(shown(&rows, 0), ["2", "1", "-", "1"]);
        assert_eq!(shown(&rows, 1), ["-", "-", "-", "-"]);
        assert_eq!(shown(&rows, 2), ["-", "-", "3", "-"]);
        assert!(!rows.text.contains("never"), "a column that was not asked for does not travel");
    }

    #[test]
    fn calls_are_bounded_by_rows_and_by_bytes() {
        let reads = [ColumnPath::from("a")];
        let long = "x".repeat(100);
        let batch: Vec<GuestChange> =
            ["s", "s", "s", &long, "s"].into_iter().map(|text| change(&[("a", text)])).collect();
        let rows = Rows::new(&Picks::new(&reads), &batch);
        assert_eq!(rows.calls(2, 1000), [0..2, 2..4, 4..5]);
        assert_eq!(rows.calls(1000, 60), [0..3, 3..4, 4..5]);
        assert_eq!(rows.calls(1000, 1), [0..1, 1..2, 2..3, 3..4, 4..5]);
        assert_eq!(Rows::default().calls(1, 1), []);
    }
}

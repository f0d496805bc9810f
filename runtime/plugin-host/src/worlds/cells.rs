//! Between the contract's words and the room's own.

use dualwright_model::{ColumnOrder, ColumnPath, Date, Decimal, Leg, Operation, Record, Timestamp, Value};

use super::bindings::dualwright::plugin::types as wit;
use crate::fault::cut;
use crate::rows::{Cell, Row, Rows};
use crate::{GuestFault, GuestFaultKind, Violation};

/// The longest sentence taken over from a guest, in bytes.
const SENTENCE_BYTES: usize = 4096;
/// The longest name of a column or code taken over from a guest, in bytes.
const WORD_BYTES: usize = 200;
/// The most violations taken over for one record.
const VIOLATIONS: usize = 100;

/// The cells of some rows, as the guest gets them: one list, borrowed from the rows.
pub(crate) fn lower_all<'a>(rows: &'a Rows, picked: &[Row]) -> Vec<wit::CellParam<'a>> {
    let mut cells = Vec::with_capacity(picked.iter().map(|row| row.cells.len()).sum());
    for row in picked {
        cells.extend(
            rows.cells.get(row.cells.clone()).unwrap_or_default().iter().map(|cell| lower(rows, cell)),
        );
    }
    cells
}

/// The same rows as changes over those cells.
pub(crate) fn changes<'a>(picked: &[Row], cells: &'a [wit::CellParam<'a>]) -> Vec<wit::Change<'a>> {
    let mut rest = cells;
    picked
        .iter()
        .map(|row| {
            let (cells, after) = rest.split_at_checked(row.cells.len()).unwrap_or_default();
            rest = after;
            wit::Change { operation: operation(row.operation), cells }
        })
        .collect()
}

pub(crate) fn leg(leg: Leg) -> wit::Leg {
    match leg {
        Leg::ToDataverse => wit::Leg::ToDataverse,
        Leg::ToFinops => wit::Leg::ToFinops,
    }
}

pub(crate) fn leg_from(leg: wit::Leg) -> Leg {
    match leg {
        wit::Leg::ToDataverse => Leg::ToDataverse,
        wit::Leg::ToFinops => Leg::ToFinops,
    }
}

/// Cells by position to a record by column.
///
/// # Errors
/// [`GuestFaultKind::BadAnswer`]: another number of cells than of columns, or a decimal that is none.
pub(crate) fn record_from(cells: Vec<wit::CellResult>, columns: &[ColumnPath]) -> Result<Record, GuestFault> {
    if cells.len() != columns.len() {
        return Err(bad_answer(format!("returned {} cells for {} columns", cells.len(), columns.len())));
    }
    let mut record = Record::new();
    for (column, cell) in columns.iter().zip(cells) {
        let value = value_from(cell).map_err(|what| bad_answer(format!("returned {what} for {column}")))?;
        record.set(column.clone(), value);
    }
    Ok(record)
}

/// The same for columns whose order is known: a batch has the same columns in every row.
///
/// # Errors
/// As [`record_from`].
pub(crate) fn ordered_record_from(
    mut cells: Vec<wit::CellResult>,
    columns: &ColumnOrder,
) -> Result<Record, GuestFault> {
    if cells.len() != columns.len() {
        return Err(bad_answer(format!("returned {} cells for {} columns", cells.len(), columns.len())));
    }
    columns.record(|column, position| {
        let cell = cells.get_mut(position).map(|cell| std::mem::replace(cell, wit::CellResult::Absent));
        value_from(cell.unwrap_or(wit::CellResult::Absent))
            .map_err(|what| bad_answer(format!("returned {what} for {column}")))
    })
}

fn operation(operation: Operation) -> wit::Operation {
    match operation {
        Operation::Upsert => wit::Operation::Upsert,
        Operation::Delete => wit::Operation::Delete,
    }
}

fn lower<'a>(rows: &'a Rows, cell: &Cell) -> wit::CellParam<'a> {
    match cell {
        Cell::Absent => wit::CellParam::Absent,
        Cell::Null => wit::CellParam::Null,
        Cell::Text(text) => wit::CellParam::Text(rows.text(text)),
        Cell::Integer(number) => wit::CellParam::Integer(*number),
        Cell::Decimal(number) => wit::CellParam::Decimal(rows.text(number)),
        Cell::Boolean(flag) => wit::CellParam::Boolean(*flag),
        Cell::Timestamp(micros) => wit::CellParam::Timestamp(*micros),
        Cell::Date(days) => wit::CellParam::Date(*days),
    }
}

/// A guest's cell as a value; the error says what it is instead.
pub(crate) fn value_from(cell: wit::CellResult) -> Result<Value, &'static str> {
    Ok(match cell {
        wit::CellResult::Absent => Value::Absent,
        wit::CellResult::Null => Value::Null,
        wit::CellResult::Text(text) => Value::Text(text),
        wit::CellResult::Integer(number) => Value::Integer(number),
        wit::CellResult::Decimal(text) => {
            Value::Decimal(Decimal::try_from(text).map_err(|_| "a decimal that is not a decimal number")?)
        }
        wit::CellResult::Boolean(flag) => Value::Boolean(flag),
        wit::CellResult::Timestamp(micros) => Value::Timestamp(Timestamp::from_micros(micros)),
        wit::CellResult::Date(days) => Value::Date(Date::from_days(days)),
    })
}

/// The reasons for which a record is refused, so many of them.
pub(crate) fn violations_from(violations: Vec<wit::Violation>) -> Vec<Violation> {
    violations.into_iter().take(VIOLATIONS).map(violation_from).collect()
}

fn violation_from(violation: wit::Violation) -> Violation {
    Violation {
        field: violation.field.map(|field| ColumnPath::new(words(&field, WORD_BYTES))),
        code: words(&violation.code, WORD_BYTES),
        message: sentence(&violation.message),
    }
}

/// A guest's sentence, cut to what is kept of one.
pub(crate) fn sentence(text: &str) -> String {
    words(text, SENTENCE_BYTES)
}

/// Without line ends and escapes: what a guest says is printed in logs and on terminals, where it must not pass for
/// something else.
fn words(text: &str, bytes: usize) -> String {
    let line: String =
        cut(text, bytes).chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    line.trim().to_owned()
}

/// An answer that is none.
pub(crate) fn bad_answer(message: String) -> GuestFault {
    GuestFault { kind: GuestFaultKind::BadAnswer, message }
}

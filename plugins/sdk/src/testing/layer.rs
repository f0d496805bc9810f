//! Runs rows through validators and extensions natively, by column name.

use super::{NoUpsert, Row};
use crate::{Cell, Change, Context, Extend, Extended, Operation, Passing, Validate, Violation};

/// The reasons against a row that was created or updated; none accepts it. Columns that the row does not name are absent.
///
/// # Errors
/// When the row names a column that the validator does not read, or it broke the contract.
pub fn validate<V: Validate>(row: Row) -> Result<Vec<Violation>, NoUpsert> {
    let change = Change { operation: Operation::Upsert, cells: cells(&V::describe().reads, row)? };
    let mut answers = V::validate(Context { initial: false }, vec![change]);
    match (answers.pop(), answers.is_empty()) {
        (Some(violations), true) => Ok(violations),
        _ => Err(NoUpsert::BadAnswer("one change must have exactly one answer".to_owned())),
    }
}

/// What the owned columns say in the end: `source` is the captured row, `below` what the map and the extensions below
/// wrote into the owned columns. Absent cells are left out of the answer.
///
/// # Errors
/// When the record is refused, a row names a column that the extension does not read or own, or it broke the contract.
pub fn extend<E: Extend>(source: Row, below: Row) -> Result<Row, NoUpsert> {
    let description = E::describe();
    let source = Change { operation: Operation::Upsert, cells: cells(&description.reads, source)? };
    let target = cells(&description.owns, below).map_err(|error| match error {
        NoUpsert::NotRead(column) => NoUpsert::NotWritten(column),
        other => other,
    })?;
    let mut answers = E::extend(Context { initial: false }, vec![Passing { source, target }]);
    match (answers.pop(), answers.is_empty()) {
        (Some(Extended::Cells(cells)), true) if cells.len() == description.owns.len() => {
            Ok(description.owns.into_iter().zip(cells).filter(|(_, cell)| !cell.is_absent()).collect())
        }
        (Some(Extended::Reject(violations)), true) => Err(NoUpsert::Reject(violations)),
        _ => {
            let message = "one record must have exactly one answer, with as many cells as `owns`";
            Err(NoUpsert::BadAnswer(message.to_owned()))
        }
    }
}

/// The cells of a row in the order of its columns.
fn cells(columns: &[String], mut row: Row) -> Result<Vec<Cell>, NoUpsert> {
    let cells = columns.iter().map(|column| row.remove(column).unwrap_or(Cell::Absent)).collect();
    match row.pop_first() {
        Some((column, _)) => Err(NoUpsert::NotRead(column)),
        None => Ok(cells),
    }
}

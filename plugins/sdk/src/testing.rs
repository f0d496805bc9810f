//! Runs rows through a map natively, by column name.

mod layer;

use std::collections::BTreeMap;

use crate::{
    Cell, Change, Clash, ContestedCell, Context, Leg, LegDescription, Map, Operation, Outcome, Verdict,
    Violation,
};

pub use layer::{extend, validate};

/// Cells by column name.
pub type Row = BTreeMap<String, Cell>;

/// Why a row did not become a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoUpsert {
    /// The map does not have this leg.
    NoSuchLeg,
    /// The row names a column that the leg does not read: the host would never ask for it.
    NotRead(String),
    /// The row names a column that the leg does not write.
    NotWritten(String),
    /// The map asked for a delete.
    Delete,
    /// The map skipped it, for this reason.
    Skip(String),
    /// The map refused it.
    Reject(Vec<Violation>),
    /// The map broke the contract: another number of outcomes than of changes, or of cells than of `writes`.
    BadAnswer(String),
}

impl std::fmt::Display for NoUpsert {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSuchLeg => formatter.write_str("the map does not have this leg"),
            Self::NotRead(column) => write!(formatter, "the leg does not read {column}"),
            Self::NotWritten(column) => write!(formatter, "the leg does not write {column}"),
            Self::Delete => formatter.write_str("the map asked for a delete"),
            Self::Skip(reason) => write!(formatter, "skipped: {reason}"),
            Self::Reject(violations) => {
                let codes: Vec<&str> = violations.iter().map(|violation| violation.code.as_str()).collect();
                write!(formatter, "rejected: {}", codes.join(", "))
            }
            Self::BadAnswer(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for NoUpsert {}

/// A row from pairs of column and cell.
pub fn row<C: Into<Cell>, const N: usize>(cells: [(&str, C); N]) -> Row {
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell.into())).collect()
}

/// What the map writes for a row that was created or updated. Columns that the row does not name are absent;
/// absent cells are left out of the answer.
///
/// # Errors
/// When the outcome is anything but an upsert.
pub fn upsert<M: Map>(leg: Leg, row: Row) -> Result<Row, NoUpsert> {
    run::<M>(leg, Operation::Upsert, row)
}

/// What the map does with a deleted row: the row names the key columns only.
///
/// # Errors
/// When the outcome is anything but an upsert (a mark); [`NoUpsert::Delete`] is the usual one.
pub fn delete<M: Map>(leg: Leg, row: Row) -> Result<Row, NoUpsert> {
    run::<M>(leg, Operation::Delete, row)
}

fn run<M: Map>(leg: Leg, operation: Operation, mut row: Row) -> Result<Row, NoUpsert> {
    let description = M::describe();
    let leg_description =
        description.legs.iter().find(|candidate| candidate.leg == leg).ok_or(NoUpsert::NoSuchLeg)?;
    let cells: Vec<Cell> = leg_description
        .reads
        .iter()
        .map(|column| row.remove(column.as_str()).unwrap_or(Cell::Absent))
        .collect();
    if let Some((column, _)) = row.pop_first() {
        return Err(NoUpsert::NotRead(column));
    }
    let mut outcomes = M::transform(leg, Context { initial: false }, vec![Change { operation, cells }]);
    match (outcomes.pop(), outcomes.is_empty()) {
        (Some(Outcome::Upsert(cells)), true) => named(leg_description, cells),
        (Some(Outcome::Delete), true) => Err(NoUpsert::Delete),
        (Some(Outcome::Skip(reason)), true) => Err(NoUpsert::Skip(reason)),
        (Some(Outcome::Reject(violations)), true) => Err(NoUpsert::Reject(violations)),
        _ => Err(NoUpsert::BadAnswer("one change must have exactly one outcome".to_owned())),
    }
}

fn named(leg: &LegDescription, cells: Vec<Cell>) -> Result<Row, NoUpsert> {
    if cells.len() != leg.writes.len() {
        let message = format!("{} cells for {} columns", cells.len(), leg.writes.len());
        return Err(NoUpsert::BadAnswer(message));
    }
    Ok(leg.writes.iter().cloned().zip(cells).filter(|(_, cell)| !cell.is_absent()).collect())
}

/// What the target holds once a map has decided a record that both sides changed: `known` is what both held when they
/// were last synchronised, `wanted` what the map wrote from the source's side, `found` what the target holds. All in the
/// target's columns.
///
/// # Errors
/// When it is left to a person, or nothing that the contract allows.
pub fn resolve<M: Map + crate::Resolve>(
    leg: Leg,
    known: &Row,
    wanted: &Row,
    found: &Row,
) -> Result<Row, NoUpsert> {
    let description = M::describe();
    let leg_description =
        description.legs.iter().find(|candidate| candidate.leg == leg).ok_or(NoUpsert::NoSuchLeg)?;
    let columns = &leg_description.writes;
    if let Some(column) =
        known.keys().chain(wanted.keys()).chain(found.keys()).find(|column| !columns.contains(column))
    {
        return Err(NoUpsert::NotWritten(column.clone()));
    }
    let cell = |row: &Row, column: &String| row.get(column).cloned().unwrap_or(Cell::Absent);
    let cells: Vec<ContestedCell> = columns
        .iter()
        .map(|column| {
            let (known, wanted, found) = (cell(known, column), cell(wanted, column), cell(found, column));
            ContestedCell {
                changed_by_source: wanted != known,
                changed_by_target: found != known,
                wanted,
                found,
            }
        })
        .collect();
    let by_side = |source_wins: bool| -> Vec<Cell> {
        let pick = |cell: &ContestedCell| {
            let source = if cell.is_contested() { source_wins } else { cell.changed_by_source };
            if source { cell.wanted.clone() } else { cell.found.clone() }
        };
        cells.iter().map(pick).collect()
    };
    let clash = Clash { cells: cells.clone(), source_changed_at: None, target_changed_at: None };
    let mut verdicts = M::resolve(leg, Context { initial: false }, vec![clash]);
    let decided = match (verdicts.pop(), verdicts.is_empty()) {
        (Some(Verdict::SourceWins), true) => by_side(true),
        (Some(Verdict::TargetWins), true) => by_side(false),
        (Some(Verdict::Merge(merged)), true) if merged.len() == cells.len() => merged
            .into_iter()
            .zip(&cells)
            .map(|(merged, cell)| if merged.is_absent() { cell.found.clone() } else { merged })
            .collect(),
        (Some(Verdict::Refuse(violations)), true) => return Err(NoUpsert::Reject(violations)),
        _ => {
            let message =
                "one clash must have exactly one verdict, with as many cells as `writes`".to_owned();
            return Err(NoUpsert::BadAnswer(message));
        }
    };
    named(leg_description, decided)
}

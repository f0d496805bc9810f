//! Asking a map what becomes of records that both sides changed.

use std::collections::BTreeSet;

use dualwright_model::{ColumnPath, Operation, Record, Timestamp};

use crate::rows::{Picks, Rows};
use crate::{GuestFault, Violation};

/// A record that both sides changed since it was last synchronised, in the target's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// What the map wrote.
    pub wanted: Record,
    /// What the target holds.
    pub found: Record,
    /// The columns that the source changed.
    pub changed_by_source: Vec<ColumnPath>,
    /// The columns that the target changed.
    pub changed_by_target: Vec<ColumnPath>,
    /// When the source's version was made.
    pub source_changed_at: Option<Timestamp>,
    /// When the target's version was made.
    pub target_changed_at: Option<Timestamp>,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What the map wrote.
    SourceWins,
    /// What the target holds.
    TargetWins,
    /// These cells; an absent one leaves its column as it is.
    Merge(Record),
    /// A person must decide.
    Refuse(Vec<Violation>),
}

/// The verdict on one clash.
pub type ResolveResult = Result<Verdict, GuestFault>;

/// What is told of a clash beside its cells: columns by their position among the leg's `writes`.
pub(crate) struct Facts {
    pub(crate) changed_by_source: BTreeSet<usize>,
    pub(crate) changed_by_target: BTreeSet<usize>,
    pub(crate) source_changed_at: Option<Timestamp>,
    pub(crate) target_changed_at: Option<Timestamp>,
}

/// What a call is told beside the rows: the facts of all clashes, and the leg's `writes`.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) facts: &'a [Facts],
    pub(crate) writes: &'a [ColumnPath],
}

impl Facts {
    fn of(clash: &Clash, writes: &[ColumnPath]) -> Self {
        let positions = |changed: &[ColumnPath]| {
            let told = |(_, column): &(usize, &ColumnPath)| changed.contains(column);
            writes.iter().enumerate().filter(told).map(|(index, _)| index).collect()
        };
        Self {
            changed_by_source: positions(&clash.changed_by_source),
            changed_by_target: positions(&clash.changed_by_target),
            source_changed_at: clash.source_changed_at,
            target_changed_at: clash.target_changed_at,
        }
    }
}

/// Clashes on their way into the sandbox: each a row of the wanted cells and then the found ones.
pub(crate) fn rows_of(batch: &[Clash], seen: &Picks, writes: &[ColumnPath]) -> (Rows, Vec<Facts>) {
    let mut rows = Rows::with_room(batch.len(), writes.len().saturating_mul(2));
    for clash in batch {
        rows.push(Operation::Upsert, &[(seen, &clash.wanted), (seen, &clash.found)]);
    }
    (rows, batch.iter().map(|clash| Facts::of(clash, writes)).collect())
}

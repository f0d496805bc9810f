//! What would another version do? Changes as they were captured, and rows read now where no more were kept, go through
//! both versions, and nothing is applied.

use std::collections::{BTreeMap, BTreeSet};

use dualwright_connect::ScanPosition;
use dualwright_model::{Change, ColumnPath, Leg, Operation, RecordId};
use dualwright_plugin_host::GuestChange;

use crate::map::{MapContext, Side, build_side, replaceable};
use crate::shadow::{self, ShadowReport};
use crate::{EngineError, MapLogic, Pair};

/// Rows a page, at most.
const PAGE: usize = 600;

/// What a candidate would answer otherwise than the live version, on up to `limit` rows of each of its legs. `captured` are
/// the newest changes of each leg, as [`dualwright_store::Store::recorded`] has them; where these are fewer, rows are read
/// now. Nothing is written anywhere.
///
/// # Errors
/// When the candidate is no version of the live map, does not fit the systems, or a system cannot be read.
pub async fn preview(
    pair: &Pair,
    live: &dyn MapLogic,
    candidate: &dyn MapLogic,
    mut captured: BTreeMap<Leg, Vec<Change>>,
    limit: usize,
) -> Result<BTreeMap<Leg, ShadowReport>, EngineError> {
    let description = candidate.description();
    let map = || description.name.to_string();
    replaceable(live.description(), description).map_err(|reason| EngineError::Map { map: map(), reason })?;
    let mut reports = BTreeMap::new();
    for leg in Leg::ALL {
        if description.leg(leg).is_none() || live.description().leg(leg).is_none() {
            continue;
        }
        let connector = pair.connector(leg.source());
        let now = build_side(live.description(), leg.source(), connector).await?;
        let next = build_side(description, leg.source(), connector).await?;
        let captured = captured.remove(&leg).unwrap_or_default();
        let sample = sample(&map(), &now, &next, captured, limit).await?;
        reports.insert(leg, sample.compare(live, candidate, leg).await);
    }
    Ok(reports)
}

/// Compares two versions on up to `limit` rows of a leg's source.
pub(crate) async fn compare(
    live: &MapContext,
    candidate: &MapContext,
    leg: Leg,
    limit: usize,
) -> Result<ShadowReport, EngineError> {
    let source = leg.source();
    let captured = live.store.recorded(&live.name, leg, limit).await?;
    let name = candidate.name.to_string();
    let sample = sample(&name, live.side(source), candidate.side(source), captured, limit).await?;
    Ok(sample.compare(live.logic.as_ref(), candidate.logic.as_ref(), leg).await)
}

/// The rows that both versions are asked about.
#[derive(Default)]
struct Sample {
    rows: Vec<GuestChange>,
    captured: u64,
    incomplete: u64,
    read_now: u64,
}

impl Sample {
    async fn compare(self, live: &dyn MapLogic, candidate: &dyn MapLogic, leg: Leg) -> ShadowReport {
        let Self { rows, captured, incomplete, read_now } = self;
        let found = shadow::compare_on(live, candidate, leg, rows).await;
        ShadowReport { captured, incomplete, read_now, ..found }
    }

    fn add(&mut self, change: Change) {
        self.rows.push(GuestChange { operation: Operation::Upsert, record: change.record });
    }
}

/// Up to `limit` rows of a leg's source that belong to the candidate, with what either version reads of them: the newest
/// changes as they were captured, then rows that are read now, of other records.
async fn sample(
    map: &str,
    now: &Side,
    next: &Side,
    captured: Vec<Change>,
    limit: usize,
) -> Result<Sample, EngineError> {
    let mut selection = next.selection.clone();
    selection.columns.extend(now.selection.columns.iter().cloned());
    selection.columns.sort();
    selection.columns.dedup();
    let belongs = |change: &Change| {
        let value = |column: &str| change.record.get(column).clone();
        next.filter.as_ref().is_none_or(|filter| filter.matches(&value))
    };
    let mut sample = Sample::default();
    let mut seen: BTreeSet<RecordId> = BTreeSet::new();
    for change in captured {
        if sample.rows.len() == limit {
            break;
        }
        // What was not read when it was captured would look as if nobody had filled it in.
        if !has_all(&change, &selection.columns) {
            sample.incomplete += 1;
        } else if belongs(&change) {
            seen.insert(change.id.clone());
            sample.captured += 1;
            sample.add(change);
        }
    }
    let mut from: Option<ScanPosition> = None;
    while sample.rows.len() < limit {
        let page = next
            .connector
            .scan(&selection, from.as_ref(), PAGE.min(limit))
            .await
            .map_err(|source| EngineError::Connect { map: map.to_owned(), source })?;
        for change in page.changes {
            if sample.rows.len() < limit && belongs(&change) && !seen.contains(&change.id) {
                sample.read_now += 1;
                sample.add(change);
            }
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    Ok(sample)
}

/// Whether every column was read.
fn has_all(change: &Change, columns: &[ColumnPath]) -> bool {
    let read: BTreeSet<&ColumnPath> = change.record.iter().map(|(column, _)| column).collect();
    columns.iter().all(|column| read.contains(column))
}

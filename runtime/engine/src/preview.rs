//! What would another version do? Rows are read now, run through both versions, and nothing is applied.

use std::collections::BTreeMap;

use dualwright_connect::ScanPosition;
use dualwright_model::{Leg, Operation};
use dualwright_plugin_host::GuestChange;

use crate::map::{MapContext, Side, build_side, replaceable};
use crate::shadow::{self, ShadowReport};
use crate::{EngineError, MapLogic, Pair};

/// Rows a page, at most.
const PAGE: usize = 600;

/// What a candidate would answer otherwise than the live version, on up to `limit` rows of each of its legs, which are
/// read now. Nothing is written anywhere.
///
/// # Errors
/// When the candidate is no version of the live map, does not fit the systems, or a system cannot be read.
pub async fn preview(
    pair: &Pair,
    live: &dyn MapLogic,
    candidate: &dyn MapLogic,
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
        let changes = rows(&map(), &now, &next, limit).await?;
        reports.insert(leg, shadow::compare_on(live, candidate, leg, changes).await);
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
    let changes = rows(&candidate.name.to_string(), live.side(source), candidate.side(source), limit).await?;
    Ok(shadow::compare_on(live.logic.as_ref(), candidate.logic.as_ref(), leg, changes).await)
}

/// Up to `limit` rows of a leg's source that belong to the candidate, with what either version reads of them.
async fn rows(map: &str, now: &Side, next: &Side, limit: usize) -> Result<Vec<GuestChange>, EngineError> {
    let side = next;
    let mut selection = next.selection.clone();
    selection.columns.extend(now.selection.columns.iter().cloned());
    selection.columns.sort();
    selection.columns.dedup();
    let mut rows = Vec::new();
    let mut from: Option<ScanPosition> = None;
    while rows.len() < limit {
        let page = side
            .connector
            .scan(&selection, from.as_ref(), PAGE.min(limit))
            .await
            .map_err(|source| EngineError::Connect { map: map.to_owned(), source })?;
        let inside = page.changes.into_iter().map(|change| change.record).filter(|record| {
            let belongs = |filter: &dualwright_odata::filter::Filter| {
                filter.matches(&|column: &str| record.get(column).clone())
            };
            side.filter.as_ref().is_none_or(belongs)
        });
        rows.extend(inside.map(|record| GuestChange { operation: Operation::Upsert, record }));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    rows.truncate(limit);
    Ok(rows)
}

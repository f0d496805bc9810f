//! What would another version do? Rows are read now, run through both versions, and nothing is applied.

use dualwright_connect::ScanPosition;
use dualwright_model::{Leg, Operation};
use dualwright_plugin_host::GuestChange;

use crate::EngineError;
use crate::map::MapContext;
use crate::shadow::{self, ShadowReport};

/// Compares two versions on up to `limit` rows of a leg's source.
pub(crate) async fn compare(
    live: &MapContext,
    candidate: &MapContext,
    leg: Leg,
    limit: usize,
) -> Result<ShadowReport, EngineError> {
    let changes = rows(candidate, leg, limit).await?;
    Ok(shadow::compare_on(live.logic.as_ref(), candidate.logic.as_ref(), leg, changes).await)
}

/// Up to `limit` rows of a leg's source that belong to the map.
async fn rows(map: &MapContext, leg: Leg, limit: usize) -> Result<Vec<GuestChange>, EngineError> {
    let side = map.side(leg.source());
    let mut rows = Vec::new();
    let mut from: Option<ScanPosition> = None;
    while rows.len() < limit {
        let page = side
            .connector
            .scan(&side.selection, from.as_ref(), map.settings.page_rows.min(limit))
            .await
            .map_err(|source| EngineError::Connect { map: map.name.to_string(), source })?;
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

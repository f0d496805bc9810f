//! `/v1/maps`: how the maps stand, pause and resume.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use dualwright_engine::MapStatus;
use dualwright_model::MapName;
use dualwright_sync::map_state::Request;
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::server::Shared;

#[derive(Serialize)]
struct MapAnswer {
    map: String,
    version: String,
    digest: String,
    state: &'static str,
    reason: String,
    legs: BTreeMap<String, LegAnswer>,
}

#[derive(Serialize)]
struct LegAnswer {
    captured: u64,
    applied: u64,
    unchanged: u64,
    echoes: u64,
    skipped: u64,
    dead: u64,
    pending: u64,
    near_misses: u64,
}

pub(crate) async fn list(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    let maps: Vec<MapAnswer> = shared.engine.status().await?.into_iter().map(answer).collect();
    Ok(Json(json!({ "maps": maps })))
}

pub(crate) async fn pause(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
) -> Result<Json<Value>, Refusal> {
    request(&shared, map, Request::Pause).await
}

pub(crate) async fn resume(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
) -> Result<Json<Value>, Refusal> {
    request(&shared, map, Request::Resume).await
}

async fn request(shared: &Shared, map: String, request: Request) -> Result<Json<Value>, Refusal> {
    let state = shared.engine.request(&MapName::from(map.as_str()), request, "operator").await?;
    Ok(Json(json!({ "map": map, "state": state.word() })))
}

fn answer(status: MapStatus) -> MapAnswer {
    use dualwright_store::Resolution as R;
    let legs = status.legs.into_iter().map(|(leg, counters)| {
        let count = |resolution: R| counters.resolved.get(&resolution).copied().unwrap_or(0);
        let answer = LegAnswer {
            captured: counters.captured,
            applied: count(R::Applied),
            unchanged: count(R::Unchanged),
            echoes: count(R::Echo),
            skipped: count(R::Skipped),
            dead: count(R::Dead),
            pending: counters.pending,
            near_misses: counters.near_misses,
        };
        (leg.to_string(), answer)
    });
    MapAnswer {
        map: status.map.to_string(),
        version: status.version,
        digest: status.digest,
        state: status.state.word(),
        reason: status.reason,
        legs: legs.collect(),
    }
}

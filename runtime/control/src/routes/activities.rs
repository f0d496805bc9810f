//! `/v1/activities`: the activity log, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use dualwright_model::MapName;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::server::Shared;

/// Lines when nobody asks for another number, and at most.
const LINES: usize = 100;
const LINES_MAX: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    map: Option<String>,
    limit: Option<usize>,
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Refusal> {
    let map = which.map.map(MapName::from);
    let limit = which.limit.unwrap_or(LINES).min(LINES_MAX);
    let lines = shared.engine.store().activities(map.as_ref(), limit).await?;
    let lines: Vec<Value> = lines
        .into_iter()
        .map(|line| {
            json!({
                "at": line.at.to_string(), "map": line.map.map(|map| map.to_string()), "kind": line.kind,
                "actor": line.actor, "message": line.message,
            })
        })
        .collect();
    Ok(Json(json!({ "activities": lines })))
}

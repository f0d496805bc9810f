//! `/v1/maps/{map}/records` and `/v1/maps/{map}/reapply`: one record's story, and doing again what a bad version did.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use dualwright_engine::RecordStory;
use dualwright_model::{IntegrationKey, MapName, Value as Cell};
use dualwright_store::{EntryState, Link, LinkSide};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dead_letters;
use crate::answer::Refusal;
use crate::server::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    version: String,
}

/// The story of the record with this key: `?key=usmf&key=C-001`, one part after another.
pub(crate) async fn story(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Json<Value>, Refusal> {
    let key = key_of(query)?;
    let story = shared.engine.story(&MapName::from(map.as_str()), &key).await?;
    Ok(Json(answer(&map, &key, story)))
}

/// Puts what a version wrote back into the journal: `{"version": "1.2.0"}`, or the beginning of a component's digest.
pub(crate) async fn reapply(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
    Json(which): Json<Which>,
) -> Result<Json<Value>, Refusal> {
    let name = MapName::from(map.as_str());
    let count = match &shared.plugins {
        Some(plugins) => plugins.reapply(&name, &which.version).await?,
        None => shared.engine.reapply(&name, &which.version).await?,
    };
    Ok(Json(json!({ "map": map, "version": which.version, "rows": count })))
}

fn key_of(query: Vec<(String, String)>) -> Result<IntegrationKey, Refusal> {
    if let Some((name, _)) = query.iter().find(|(name, _)| name != "key") {
        return Err(Refusal::wrong(format!("{name} is no part of a key; ask for ?key=usmf&key=C-001")));
    }
    if query.is_empty() {
        return Err(Refusal::wrong(
            "name the record by its key: ?key=usmf&key=C-001, in the order of the map's key",
        ));
    }
    let parts: Vec<Cell> = query.into_iter().map(|(_, part)| Cell::Text(part)).collect();
    Ok(IntegrationKey::new(parts.iter()))
}

fn answer(map: &str, key: &IntegrationKey, story: RecordStory) -> Value {
    let pending: Vec<Value> = story
        .pending
        .iter()
        .map(|entry| {
            let wait = match &entry.state {
                EntryState::Ready => json!(null),
                EntryState::Waiting(wait) => json!({
                    "reason": wait.reason, "attempts": wait.attempts,
                    "since": wait.since.to_string(), "not_before": wait.not_before.to_string(),
                }),
            };
            json!({
                "sequence": entry.sequence.0, "leg": entry.entry.leg.to_string(), "waits": wait,
                "reapplied": entry.entry.again,
            })
        })
        .collect();
    let activities: Vec<Value> = story
        .activities
        .iter()
        .map(|line| {
            json!({ "at": line.at.to_string(), "kind": line.kind, "actor": line.actor, "message": line.message })
        })
        .collect();
    json!({
        "map": map,
        "key": key.parts(),
        "link": story.link.as_ref().map(link_answer),
        "pending": pending,
        "dead_letters": story.dead_letters.into_iter().map(dead_letters::answer).collect::<Vec<_>>(),
        "activities": activities,
    })
}

fn link_answer(link: &Link) -> Value {
    json!({
        "finops": side_answer(&link.finops),
        "dataverse": side_answer(&link.dataverse),
        "map_version": link.map_version,
        "digest": link.digest.as_str(),
        "updated_at": link.updated_at.to_string(),
    })
}

fn side_answer(side: &LinkSide) -> Value {
    json!({
        "id": side.id.as_ref().map(|id| id.0.as_str()),
        "key": side.key.iter().map(Cell::to_key_text).collect::<Vec<_>>(),
        "known_since": side.written_at.map(|at| at.to_string()),
        "written_by": side.writer.as_ref().map(|writer| {
            json!({ "map_version": writer.map_version, "digest": writer.digest.as_str() })
        }),
    })
}

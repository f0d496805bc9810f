//! `/v1/dead-letters`: what could not be applied; retry or skip.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use dualwright_model::{MapName, Operation, Record, Value as Cell};
use dualwright_store::{DeadLetter, DeadLetterFilter, DeadLetterId, Violation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::Refusal;
use crate::server::Shared;

/// Letters a page.
const PAGE: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    map: Option<String>,
    code: Option<String>,
    after: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ids {
    ids: Vec<u64>,
}

/// Row values are shown here and nowhere else: the operator who may mend a record may see it.
#[derive(Serialize)]
pub(super) struct LetterAnswer {
    id: u64,
    map: String,
    leg: String,
    key: String,
    operation: &'static str,
    class: String,
    code: String,
    message: String,
    column: Option<String>,
    violations: Vec<Reason>,
    map_version: String,
    digest: String,
    at: String,
    captured: Map<String, Value>,
    intended: Option<Map<String, Value>>,
}

/// One reason against a record.
#[derive(Serialize)]
pub(super) struct Reason {
    field: Option<String>,
    code: String,
    message: String,
}

impl From<dualwright_plugin_host::Violation> for Reason {
    fn from(violation: dualwright_plugin_host::Violation) -> Self {
        let field = violation.field.map(|field| field.to_string());
        Self { field, code: violation.code, message: violation.message }
    }
}

impl From<Violation> for Reason {
    fn from(violation: Violation) -> Self {
        Self { field: violation.field, code: violation.code, message: violation.message }
    }
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Refusal> {
    let filter = DeadLetterFilter {
        map: which.map.map(MapName::from),
        code: which.code,
        after: which.after.map(DeadLetterId),
    };
    let letters = shared.engine.store().dead_letters(&filter, PAGE).await?;
    let next = letters.last().filter(|_| letters.len() == PAGE).map(|letter| letter.id.0);
    let letters: Vec<LetterAnswer> = letters.into_iter().map(answer).collect();
    Ok(Json(json!({ "dead_letters": letters, "next_after": next })))
}

pub(crate) async fn retry(
    State(shared): State<Arc<Shared>>,
    Json(ids): Json<Ids>,
) -> Result<Json<Value>, Refusal> {
    let ids: Vec<DeadLetterId> = ids.ids.into_iter().map(DeadLetterId).collect();
    Ok(Json(json!({ "retried": shared.engine.replay(&ids).await? })))
}

pub(crate) async fn skip(
    State(shared): State<Arc<Shared>>,
    Json(ids): Json<Ids>,
) -> Result<Json<Value>, Refusal> {
    let ids: Vec<DeadLetterId> = ids.ids.into_iter().map(DeadLetterId).collect();
    Ok(Json(json!({ "skipped": shared.engine.store().discard(&ids).await? })))
}

pub(super) fn answer(dead: DeadLetter) -> LetterAnswer {
    let letter = dead.letter;
    LetterAnswer {
        id: dead.id.0,
        map: letter.entry.map.to_string(),
        leg: letter.entry.leg.to_string(),
        key: letter.entry.key.to_string(),
        operation: match letter.entry.change.operation {
            Operation::Upsert => "upsert",
            Operation::Delete => "delete",
        },
        class: letter.class.to_string(),
        code: letter.code,
        message: letter.message,
        column: letter.column,
        violations: letter.violations.into_iter().map(Reason::from).collect(),
        map_version: letter.map_version,
        digest: letter.digest.to_string(),
        at: letter.at.to_string(),
        captured: cells(&letter.entry.change.record),
        intended: letter.intended.as_ref().map(cells),
    }
}

pub(super) fn cells(record: &Record) -> Map<String, Value> {
    record.iter().map(|(column, cell)| (column.to_string(), cell_answer(cell))).collect()
}

fn cell_answer(cell: &Cell) -> Value {
    match cell {
        Cell::Absent | Cell::Null => Value::Null,
        Cell::Boolean(flag) => Value::Bool(*flag),
        Cell::Integer(number) => json!(number),
        other => Value::String(other.to_key_text()),
    }
}

//! `POST /v1/maps/{map}/check`: what would become of a record, for somebody who waits for the answer before saving it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use dualwright_engine::{EngineError, Examined};
use dualwright_model::{Decimal, Leg, MapName, Record, Value as Cell};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dead_letters::{Reason, cells};
use crate::answer::Refusal;
use crate::server::Shared;

/// The record as one side holds it, by that side's column names; columns that are left out are absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    leg: String,
    record: Map<String, Value>,
}

/// Whether the record would go through, and if not, why.
#[derive(Serialize)]
pub(crate) struct Answer {
    map: String,
    leg: String,
    accepted: bool,
    /// `write`, `delete`, `skip`, `refuse` or `fail`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    violations: Vec<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cells: Option<Map<String, Value>>,
}

pub(crate) async fn check(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
    Json(question): Json<Question>,
) -> Result<Json<Answer>, Refusal> {
    let leg = Leg::ALL.into_iter().find(|leg| leg.to_string() == question.leg).ok_or_else(|| {
        Refusal::wrong(format!("{:?} is no leg; there are to-dataverse and to-finops", question.leg))
    })?;
    let mut record = Record::new();
    for (column, value) in &question.record {
        record.set(column.as_str(), cell(column, value)?);
    }
    let examined = shared.engine.examine(&MapName::from(map.as_str()), leg, record).await;
    let examined = examined.map_err(|error| match error {
        EngineError::Map { .. } => Refusal::wrong(error.to_string()),
        other => other.into(),
    })?;
    let mut answer = Answer {
        map,
        leg: leg.to_string(),
        accepted: false,
        outcome: "refuse",
        reason: None,
        violations: Vec::new(),
        cells: None,
    };
    match examined {
        Examined::Written(written) => {
            (answer.accepted, answer.outcome, answer.cells) = (true, "write", Some(cells(&written)));
        }
        Examined::Deleted => (answer.accepted, answer.outcome) = (true, "delete"),
        Examined::Skipped(reason) => {
            (answer.accepted, answer.outcome, answer.reason) = (true, "skip", Some(reason));
        }
        Examined::Refused(violations) => {
            answer.violations = violations.into_iter().map(Reason::from).collect();
        }
        Examined::Failed(fault) => (answer.outcome, answer.reason) = ("fail", Some(fault.message)),
    }
    Ok(Json(answer))
}

/// A cell as JSON shows it. Numbers are taken by their digits: money never passes a float.
fn cell(column: &str, value: &Value) -> Result<Cell, Refusal> {
    let wrong = |what: &str| {
        Refusal::wrong(format!("{column} holds {what}; a cell is text, a number, true, false or null"))
    };
    Ok(match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Boolean(*flag),
        Value::String(text) => Cell::Text(text.clone()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cell::Integer(whole),
            None => Cell::Decimal(
                Decimal::parse(&number.to_string()).map_err(|_| wrong("a number out of range"))?,
            ),
        },
        Value::Array(_) => return Err(wrong("a list")),
        Value::Object(_) => return Err(wrong("an object")),
    })
}

//! `POST /nudges/{system}`: pushes. Answered 200 only once what they were about is durable (I1).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use dualwright_connect::ConnectError;
use dualwright_model::System;

use crate::answer::Refusal;
use crate::server::Shared;

pub(crate) async fn receive(
    State(shared): State<Arc<Shared>>,
    Path(system): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let system = match system.as_str() {
        "finops" => System::Finops,
        "dataverse" => System::Dataverse,
        other => {
            let message = format!("there is no system named {other}; it is finops or dataverse");
            return Err(Refusal::new(StatusCode::NOT_FOUND, "unknown-system", message));
        }
    };
    let connector = shared.pair.connector(system);
    let nudges = connector
        .parse_nudge(&headers, query.as_deref().unwrap_or_default(), &body, &shared.nudge_secret)
        .map_err(|error| match error {
            ConnectError::Unauthorized { .. } => Refusal::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "the push does not carry the nudge secret",
            ),
            error => Refusal::new(StatusCode::BAD_REQUEST, "not-a-push", error.to_string()),
        })?;
    for nudge in nudges {
        shared.engine.nudge(nudge).await?;
    }
    Ok(StatusCode::OK)
}

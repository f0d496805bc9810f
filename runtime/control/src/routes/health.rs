//! `GET /health`: is the process able to do its work?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::server::Shared;

pub(crate) async fn show(State(shared): State<Arc<Shared>>) -> (StatusCode, Json<Value>) {
    match shared.engine.failure().borrow().as_ref() {
        None => (StatusCode::OK, Json(json!({ "healthy": true }))),
        Some(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "healthy": false, "reason": reason })))
        }
    }
}

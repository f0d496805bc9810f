//! How refusals look: one shape for all.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dualwright_diagnostics::Class;
use dualwright_engine::EngineError;
use serde_json::json;

/// A refused request: status, a stable word for programs, a sentence for people.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// What was asked for makes no sense.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "wrong-request", message)
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let (status, code) = match (&error, error.class()) {
            (EngineError::UnknownMap(_), _) => (StatusCode::NOT_FOUND, "unknown-map"),
            (_, Class::Conflict) => (StatusCode::CONFLICT, "wrong-state"),
            (_, Class::Transient) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<dualwright_store::StoreError> for Refusal {
    fn from(error: dualwright_store::StoreError) -> Self {
        Self::from(EngineError::from(error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": { "code": self.code, "message": self.message } })))
            .into_response()
    }
}

//! Who may call `/v1`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::answer::Refusal;
use crate::server::Shared;

pub(crate) async fn require_token(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let Some(token) = &shared.token else { return Ok(next.run(request).await) };
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if given.is_some_and(|given| same(given.as_bytes(), token.as_bytes())) {
        return Ok(next.run(request).await);
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "send the control token as a bearer token"))
}

/// Compares in a time that does not tell where the first difference is.
fn same(one: &[u8], two: &[u8]) -> bool {
    one.len() == two.len() && one.iter().zip(two).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

//! What Dataverse's refusals mean (learn.microsoft.com:
//! power-apps/developer/data-platform/reference/web-service-error-codes).

use http::StatusCode;

use crate::http::{ErrorBody, Response};

/// The delta token is older than the environment keeps changes for, or the table's columns changed since.
const EXPIRED_VERSION_STAMP: &str = "0x80044352";
/// No such row: `{table} With Id = {id} Does Not Exist`.
const OBJECT_DOES_NOT_EXIST: &str = "0x80040217";
/// A duplicate detection *rule* refused the row, not a key. Only when a caller asks for detection, or rules are forced.
const DUPLICATE_RULE: &str = "0x80040333";
/// A row with the same alternate key exists.
const DUPLICATE_KEY: &str = "0x80060892";
/// A row with the same id, or the same unique values, exists.
const DUPLICATE_RECORD: &str = "0x80040237";
/// The address names no table.
const UNKNOWN_RESOURCE: &str = "0x80060888";

fn code_is(response: &Response, code: &str) -> bool {
    ErrorBody::read(&response.body).code.eq_ignore_ascii_case(code)
}

/// Whether the feed must begin anew.
pub(super) fn feed_expired(response: &Response) -> bool {
    response.status == StatusCode::GONE || code_is(response, EXPIRED_VERSION_STAMP)
}

/// Whether a row that the request needs is not there: its own, or one that it points to.
pub(super) fn row_missing(response: &Response) -> bool {
    (response.status == StatusCode::NOT_FOUND && !code_is(response, UNKNOWN_RESOURCE))
        || (response.status == StatusCode::BAD_REQUEST && code_is(response, OBJECT_DOES_NOT_EXIST))
}

/// What a refused condition was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The row's version, or whether there is a row.
    Precondition,
    /// Another row has this key already.
    DuplicateKey,
    /// Neither: the data.
    Data,
}

/// Reads a refusal with status 412 or 409.
pub(super) fn refusal(response: &Response) -> Refusal {
    if !matches!(response.status, StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT) {
        return Refusal::Data;
    }
    let code = ErrorBody::read(&response.body).code.to_ascii_lowercase();
    match code.as_str() {
        DUPLICATE_RULE => Refusal::Data,
        DUPLICATE_KEY | DUPLICATE_RECORD => Refusal::DuplicateKey,
        _ if response.status == StatusCode::PRECONDITION_FAILED => Refusal::Precondition,
        _ => Refusal::Data,
    }
}

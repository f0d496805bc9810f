//! What F&O's refusals mean.
//!
//! F&O has no codes to tell refusals apart: the reason is the infolog, a text in the language of the service's user,
//! inside `innererror` (learn.microsoft.com: dynamics365/fin-ops-core/dev-itpro/data-entities/odata).

use http::StatusCode;

use crate::ConnectError;
use crate::http::{Client, ErrorBody, Response};

/// The end of F&O's label @SYS24754, `Cannot create a record in %1. ... The record already exists.`
const RECORD_EXISTS: &str = "already exists";
/// Of the kernel's message for two transactions that met: the next try may win.
const UPDATE_CONFLICT: &str = "update conflict";
const INFOLOG: &str = "Infolog:";

/// Whether the table has no such row. The table itself is known to exist: its description was read before.
///
/// A page of something that stands before the service (a gateway, an environment that is being moved) says nothing of a
/// row: taken for a missing one it would have the other side's row deleted.
pub(super) fn row_missing(response: &Response) -> bool {
    is_gone(response) && is_own(&response.body)
}

fn is_gone(response: &Response) -> bool {
    matches!(response.status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

/// Whether an answer is the service's own: a JSON object (OData JSON format 4.0, section 19), or nothing at all.
fn is_own(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| *byte == b'{')
}

/// Whether a new row was certainly refused because one with its key is there. In another language the words differ:
/// whoever must know looks for the row.
pub(super) fn row_exists(response: &Response) -> bool {
    let refused = !response.status.is_success();
    refused
        && (response.status == StatusCode::CONFLICT
            || ErrorBody::read(&response.body).message.contains(RECORD_EXISTS))
}

/// What any other refusal means: the infolog alone, without the words around it. A write that business logic refuses
/// may come back as a server fault; with an infolog it is the data's.
pub(super) fn refusal(client: &Client, response: &Response) -> ConnectError {
    let ErrorBody { code, message } = ErrorBody::read(&response.body);
    let system = client.system().to_owned();
    if message.to_lowercase().contains(UPDATE_CONFLICT) {
        return ConnectError::Unavailable { system, reason: infolog(&message).to_owned() };
    }
    if is_gone(response) && !is_own(&response.body) {
        let reason = format!(
            "{} from something before the service, which gives no answer of its own",
            response.status
        );
        return ConnectError::Unavailable { system, reason };
    }
    match client.failure(response) {
        ConnectError::Rejected { .. } => {}
        ConnectError::Unavailable { .. } if message.contains(INFOLOG) => {}
        error => return error,
    }
    let message = if message.is_empty() { response.status.to_string() } else { infolog(&message).to_owned() };
    ConnectError::Rejected { system, code, message }
}

fn infolog(message: &str) -> &str {
    match message.split_once(INFOLOG) {
        Some((_, log)) if !log.trim().is_empty() => log.trim(),
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::{infolog, row_exists, row_missing};
    use crate::http::Response;

    fn response(status: u16, inner: &str) -> Response {
        let body = format!(
            r#"{{"error":{{"code":"","message":"An error has occurred.","innererror":{{"message":"{inner}"}}}}}}"#
        );
        let status = StatusCode::from_u16(status).unwrap();
        Response { status, headers: HeaderMap::new(), body: body.into() }
    }

    #[test]
    fn a_row_that_is_there_is_told_from_other_refusals() {
        let exists = "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Error: Cannot create a record \
            in Customers (CustTable). Customer account: US-001. The record already exists..";
        assert!(row_exists(&response(400, exists)));
        assert!(row_exists(&response(409, "")));
        assert!(!row_exists(&response(201, exists)));
        assert!(!row_exists(&response(400, "Infolog: Error: Field 'Customer group' must be filled in..")));
    }

    #[test]
    fn a_page_of_something_else_is_no_missing_row() {
        let missing = |body: &'static str| {
            let status = StatusCode::NOT_FOUND;
            row_missing(&Response { status, headers: HeaderMap::new(), body: body.into() })
        };
        assert!(missing("") && missing(r#" {"error":{"code":"","message":"No route data."}}"#));
        assert!(!missing("<html><body>404 - File or directory not found.</body></html>"));
        assert!(!missing("no healthy upstream"));
    }

    #[test]
    fn the_infolog_is_what_an_operator_reads() {
        let text = "Write failed for table row of type 'X'. Infolog: Error: The value 'Y' is not found.";
        assert_eq!(infolog(text), "Error: The value 'Y' is not found.");
        assert_eq!(infolog("No route data was found."), "No route data was found.");
    }
}

//! The error body that both systems share, and what a status means in general.

use dualwright_odata::ServiceError;
use http::StatusCode;
use serde::Deserialize;

use super::Response;
use crate::ConnectError;

/// `{"error":{"code","message","innererror":{"message"}}}` (OData JSON format 4.0, section 19).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// The system's code, such as `0x80040217`; empty where it gives none.
    pub code: String,
    /// The message that says most: in F&O the innermost one.
    pub message: String,
}

/// Web API front ends answer `{"Message": …}` for addresses that they do not know.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Plain {
    message: String,
}

/// Longer messages are cut: some servers put a whole stack trace into them.
const MOST_CHARACTERS: usize = 2000;

impl ErrorBody {
    /// Reads an error body; empty where it is none.
    pub fn read(body: &[u8]) -> Self {
        let (code, message) = match ServiceError::parse(body) {
            Some(error) => (error.code.clone(), error.detail().to_owned()),
            None => (String::new(), serde_json::from_slice::<Plain>(body).unwrap_or_default().message),
        };
        Self { code, message: message.chars().take(MOST_CHARACTERS).collect() }
    }
}

/// What a refusal means where the connector knows nothing more special.
pub(crate) fn failure(system: &str, response: &Response) -> ConnectError {
    let system = system.to_owned();
    let ErrorBody { code, message } = ErrorBody::read(&response.body);
    let told = match (message.is_empty(), code.is_empty()) {
        (true, true) => response.status.to_string(),
        (true, false) => format!("{} {code}", response.status),
        (false, true) => message.clone(),
        (false, false) => format!("{code} {message}"),
    };
    match response.status {
        StatusCode::UNAUTHORIZED => ConnectError::Unauthorized { system, reason: told },
        StatusCode::FORBIDDEN => ConnectError::Forbidden { system, reason: told },
        StatusCode::NOT_FOUND | StatusCode::GONE => ConnectError::Unknown { system, what: told },
        StatusCode::TOO_MANY_REQUESTS => ConnectError::Throttled { system, retry_after: None },
        StatusCode::REQUEST_TIMEOUT => ConnectError::Unavailable { system, reason: told },
        status if status.is_server_error() => ConnectError::Unavailable { system, reason: told },
        status if status.is_client_error() => {
            let message = if message.is_empty() { status.to_string() } else { message };
            ConnectError::Rejected { system, code, message }
        }
        status => ConnectError::Protocol { system, reason: format!("unexpected status {status}") },
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorBody;

    fn check(body: &str, code: &str, message: &str) {
        assert_eq!(
            ErrorBody::read(body.as_bytes()),
            ErrorBody { code: code.into(), message: message.into() },
            "{body}"
        );
    }

    #[test]
    fn both_systems_errors_are_read_and_garbage_is_empty() {
        check(
            r#"{"error":{"code":"0x80040217","message":"Does Not Exist"}}"#,
            "0x80040217",
            "Does Not Exist",
        );
        check(
            r#"{"error":{"code":"","message":"An error has occurred.","innererror":{"message":"Write failed.","type":"X"}}}"#,
            "",
            "Write failed.",
        );
        check(r#"{"Message":"No HTTP resource was found"}"#, "", "No HTTP resource was found");
        check(r#"{"error":null}"#, "", "");
        check("<html>", "", "");
        check(r#"{"error":{"code":17}}"#, "", "");
    }
}

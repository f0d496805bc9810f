//! The error body of both systems: `{"error":{"code":"…","message":"…","innererror":{…}}}`.
//!
//! OData JSON format 4.0, section 19. F&O puts the reason into `innererror`; Dataverse's code is a hexadecimal HRESULT.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a service says of a failed request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceError {
    /// The system's code, such as `0x80040217`; empty where it gives none.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub code: String,
    /// The message; in F&O mostly only that an error has occurred.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub message: String,
    /// What lies beneath.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub innererror: Option<InnerError>,
}

/// The detail of an error, which may have its own cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InnerError {
    /// The message; in F&O the one with the infolog.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub message: String,
    /// The exception's type.
    #[serde(default, rename = "type", deserialize_with = "null_is_empty")]
    pub type_name: String,
    /// The server's stack trace.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub stacktrace: String,
    /// The cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internalexception: Option<Box<InnerError>>,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    error: T,
}

/// Longer bodies are not looked at.
const MAX_BODY: usize = 4 << 20;

impl ServiceError {
    /// An error without detail.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), innererror: None }
    }

    /// The same with a detail, as F&O words it.
    #[must_use]
    pub fn with_inner(mut self, message: impl Into<String>, type_name: impl Into<String>) -> Self {
        self.innererror = Some(InnerError {
            message: message.into(),
            type_name: type_name.into(),
            ..InnerError::default()
        });
        self
    }

    /// Reads an error body; `None` where it is none.
    pub fn parse(body: &[u8]) -> Option<Self> {
        if body.len() > MAX_BODY {
            return None;
        }
        serde_json::from_slice(body).ok().map(|envelope: Envelope<Self>| envelope.error)
    }

    /// The message that says most: the innermost that is not empty.
    pub fn detail(&self) -> &str {
        let mut best = self.message.as_str();
        let mut inner = self.innererror.as_ref();
        while let Some(error) = inner {
            if !error.message.is_empty() {
                best = &error.message;
            }
            inner = error.internalexception.as_deref();
        }
        best
    }

    /// The body.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "error": self })
    }
}

impl fmt::Display for ServiceError {
    /// Code and detail, for people.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code.is_empty() {
            return formatter.write_str(self.detail());
        }
        write!(formatter, "{} {}", self.code, self.detail())
    }
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::ServiceError;

    #[test]
    fn both_systems_bodies_are_read() {
        let dataverse = br#"{"error":{"code":"0x80040217","message":"account With Id = x Does Not Exist"}}"#;
        let error = ServiceError::parse(dataverse).unwrap();
        assert_eq!(error.to_string(), "0x80040217 account With Id = x Does Not Exist");

        let finops = br#"{"error":{"code":"","message":"An error has occurred.","innererror":{"message":"Write failed for
            table row of type 'X'. Infolog: Error: no.","type":"T","stacktrace":null}}}"#;
        let finops = String::from_utf8_lossy(finops).replace('\n', " ");
        let error = ServiceError::parse(finops.as_bytes()).unwrap();
        assert!(error.detail().contains("Infolog: Error: no."));
        let printed = error.to_json().to_string();
        assert_eq!(ServiceError::parse(printed.as_bytes()).unwrap(), error);
    }

    #[test]
    fn garbage_is_no_error_body() {
        for body in ["", "{}", "<html>", r#"{"error":17}"#, r#"{"error":"invalid_client"}"#] {
            assert!(ServiceError::parse(body.as_bytes()).is_none(), "{body}");
        }
        let deep = format!(r#"{{"error":{}"#, r#"{"innererror":"#.repeat(100_000));
        assert!(ServiceError::parse(deep.as_bytes()).is_none());
    }
}

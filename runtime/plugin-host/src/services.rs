//! What the sandbox needs of the world outside it: a port, filled where connectors and HTTP live.
//!
//! Grants, limits, secrets and redaction are the sandbox's own business (I6): what arrives here may be asked, and what
//! goes back is looked at again before a guest sees it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use dualwright_model::{ColumnPath, System, TableName, Value};

/// Answers what guests ask of the world outside. Calls may run concurrently; dropping a call's future abandons it.
#[async_trait]
pub trait Services: fmt::Debug + Send + Sync + 'static {
    /// The cells of one record, in the order of the question's columns; `None` when there is no such record.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when the question makes no sense to the system, [`ServiceError::Unavailable`] when it
    /// does not answer.
    async fn find(&self, question: LookupQuestion) -> Result<Option<Vec<Value>>, ServiceError>;

    /// Sends one request, once, and follows no redirect. The address is canonical and was granted. A name that leads to
    /// an address inside a private network must be refused unless [`HttpRequest::private_addresses`], and the address
    /// that was looked at must be the one that is connected to.
    ///
    /// # Errors
    /// Every [`ServiceError`]. Messages must not quote headers: they hold secrets (I11).
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, ServiceError>;
}

/// Which cells of which record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LookupQuestion {
    /// Which side.
    pub system: System,
    /// The entity set, as the grant spells it.
    pub table: TableName,
    /// The columns of an alternate key and their values; never empty, never absent or null.
    pub key: Vec<(ColumnPath, Value)>,
    /// The columns wanted, as the grant spells them; never empty.
    pub columns: Vec<ColumnPath>,
}

/// One request as it goes out. `Debug` shows no header's value: some are secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// The whole address, in its canonical form.
    pub url: String,
    /// The guest's headers and those that the operator adds.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// The longest body of an answer, in bytes after decompression.
    pub most_bytes: u64,
    /// Whether the host may lead to this machine or a private network.
    pub private_addresses: bool,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// What the other side answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Its status, whatever it is.
    pub status: u16,
    /// Its headers, as far as they are text.
    pub headers: Vec<(String, String)>,
    /// Its body, decompressed.
    pub body: Vec<u8>,
}

/// Why there is no answer. The guest sees these words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The operator did not grant it.
    #[error("not granted: {0}")]
    NotGranted(String),
    /// It cannot be asked like this.
    #[error("invalid: {0}")]
    Invalid(String),
    /// The other side cannot be reached, or did not answer in time.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The answer has more bytes than this.
    #[error("the answer has more than {0} bytes")]
    TooLarge(u64),
}

#[cfg(test)]
mod tests {
    use super::HttpRequest;

    #[test]
    fn i11_a_request_shows_no_header_value() {
        let request = HttpRequest {
            method: "GET".into(),
            url: "https://rates.example.com/".into(),
            headers: vec![("authorization".into(), "Bearer hunter2".into())],
            body: None,
            timeout: std::time::Duration::ZERO,
            most_bytes: 0,
            private_addresses: false,
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("authorization") && !shown.contains("hunter2"), "{shown}");
    }
}

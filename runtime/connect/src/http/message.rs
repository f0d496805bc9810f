//! Requests and answers as connectors see them.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::ConnectError;

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, percent-encoded: relative to the base address (`accounts?$top=1`), or from the root of its
    /// host when it starts with `/`. Another host cannot be named: the token goes to one host only.
    pub path: String,
    /// Headers on top of those that every request carries (`Authorization`, `Accept`, OData versions, `User-Agent`).
    pub headers: HeaderMap,
    /// The body; empty for none. JSON unless the headers name another content type.
    pub body: Bytes,
    /// Whether sending it twice has the effect of sending it once, or at least tells so: reads, and writes that carry
    /// a precondition (a repeat that meets its own effect shows as 412). Anything else is sent again only when it
    /// certainly was not carried out: no connection, throttled, token refused.
    pub repeatable: bool,
}

/// One request of a `$batch`. Parts must not depend on each other: each has its own effect and its own answer.
pub type PartRequest = Request;

/// What became of one part: its answer, of whatever status, or why there is none.
pub type PartResponse = Result<Response, ConnectError>;

/// An answer that arrived whole.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

impl Request {
    /// A read.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, true)
    }

    /// A request without a body.
    pub fn new(method: Method, path: impl Into<String>, repeatable: bool) -> Self {
        Self { method, path: path.into(), headers: HeaderMap::new(), body: Bytes::new(), repeatable }
    }

    /// The same with one more header. A value that no header can hold is left out: the callers' values are their own
    /// constants, and versions, which came out of a header or a text that HTTP carried.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    /// The same with a body, which is JSON unless a header says otherwise. It is text so that numbers can be written
    /// digit by digit (I10).
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

impl Response {
    /// The body as JSON.
    ///
    /// # Errors
    /// The reason, without the body's text, when it is not.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| {
            format!("the body is not the JSON expected (line {}, column {})", error.line(), error.column())
        })
    }

    /// One header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

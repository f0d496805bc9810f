//! `$batch`: many requests in one `multipart/mixed` body, and their answers in another.
//!
//! OData v4 protocol, section 11.7. A part stands alone or belongs to a changeset, which takes effect as a whole or
//! not at all. Both directions are here: a client builds requests and reads answers, a server the reverse.

mod build;
mod content_type;
mod multipart;
mod parse;
#[cfg(test)]
mod tests;

pub use build::{build_request, build_response};
pub use content_type::{boundary_of, content_type};
pub use parse::{parse_request, parse_response};

/// One request within a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartRequest {
    /// The method, in capitals.
    pub method: String,
    /// The address as written: absolute, from the root, relative to the service, or `$1/…` after a Content-ID.
    pub url: String,
    /// The headers of this request.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// The name by which the answer, and later requests of the changeset, refer to this one.
    pub content_id: Option<String>,
}

/// One answer within a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers of this answer.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// The Content-ID of the request, where it had one.
    pub content_id: Option<String>,
}

/// One item of a batch, on either way: alone, or a changeset. A failed changeset is answered by a single part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<P> {
    /// A part of its own.
    Single(P),
    /// Parts that take effect together.
    Changeset(Vec<P>),
}

/// What a batch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most parts in all, those of changesets included. Both systems stop at 1000.
    pub parts: usize,
    /// The longest body, in bytes.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { parts: 1000, bytes: 128 << 20 }
    }
}

/// A body that is not a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The content type is not `multipart/mixed` with a boundary.
    #[error("the content type is not multipart/mixed with a boundary")]
    NoBoundary,
    /// The boundary never shows.
    #[error("the body does not contain its boundary")]
    MissingBoundary,
    /// The closing boundary is missing: the body was cut off.
    #[error("the body ends without its closing boundary")]
    Unterminated,
    /// The body is too long.
    #[error("the batch is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// There are too many parts.
    #[error("the batch has more than {limit} parts")]
    TooManyParts {
        /// The limit.
        limit: usize,
    },
    /// One part is wrong.
    #[error("part {part} of the batch: {reason}")]
    Part {
        /// Its number, from 1, counting every part read so far.
        part: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl PartRequest {
    /// A request without headers or body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), ..Self::default() }
    }

    /// The first header of this name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

impl PartResponse {
    /// An answer without headers or body.
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// The first header of this name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

//! Requests to hosts that are neither of the two systems: an operator named them, and a plugin asks.
//!
//! Whether a request may go out is decided before it comes here. Here it is sent: once, without following redirects,
//! without a proxy, without cookies, to an address that was looked at. A name is resolved and judged in the very step that
//! connects, so that it cannot lead elsewhere in between (DNS rebinding).

mod address;
#[cfg(test)]
mod tests;

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::http::chain;
use address::{Guarded, PrivateAddress};

/// How long a connection may take, whatever the request allows.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: shorter than most servers keep theirs.
const IDLE: Duration = Duration::from_secs(30);

/// One request. `Debug` shows neither headers nor body.
#[derive(Clone)]
pub struct OutboundRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// The whole address.
    pub url: String,
    /// All headers, secrets among them.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// The longest body of an answer, in bytes after decompression.
    pub most_bytes: u64,
    /// Whether the name may lead to this machine or a private network.
    pub private_addresses: bool,
}

impl std::fmt::Debug for OutboundRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("OutboundRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct OutboundAnswer {
    /// The status.
    pub status: u16,
    /// The headers that are text.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Bytes,
}

/// Why nothing came back. No message holds a header or a body (I11).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The name leads into a private network, which was not allowed.
    #[error(
        "{0} leads to an address of a private network; the operator can allow that (private-addresses = true)"
    )]
    PrivateAddress(String),
    /// It cannot be sent like this.
    #[error("the request cannot be sent: {0}")]
    Invalid(String),
    /// The other side cannot be reached or did not answer in time.
    #[error("{0}")]
    Unavailable(String),
    /// The answer has more bytes than this.
    #[error("the answer has more than {0} bytes")]
    TooLong(u64),
}

/// Sends requests. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// Connects to public addresses only.
    public: reqwest::Client,
    /// Connects to any address. It has connections of its own: none that it made is ever used by the other.
    any: reqwest::Client,
}

impl Outbound {
    /// Sets it up. Nothing is sent yet.
    ///
    /// # Errors
    /// When this machine cannot do TLS at all.
    pub fn new() -> Result<Self, OutboundError> {
        // Whoever comes first installs it; later attempts say that it is there already, which is all we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| OutboundError::Unavailable(chain(&error)))
        };
        Ok(Self { public: client(builder().dns_resolver(Guarded))?, any: client(builder())? })
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// Every [`OutboundError`]. After [`OutboundError::Unavailable`] it may have been carried out all the same.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let client = if request.private_addresses { &self.any } else { &self.public };
        let invalid = |what: &str| OutboundError::Invalid(what.to_owned());
        let url: reqwest::Url = request.url.parse().map_err(|_| invalid("the address is none"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if !request.private_addresses && address::is_private_literal(&host) {
            return Err(OutboundError::PrivateAddress(host));
        }
        let method =
            Method::from_bytes(request.method.as_bytes()).map_err(|_| invalid("the method is none"))?;
        let mut builder =
            client.request(method, url).headers(headers(&request.headers)?).timeout(request.timeout);
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let answer = builder.send().await.map_err(|error| failure(error, &host))?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = body(answer, request.most_bytes, &host).await?;
        Ok(OutboundAnswer { status, headers, body })
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("dualwright/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE)
        // It would resolve the name itself, and see the address that we mean to judge.
        .no_proxy()
        // It would carry what was injected elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, OutboundError> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let invalid = || OutboundError::Invalid(format!("the header {name} cannot be sent"));
        let mut value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        // So that no library on the way writes it into a log, or into a table of headers (I11).
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?, value);
    }
    Ok(headers)
}

async fn body(mut answer: reqwest::Response, most: u64, host: &str) -> Result<Bytes, OutboundError> {
    let most_here = usize::try_from(most).unwrap_or(usize::MAX);
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(error, host))? {
        if body.len().saturating_add(chunk.len()) > most_here {
            return Err(OutboundError::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failure(error: reqwest::Error, host: &str) -> OutboundError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<PrivateAddress>() {
            return OutboundError::PrivateAddress(host.to_owned());
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        return OutboundError::Unavailable(format!("{host} did not answer in time"));
    }
    OutboundError::Unavailable(format!("{host} did not answer: {}", chain(&error.without_url())))
}

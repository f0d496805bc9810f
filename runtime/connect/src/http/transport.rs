//! The wire itself: one request out, one whole answer back. The only place that knows `reqwest`.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};

use super::{Response, chain};

/// A request with its full address and all its headers.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// No whole answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// The request never left: sending it again cannot repeat anything.
    #[error("no connection: {0}")]
    NotSent(String),
    /// It may have arrived.
    #[error("the answer was lost: {0}")]
    Lost(String),
    /// The answer is longer than any answer should be.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

#[async_trait]
pub(crate) trait Transport: Send + Sync + 'static {
    async fn exchange(&self, request: Outgoing) -> Result<Response, TransportError>;
}

/// Real HTTP.
pub(crate) struct Wire {
    client: reqwest::Client,
    most_bytes: usize,
}

/// How the wire is set up.
pub(crate) struct WireConfig<'a> {
    pub(crate) user_agent: &'a str,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) most_bytes: usize,
    /// Whether the base address is on this machine; a proxy meant for the outside is not asked then.
    pub(crate) local: bool,
}

impl Wire {
    pub(crate) fn new(config: &WireConfig<'_>) -> Result<Self, String> {
        // Whoever comes first installs it; later attempts say that it is there already, which is all we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(config.user_agent)
            .connect_timeout(config.connect_timeout)
            .timeout(config.request_timeout)
            // A redirect would carry the token elsewhere, and neither system redirects its API.
            .redirect(reqwest::redirect::Policy::none());
        if config.local {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| chain(&error))?;
        Ok(Self { client, most_bytes: config.most_bytes })
    }

    async fn read_body(&self, mut answer: reqwest::Response) -> Result<Bytes, TransportError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > self.most_bytes {
                return Err(TransportError::TooLong(self.most_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

fn lost(error: reqwest::Error) -> TransportError {
    let refused = error.is_connect() || error.is_builder();
    let reason = chain(&error.without_url());
    if refused { TransportError::NotSent(reason) } else { TransportError::Lost(reason) }
}

#[async_trait]
impl Transport for Wire {
    async fn exchange(&self, request: Outgoing) -> Result<Response, TransportError> {
        let builder =
            self.client.request(request.method, request.url).headers(request.headers).body(request.body);
        let answer = builder.send().await.map_err(lost)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = self.read_body(answer).await?;
        Ok(Response { status, headers, body })
    }
}

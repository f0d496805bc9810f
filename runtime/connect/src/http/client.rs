//! The client itself: one request through token, gate, wire and retries.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::failure::{ErrorBody, failure};
use super::redact::loggable;
use super::retry::{Verdict, judge};
use super::throttle::{Cause, Throttle};
use super::token::{SignIn, TokenSource};
use super::transport::{Outgoing, Transport, TransportError, Wire, WireConfig};
use super::{Request, Response, RetryPolicy};
use crate::ConnectError;

/// Everything a client needs to know. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The word for this system in errors and logs.
    pub system: String,
    /// Where requests go: `https://org.crm.dynamics.com/api/data/v9.2/`.
    pub base_url: String,
    /// Who we are.
    pub sign_in: SignIn,
    /// How we introduce ourselves.
    pub user_agent: String,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a whole exchange may take. Dataverse ends operations after two minutes by itself.
    pub request_timeout: Duration,
    /// How many requests may be in flight until the service says how many it likes to see; fewer while it throttles.
    pub most_in_flight: usize,
    /// The window over which the service counts requests and execution time: five minutes, in every real environment.
    pub limit_window: Duration,
    /// How long one call may wait for throttling in all, before it gives up with [`ConnectError::Throttled`].
    pub throttle_patience: Duration,
    /// How passing faults are retried.
    pub retry: RetryPolicy,
    /// The longest answer accepted, in bytes after decompression.
    pub most_answer_bytes: usize,
    /// The most parts in one `$batch`; Dataverse allows 1000.
    pub most_batch_parts: usize,
}

impl ClientConfig {
    /// The usual settings.
    pub fn new(system: impl Into<String>, base_url: impl Into<String>, sign_in: SignIn) -> Self {
        Self {
            system: system.into(),
            base_url: base_url.into(),
            sign_in,
            user_agent: concat!("dualwright/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(150),
            most_in_flight: 16,
            limit_window: Duration::from_secs(300),
            throttle_patience: Duration::from_secs(600),
            retry: RetryPolicy::default(),
            most_answer_bytes: 64 << 20,
            most_batch_parts: 1000,
        }
    }
}

/// A signed-in HTTP client for one system. Cheap to clone; clones share the token, the gate and the limit.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    system: String,
    /// Scheme, host and port, without a slash at the end.
    origin: String,
    /// The base address' path, with a slash at both ends.
    base_path: String,
    retry: RetryPolicy,
    patience: Duration,
    most_batch_parts: usize,
    token: TokenSource,
    throttle: Throttle,
    transport: Arc<dyn Transport>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (system, origin) = (&self.inner.system, &self.inner.origin);
        formatter
            .debug_struct("Client")
            .field("system", system)
            .field("origin", origin)
            .finish_non_exhaustive()
    }
}

/// What one trip over the wire came to.
enum Trip {
    Answer(Response),
    /// Waited out or renewed: go again, this was no fault.
    Again,
    Fault {
        reason: String,
        /// Whether the request may have been carried out.
        sent: bool,
    },
}

impl Client {
    /// Sets up a client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError::Unknown`] when the base address is no `http` or `https` address, [`ConnectError::Unavailable`] when
    /// this machine cannot do TLS at all.
    pub fn new(config: ClientConfig) -> Result<Self, ConnectError> {
        let (origin, _) = split_base(&config)?;
        let wire = Wire::new(&WireConfig {
            user_agent: &config.user_agent,
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
            most_bytes: config.most_answer_bytes,
            local: is_local(&origin),
        })
        .map_err(|reason| ConnectError::Unavailable { system: config.system.clone(), reason })?;
        Self::over(config, Arc::new(wire))
    }

    pub(crate) fn over(config: ClientConfig, transport: Arc<dyn Transport>) -> Result<Self, ConnectError> {
        let (origin, base_path) = split_base(&config)?;
        let patience = config.throttle_patience;
        let token =
            TokenSource::new(config.sign_in, &config.system, config.retry, patience, Arc::clone(&transport));
        let inner = Inner {
            system: config.system,
            origin,
            base_path,
            retry: config.retry,
            patience,
            most_batch_parts: config.most_batch_parts.max(1),
            token,
            throttle: Throttle::new(config.most_in_flight, config.limit_window),
            transport,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The word for this system in errors.
    pub fn system(&self) -> &str {
        &self.inner.system
    }

    /// How many requests may be in flight at the moment; less than configured while the service throttles.
    pub fn limit(&self) -> usize {
        self.inner.throttle.limit()
    }

    /// Signs in, unless a good token is held already.
    ///
    /// # Errors
    /// When the sign-in is refused or the token endpoint does not answer.
    pub async fn sign_in(&self) -> Result<(), ConnectError> {
        self.inner.token.token().await.map(drop)
    }

    /// Sends one request and gives back its answer, of whatever status, once it is neither throttled nor (if the
    /// request is repeatable) a passing fault. After the last attempt a 5xx comes back as it is.
    ///
    /// # Errors
    /// [`ConnectError::Unavailable`] without a whole answer, [`ConnectError::Throttled`] when patience ended,
    /// [`ConnectError::Unauthorized`] when the token was refused twice or none was granted, and
    /// [`ConnectError::Protocol`] for an endless answer.
    pub async fn send(&self, request: Request) -> Result<Response, ConnectError> {
        self.send_of(request, 1).await
    }

    /// [`send`](Self::send) for a request of so many parts.
    pub(super) async fn send_of(&self, request: Request, parts: usize) -> Result<Response, ConnectError> {
        let (mut failed, mut renewed, mut patience) = (0_u32, false, self.inner.patience);
        loop {
            let (reason, last) = match self.trip(&request, parts, &mut renewed, &mut patience).await? {
                Trip::Again => continue,
                Trip::Answer(response) if judge(response.status, &response.headers) == Verdict::Final => {
                    return Ok(response);
                }
                Trip::Answer(response) if !request.repeatable => return Ok(response),
                Trip::Answer(response) => (response.status.to_string(), Some(response)),
                Trip::Fault { reason, sent: true } if !request.repeatable => {
                    return Err(self.unavailable(reason));
                }
                Trip::Fault { reason, .. } => (reason, None),
            };
            failed += 1;
            let Some(pause) = self.inner.retry.pause(failed) else {
                return last.ok_or_else(|| self.unavailable(reason));
            };
            tracing::debug!(system = %self.inner.system, %reason, attempt = failed, "a passing fault, trying again");
            tokio::time::sleep(pause).await;
        }
    }

    /// [`send`](Self::send), where every status but 2xx is an error.
    ///
    /// # Errors
    /// Those of `send`, and what the refusal means in general.
    pub async fn fetch(&self, request: Request) -> Result<Response, ConnectError> {
        let response = self.send(request).await?;
        if response.status.is_success() { Ok(response) } else { Err(self.failure(&response)) }
    }

    /// What a refusal means where nothing more special is known of it.
    pub fn failure(&self, response: &Response) -> ConnectError {
        failure(&self.inner.system, response)
    }

    /// An error for an answer that is not what the protocol promises.
    pub fn protocol(&self, reason: impl Into<String>) -> ConnectError {
        ConnectError::Protocol { system: self.inner.system.clone(), reason: reason.into() }
    }

    /// Path and query of a link that the service gave (`@odata.nextLink`, `@odata.deltaLink`), as
    /// [`Request::path`] takes it. The host in the link is not followed: behind a proxy it is another's, and the token
    /// is for this one.
    ///
    /// # Errors
    /// [`ConnectError::Protocol`] when it is not a link.
    pub fn path_of(&self, link: &str) -> Result<String, ConnectError> {
        let Some((_, rest)) = link.split_once("://").filter(|(scheme, _)| scheme.len() <= 5) else {
            return if link.is_empty() { Err(self.protocol("an empty link")) } else { Ok(link.to_owned()) };
        };
        match rest.find('/') {
            Some(slash) => Ok(rest.get(slash..).unwrap_or_default().to_owned()),
            None => Err(self.protocol("a link without a path")),
        }
    }

    /// How many requests the next `$batch` should join: `usual` at most, more while requests are scarce, fewer when
    /// the service takes long over each.
    pub fn batch_parts(&self, usual: usize) -> usize {
        self.inner.throttle.batch_parts(usual, self.inner.most_batch_parts)
    }

    pub(super) fn most_batch_parts(&self) -> usize {
        self.inner.most_batch_parts
    }

    pub(super) fn retry(&self) -> RetryPolicy {
        self.inner.retry
    }

    pub(super) fn patience(&self) -> Duration {
        self.inner.patience
    }

    /// The path of a part of a batch: from the root of the host, as both systems' examples have it.
    pub(super) fn rooted(&self, path: &str) -> String {
        if path.starts_with('/') { path.to_owned() } else { format!("{}{path}", self.inner.base_path) }
    }

    /// Closes the gate for everybody, because a part of a batch was throttled. Says for how long.
    pub(super) fn throttled(&self, retry_after: Option<Duration>, cause: Cause) -> Duration {
        let pause = self.inner.throttle.throttled(retry_after, cause);
        tracing::info!(system = %self.inner.system, pause_ms = pause.as_millis(), ?cause, "throttled, waiting");
        pause
    }

    pub(super) fn unavailable(&self, reason: impl Into<String>) -> ConnectError {
        ConnectError::Unavailable { system: self.inner.system.clone(), reason: reason.into() }
    }

    pub(super) fn given_up(&self, retry_after: Option<Duration>) -> ConnectError {
        ConnectError::Throttled { system: self.inner.system.clone(), retry_after }
    }

    async fn trip(
        &self,
        request: &Request,
        parts: usize,
        renewed: &mut bool,
        patience: &mut Duration,
    ) -> Result<Trip, ConnectError> {
        let mut slot = self
            .inner
            .throttle
            .enter(patience)
            .await
            .map_err(|too_long| self.given_up(Some(too_long.wait)))?;
        let token = self.inner.token.token().await?;
        let outgoing = self.outgoing(request, token.header.clone());
        slot.sent();
        let response = match self.inner.transport.exchange(outgoing).await {
            Ok(response) => response,
            Err(TransportError::TooLong(most)) => {
                return Err(self.protocol(format!("an answer of more than {most} bytes")));
            }
            Err(error) => {
                let sent = !matches!(error, TransportError::NotSent(_));
                return Ok(Trip::Fault { reason: error.to_string(), sent });
            }
        };
        tracing::trace!(
            system = %self.inner.system, method = %request.method, path = loggable(&request.path),
            status = response.status.as_u16(), "answered"
        );
        if let Verdict::Throttled(pause) = judge(response.status, &response.headers) {
            self.throttled(pause, Cause::of_code(&ErrorBody::read(&response.body).code));
            return Ok(Trip::Again);
        }
        if response.status == StatusCode::UNAUTHORIZED {
            if *renewed {
                return Err(self.failure(&response));
            }
            *renewed = true;
            drop(slot);
            self.inner.token.refused(&token).await;
            return Ok(Trip::Again);
        }
        slot.served(&response.headers, parts);
        Ok(Trip::Answer(response))
    }

    fn outgoing(&self, request: &Request, token: HeaderValue) -> Outgoing {
        let mut headers = HeaderMap::with_capacity(request.headers.len() + 6);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert("odata-version", HeaderValue::from_static("4.0"));
        headers.insert("odata-maxversion", HeaderValue::from_static("4.0"));
        if !request.body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        }
        // What the request says itself replaces the defaults, as a whole where it says it more than once.
        for name in request.headers.keys() {
            headers.remove(name);
        }
        for (name, value) in &request.headers {
            headers.append(name, value.clone());
        }
        headers.insert(header::AUTHORIZATION, token);
        let url = format!("{}{}", self.inner.origin, self.rooted(&request.path));
        Outgoing { method: request.method.clone(), url, headers, body: request.body.clone() }
    }
}

/// The base address in two halves.
fn split_base(config: &ClientConfig) -> Result<(String, String), ConnectError> {
    let unknown = || ConnectError::Unknown {
        system: config.system.clone(),
        what: format!("the address {:?}: it must be http(s)://host/path", config.base_url),
    };
    let uri: http::Uri = config.base_url.parse().map_err(|_| unknown())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(unknown()) };
    if !matches!(scheme, "http" | "https") || authority.as_str().contains('@') || uri.query().is_some() {
        return Err(unknown());
    }
    let path = uri.path();
    let path = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
    Ok((format!("{scheme}://{authority}"), path))
}

fn is_local(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

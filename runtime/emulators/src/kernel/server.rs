//! The HTTP server: connections, sign-in, faults, quotas, and the endpoints under `/emulator/`. What is asked of a
//! system itself goes to its [`System`].

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::SERVER;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::Options;
use crate::kernel::error::{EmulatorError, StoreError};
use crate::kernel::faults::{Facts, Fault, Faults, Outcome};
use crate::kernel::http::{Request, Response, form_fields};
use crate::kernel::https::Https;
use crate::kernel::outbox;
use crate::kernel::quota::{Exceeded, Limits, Quota, Remaining};
use crate::kernel::sign_in;
use crate::kernel::store::Store;
use crate::kernel::token::{Tokens, unauthorized};
use crate::kernel::write_log;

/// What every answer says of itself.
const BANNER: &str = "dualwright-emulator";
/// The largest request body: that of the documented limit for a batch.
const MOST_BYTES: usize = 128 * 1024 * 1024;
/// How long requests under way may take when the emulator stops.
const GRACE: Duration = Duration::from_secs(5);
/// How long a client may take to agree on the encryption of a connection.
const HANDSHAKE: Duration = Duration::from_secs(10);
const MOST_WRITES: i64 = 10_000;

/// One of the two systems, as the server sees it.
#[async_trait]
pub trait System: Send + Sync + 'static {
    /// The system's word in `GET /emulator/health`.
    fn name(&self) -> &'static str;

    /// The kind of a request, for faults: `read`, `create`, `update`, `delete`, `batch`, `bulk`, `metadata`.
    fn operation(&self, request: &Request) -> &'static str;

    /// Answers a request of a signed-in client.
    async fn handle(self: Arc<Self>, client: Arc<str>, request: Request) -> Response;

    /// Answers a request under `/emulator/` that is the system's own; `None` when it has no such endpoint.
    async fn handle_emulator(self: Arc<Self>, request: Request) -> Option<Response>;

    /// A failure that is not the request's fault, in the system's own words: a scripted fault.
    fn failure(&self, status: StatusCode) -> Response;

    /// The answer to a request beyond a limit; `Retry-After` is added by the server.
    fn throttled(&self, exceeded: &Exceeded) -> Response;

    /// Adds to an answer what remains of the limits.
    fn remaining(&self, remaining: &Remaining, response: Response) -> Response {
        let _ = remaining;
        response
    }
}

/// A running emulator. Dropping it stops it at once; [`Running::shutdown`] lets requests under way end.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    secure: bool,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
    deliverer: Option<JoinHandle<()>>,
    store: Store,
}

impl Running {
    /// The address as a URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", scheme(self.secure), self.address)
    }

    /// Stops listening, lets requests under way end within five seconds, and closes the file.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
        if let Some(deliverer) = self.deliverer.take() {
            let _ = deliverer.await;
        }
        self.store.close().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in [&self.task, &self.deliverer].into_iter().flatten() {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What the server shares between connections.
struct Core<S> {
    system: Arc<S>,
    store: Store,
    tokens: Tokens,
    faults: Faults,
    quota: Quota,
    address: SocketAddr,
    /// Takes the encryption off a connection; `None` for plain HTTP.
    https: Option<TlsAcceptor>,
}

fn scheme(secure: bool) -> &'static str {
    if secure { "https" } else { "http" }
}

/// Starts the server of a system on its store.
///
/// # Errors
/// When the address is not loopback or cannot be had, or the store fails.
pub async fn start<S: System>(
    options: &Options,
    store: Store,
    system: Arc<S>,
) -> Result<Running, EmulatorError> {
    if !options.listen.ip().is_loopback() {
        return Err(EmulatorError::NotLoopback { address: options.listen });
    }
    let cannot_listen = |source| EmulatorError::Listen { address: options.listen, source };
    let listener = TcpListener::bind(options.listen).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let tokens = Tokens::open(&store, options.clients.clone(), options.token_lifetime).await?;
    let faults = Faults::default();
    let client = outbox::client().map_err(EmulatorError::Client)?;
    let (stop, stopped) = watch::channel(false);
    let deliverer = tokio::spawn(outbox::deliver(store.clone(), client, faults.clone(), stopped.clone()));
    let https = options.https.as_ref().map(Https::acceptor).transpose()?;
    let secure = https.is_some();
    let core = Arc::new(Core {
        system,
        store: store.clone(),
        tokens,
        faults,
        quota: Quota::default(),
        address,
        https,
    });
    let task = tokio::spawn(accept(listener, core, stopped));
    Ok(Running { address, secure, stop, task: Some(task), deliverer: Some(deliverer), store })
}

async fn accept<S: System>(listener: TcpListener, core: Arc<Core<S>>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, core.clone(), stop.clone()));
                }
                Err(error) => {
                    // Out of file handles, as a rule: wait for some to come back.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    let ended = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!("requests under way were cut");
    }
}

async fn serve<S: System>(stream: TcpStream, core: Arc<Core<S>>, stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let Some(https) = core.https.clone() else { return converse(stream, core, stop).await };
    match tokio::time::timeout(HANDSHAKE, https.accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, core, stop).await,
        // A client that does not trust the certificate, as a rule.
        Ok(Err(error)) => tracing::debug!(%error, "a connection was not made secure"),
        Err(_) => tracing::debug!("a connection was not made secure in time"),
    }
}

async fn converse<S: System>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    core: Arc<Core<S>>,
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let core = core.clone();
        async move { answer(core, request).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The connection is cut on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut by a scripted fault")]
struct Cut;

async fn answer<S: System>(
    core: Arc<Core<S>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Answer>, Cut> {
    let request = match read(&core, request).await {
        Ok(request) => request,
        Err(response) => return Ok(send(response, false)),
    };
    // On a task of its own, so that a client that goes away does not leave its request half done.
    let done = tokio::spawn(core.answer(request)).await;
    match done {
        Ok(Some((response, half))) => Ok(send(response, half)),
        Ok(None) => Err(Cut),
        Err(error) => {
            tracing::error!(%error, "a request was not answered");
            Ok(send(Response::empty(StatusCode::INTERNAL_SERVER_ERROR), false))
        }
    }
}

async fn read<S: System>(core: &Core<S>, request: http::Request<Incoming>) -> Result<Request, Response> {
    let (parts, mut incoming) = request.into_parts();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| Response::empty(StatusCode::BAD_REQUEST))?;
        if let Some(data) = frame.data_ref() {
            if body.len() + data.len() > MOST_BYTES {
                return Err(Response::empty(StatusCode::PAYLOAD_TOO_LARGE));
            }
            body.extend_from_slice(data);
        }
    }
    let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let scheme = scheme(core.https.is_some());
    let base =
        host.map_or_else(|| format!("{scheme}://{}", core.address), |host| format!("{scheme}://{host}"));
    Ok(Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: Bytes::from(body),
        base,
    })
}

impl<S: System> Core<S> {
    /// The answer and whether only half of it is sent; `None` cuts the connection.
    async fn answer(self: Arc<Self>, request: Request) -> Option<(Response, bool)> {
        if request.path == "/emulator" || request.path.starts_with("/emulator/") {
            return Some((self.emulator(request).await, false));
        }
        if let Some(response) = sign_in::answer(&request) {
            return Some((response, false));
        }
        let is_token = Tokens::is_endpoint(&request.path);
        let client: Arc<str> = if is_token {
            "".into()
        } else {
            match self.tokens.check(&request) {
                Ok(client) => client,
                Err(refusal) => return Some((unauthorized(refusal, &request.base), false)),
            }
        };
        let operation = if is_token { "token" } else { self.system.operation(&request) };
        let method = request.method.clone();
        let facts = Facts { method: method.as_str(), path: &request.path, operation, client: &client };
        let plan = self.faults.plan(facts);
        if !plan.latency.is_zero() {
            tokio::time::sleep(plan.latency).await;
        }
        match plan.outcome {
            Outcome::DropBefore => return None,
            Outcome::Status { status, retry_after } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let response = self.system.failure(status);
                return Some((
                    match retry_after {
                        Some(seconds) => response.retry_after(seconds),
                        None => response,
                    },
                    false,
                ));
            }
            Outcome::Normal | Outcome::DropAfter | Outcome::HalfResponse => {}
        }
        let response = if is_token {
            self.tokens.answer(&request)
        } else {
            match self.quota.enter(&client) {
                Err(exceeded) => self.system.throttled(&exceeded).retry_after(exceeded.retry_after),
                Ok(pass) => {
                    let response = self.system.clone().handle(client, request).await;
                    match &pass.remaining {
                        Some(remaining) => self.system.remaining(remaining, response),
                        None => response,
                    }
                }
            }
        };
        match plan.outcome {
            Outcome::DropAfter => None,
            Outcome::HalfResponse if response.body.is_empty() => None,
            Outcome::HalfResponse => Some((response, true)),
            _ => Some((response, false)),
        }
    }

    async fn emulator(self: Arc<Self>, request: Request) -> Response {
        match (&request.method, request.path.as_str()) {
            (&Method::GET, "/emulator/health") => Response::json(
                StatusCode::OK,
                format!("{{\"status\":\"up\",\"emulator\":\"{}\"}}", self.system.name()),
            ),
            (&Method::GET, "/emulator/writes") => self.writes(&request).await,
            (&Method::POST, "/emulator/faults") => {
                match serde_json::from_slice::<Vec<Fault>>(&request.body) {
                    Ok(faults) => match self.faults.add(faults) {
                        Ok(()) => Response::empty(StatusCode::NO_CONTENT),
                        Err(reason) => wrong(&reason),
                    },
                    Err(error) => wrong(&error.to_string()),
                }
            }
            (&Method::GET, "/emulator/faults") => {
                let faults = serde_json::json!({ "faults": self.faults.struck() });
                Response::json(StatusCode::OK, faults.to_string())
            }
            (&Method::DELETE, "/emulator/faults") => {
                self.faults.clear();
                Response::empty(StatusCode::NO_CONTENT)
            }
            (&Method::POST, "/emulator/quota") => match serde_json::from_slice::<Limits>(&request.body) {
                Ok(limits) => {
                    self.quota.set(Some(limits));
                    Response::empty(StatusCode::NO_CONTENT)
                }
                Err(error) => wrong(&error.to_string()),
            },
            (&Method::GET, "/emulator/quota") => {
                let tallies = serde_json::json!({ "clients": self.quota.tallies() });
                Response::json(StatusCode::OK, tallies.to_string())
            }
            (&Method::DELETE, "/emulator/quota") => {
                self.quota.set(None);
                Response::empty(StatusCode::NO_CONTENT)
            }
            _ => match self.system.clone().handle_emulator(request).await {
                Some(response) => response,
                None => {
                    Response::json(StatusCode::NOT_FOUND, "{\"error\":\"the emulator has no such endpoint\"}")
                }
            },
        }
    }

    async fn writes(&self, request: &Request) -> Response {
        let (mut after, mut limit) = (0, 1000);
        for (name, value) in form_fields(&request.query) {
            match (name.as_str(), value.parse::<i64>()) {
                ("after", Ok(number)) => after = number,
                ("limit", Ok(number)) if number >= 0 => limit = number.min(MOST_WRITES),
                _ => return wrong("after and limit are whole numbers"),
            }
        }
        let page = self.store.read(move |snapshot| write_log::page(snapshot, after, limit)).await;
        match page {
            Ok(body) => Response::json(StatusCode::OK, body),
            Err(error) => store_failure(&error),
        }
    }
}

/// The plain answer to a wrong request under `/emulator/`.
pub fn wrong(reason: &str) -> Response {
    let reason = serde_json::Value::from(reason);
    Response::json(StatusCode::BAD_REQUEST, format!("{{\"error\":{reason}}}"))
}

/// The plain answer under `/emulator/` when the database failed.
pub fn store_failure(error: &StoreError) -> Response {
    tracing::error!(%error, "the emulator's file failed");
    Response::json(StatusCode::INTERNAL_SERVER_ERROR, "{\"error\":\"the emulator's file failed\"}")
}

fn send(response: Response, half: bool) -> http::Response<Answer> {
    let whole = response.body.len();
    let body = if half { response.body.slice(..whole / 2) } else { response.body };
    let mut answer =
        http::Response::new(Answer { rest: Some(body).filter(|body| !body.is_empty()), whole, cut: half });
    *answer.status_mut() = response.status;
    *answer.headers_mut() = response.headers;
    answer.headers_mut().insert(SERVER, HeaderValue::from_static(BANNER));
    answer
}

/// A body in one piece, or half a body and then the end of the connection.
struct Answer {
    rest: Option<Bytes>,
    whole: usize,
    cut: bool,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Poll::Ready(match self.rest.take() {
            Some(data) => Some(Ok(Frame::data(data))),
            None if std::mem::take(&mut self.cut) => Some(Err(Cut)),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        let rest = if self.cut { self.whole } else { self.rest.as_ref().map_or(0, Bytes::len) };
        SizeHint::with_exact(u64::try_from(rest).unwrap_or(u64::MAX))
    }
}

//! Sign-in with client credentials, and the token it yields.
//!
//! Wire: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::redact::Secret;
use super::retry::{RetryPolicy, Verdict, judge};
use super::transport::{Outgoing, Transport, TransportError};
use crate::ConnectError;

/// A client's credentials and where to show them.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The token endpoint: `https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token`.
    pub token_url: String,
    /// The application (client) id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// What access is asked for: `{resource}/.default`.
    pub scope: String,
}

impl SignIn {
    /// Credentials at an authority such as `https://login.microsoftonline.com`, for the API at `resource` (the
    /// environment's own address).
    pub fn new(
        authority: &str,
        tenant: &str,
        resource: &str,
        client_id: &str,
        client_secret: Secret,
    ) -> Self {
        Self {
            token_url: format!("{}/{tenant}/oauth2/v2.0/token", authority.trim_end_matches('/')),
            client_id: client_id.to_owned(),
            client_secret,
            scope: format!("{}/.default", resource.trim_end_matches('/')),
        }
    }
}

/// A token, and which one it is.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    serial: u64,
    renew_at: Instant,
}

/// Holds the current token. One task renews it, the others wait for that one (single flight).
pub(crate) struct TokenSource {
    sign_in: SignIn,
    system: String,
    retry: RetryPolicy,
    patience: Duration,
    transport: Arc<dyn Transport>,
    current: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    fetched: u64,
}

/// Renewed this long before it expires, or after four fifths of a life that is shorter than five times this.
const MARGIN: Duration = Duration::from_secs(300);
/// A life that the endpoint does not tell.
const UNTOLD_LIFE: Duration = Duration::from_secs(300);

#[derive(Deserialize)]
struct Granted {
    access_token: Secretive,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Secretive(String);

#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl TokenSource {
    pub(crate) fn new(
        sign_in: SignIn,
        system: &str,
        retry: RetryPolicy,
        patience: Duration,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self { sign_in, system: system.to_owned(), retry, patience, transport, current: Mutex::default() }
    }

    /// A token that is good for some time yet.
    pub(crate) async fn token(&self) -> Result<Token, ConnectError> {
        // The lock is held while a new token is fetched: that is what makes everybody else wait for it.
        let mut state = self.current.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.clone());
        }
        let asked_at = Instant::now();
        let granted = self.fetch().await?;
        state.fetched += 1;
        let token = self.keep(granted, asked_at, state.fetched)?;
        state.token = Some(token.clone());
        Ok(token)
    }

    /// The service refused this token: the next call fetches another, unless somebody already did.
    pub(crate) async fn refused(&self, token: &Token) {
        let mut state = self.current.lock().await;
        if state.token.as_ref().is_some_and(|current| current.serial == token.serial) {
            state.token = None;
        }
    }

    fn keep(&self, granted: Granted, asked_at: Instant, serial: u64) -> Result<Token, ConnectError> {
        // Some endpoints print the number as a text.
        let life = match &granted.expires_in {
            Some(serde_json::Value::String(text)) => text.parse().ok(),
            Some(number) => number.as_u64(),
            None => None,
        };
        let life = life.map_or(UNTOLD_LIFE, Duration::from_secs);
        let margin = MARGIN.min(life / 5);
        let mut header =
            HeaderValue::from_str(&format!("Bearer {}", granted.access_token.0)).map_err(|_| {
                self.refusal("the token endpoint granted a token that no header can hold".to_owned())
            })?;
        header.set_sensitive(true);
        Ok(Token { header, serial, renew_at: asked_at + life.saturating_sub(margin) })
    }

    async fn fetch(&self) -> Result<Granted, ConnectError> {
        let (mut failed, mut waited) = (0_u32, Duration::ZERO);
        loop {
            let reason = match self.transport.exchange(self.request()).await {
                Err(TransportError::TooLong(most)) => {
                    return Err(
                        self.refusal(format!("the token endpoint's answer is longer than {most} bytes"))
                    );
                }
                Err(error) => error.to_string(),
                Ok(response) => match judge(response.status, &response.headers) {
                    Verdict::Final if response.status == StatusCode::OK => {
                        return response.json().map_err(|reason| ConnectError::Protocol {
                            system: self.system.clone(),
                            reason: format!("token endpoint: {reason}"),
                        });
                    }
                    Verdict::Final => return Err(self.read_refusal(response.status, &response.body)),
                    Verdict::Throttled(pause) => {
                        let pause = pause.unwrap_or(self.retry.cap).max(Duration::from_millis(100));
                        waited += pause;
                        if waited > self.patience {
                            let (system, retry_after) = (self.system.clone(), Some(pause));
                            return Err(ConnectError::Throttled { system, retry_after });
                        }
                        tokio::time::sleep(pause).await;
                        continue;
                    }
                    Verdict::Passing => format!("the token endpoint answered {}", response.status),
                },
            };
            failed += 1;
            let Some(pause) = self.retry.pause(failed) else {
                let reason = format!("sign-in: {reason}");
                return Err(ConnectError::Unavailable { system: self.system.clone(), reason });
            };
            tracing::debug!(system = %self.system, %reason, "sign-in will be tried again");
            tokio::time::sleep(pause).await;
        }
    }

    fn request(&self) -> Outgoing {
        let field =
            |name: &str, value: &str| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        let body = [
            field("grant_type", "client_credentials"),
            field("client_id", &self.sign_in.client_id),
            field("client_secret", self.sign_in.client_secret.expose()),
            field("scope", &self.sign_in.scope),
        ]
        .join("&");
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let url = self.sign_in.token_url.clone();
        Outgoing { method: Method::POST, url, headers, body: Bytes::from(body) }
    }

    fn read_refusal(&self, status: StatusCode, body: &[u8]) -> ConnectError {
        let refused: Refused = serde_json::from_slice(body).unwrap_or_default();
        // The first line says what is wrong (AADSTS7000215: …); the rest are trace ids.
        let description = refused.error_description.lines().next().unwrap_or_default();
        let told = format!("{} {description}", refused.error);
        let told = self.sign_in.client_secret.scrub(told.trim());
        let told = if told.is_empty() { format!("the token endpoint answered {status}") } else { told };
        self.refusal(told)
    }

    fn refusal(&self, reason: String) -> ConnectError {
        ConnectError::Unauthorized { system: self.system.clone(), reason }
    }
}

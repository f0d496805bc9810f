//! Sign-in: the client-credentials token endpoint, and the check of bearer tokens.
//!
//! Shapes after `learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow`. A token carries its
//! client and its end, signed with a key kept in the emulator's file, so that a restart does not end it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use sha2::{Digest, Sha256};

use crate::Client;
use crate::kernel::clock;
use crate::kernel::error::StoreError;
use crate::kernel::http::{Request, Response, form_fields};
use crate::kernel::store::Store;

const KEY_SETTING: &str = "token-key";

/// Gives out and checks tokens.
pub struct Tokens {
    key: Vec<u8>,
    clients: Vec<Client>,
    lifetime: Duration,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No bearer token came with it.
    Missing,
    /// The token is not one of ours.
    Invalid,
    /// Its time is over.
    Expired,
}

impl Tokens {
    /// Takes the signing key out of the store, making one the first time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(store: &Store, clients: Vec<Client>, lifetime: Duration) -> Result<Self, StoreError> {
        let fresh = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let key = store
            .write(move |transaction| -> Result<String, StoreError> {
                if let Some(key) = transaction.setting(KEY_SETTING)? {
                    return Ok(key);
                }
                transaction.set_setting(KEY_SETTING, &fresh)?;
                Ok(fresh)
            })
            .await?;
        Ok(Self { key: key.into_bytes(), clients, lifetime })
    }

    /// Whether the path is that of the token endpoint: `/{tenant}/oauth2/v2.0/token`.
    pub fn is_endpoint(path: &str) -> bool {
        path.strip_suffix("/oauth2/v2.0/token")
            .and_then(|tenant| tenant.strip_prefix('/'))
            .is_some_and(|tenant| !tenant.is_empty() && !tenant.contains('/'))
    }

    /// Answers a request to the token endpoint.
    pub fn answer(&self, request: &Request) -> Response {
        if request.method != http::Method::POST {
            return Response::empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        let text = String::from_utf8_lossy(&request.body);
        let fields = form_fields(&text);
        let field =
            |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let Some(client_id) = field("client_id").filter(|id| !id.is_empty()) else {
            return refuse(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "AADSTS900144: The request body must contain the following parameter: 'client_id'.",
            );
        };
        match field("grant_type") {
            Some("client_credentials") => {}
            Some(_) => {
                return refuse(
                    StatusCode::BAD_REQUEST,
                    "unsupported_grant_type",
                    "AADSTS70003: The app requested an unsupported grant type.",
                );
            }
            None => {
                return refuse(
                    StatusCode::BAD_REQUEST,
                    "invalid_request",
                    "AADSTS900144: The request body must contain the following parameter: 'grant_type'.",
                );
            }
        }
        if !field("scope").is_some_and(|scope| scope.ends_with("/.default")) {
            return refuse(
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                "AADSTS1002012: The provided value for scope is not valid. Client credential flows must have a scope value \
                 with /.default suffixed to the resource identifier (application ID URI).",
            );
        }
        let Some(client) = self.clients.iter().find(|client| client.id == client_id) else {
            return refuse(
                StatusCode::BAD_REQUEST,
                "unauthorized_client",
                "AADSTS700016: Application with this identifier was not found in the directory.",
            );
        };
        let secret = field("client_secret").unwrap_or_default();
        if !same(client.secret.as_bytes(), secret.as_bytes()) {
            return refuse(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "AADSTS7000215: Invalid client secret provided.",
            );
        }
        let body = format!(
            "{{\"token_type\":\"Bearer\",\"expires_in\":{seconds},\"ext_expires_in\":{seconds},\"access_token\":\"{token}\"}}",
            seconds = self.lifetime.as_secs(),
            token = self.issue(&client.id),
        );
        Response::json(StatusCode::OK, body).header("cache-control", "no-store, no-cache")
    }

    /// Who sends this request.
    ///
    /// # Errors
    /// Why it is not let in.
    pub fn check(&self, request: &Request) -> Result<Arc<str>, Refusal> {
        let header = request.header("authorization").ok_or(Refusal::Missing)?;
        let (scheme, token) = header.split_once(' ').ok_or(Refusal::Missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refusal::Missing);
        }
        let (signed, signature) = token.trim().rsplit_once('.').ok_or(Refusal::Invalid)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Invalid)?;
        if !same(&hmac(&self.key, signed.as_bytes()), &signature) {
            return Err(Refusal::Invalid);
        }
        let (client, end) = signed.split_once('.').ok_or(Refusal::Invalid)?;
        let end: i64 = end.parse().map_err(|_| Refusal::Invalid)?;
        if end <= clock::now_millis() {
            return Err(Refusal::Expired);
        }
        let client = URL_SAFE_NO_PAD.decode(client).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let client = client.ok_or(Refusal::Invalid)?;
        // A client that was taken out of the list is out at once.
        if !self.clients.iter().any(|known| known.id == client) {
            return Err(Refusal::Invalid);
        }
        Ok(client.into())
    }

    fn issue(&self, client: &str) -> String {
        let lifetime = i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX);
        let end = clock::now_millis().saturating_add(lifetime);
        let signed = format!("{}.{end}", URL_SAFE_NO_PAD.encode(client));
        let signature = URL_SAFE_NO_PAD.encode(hmac(&self.key, signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// The answer to a request that is not let in.
pub fn unauthorized(refusal: Refusal, base: &str) -> Response {
    let detail = match refusal {
        Refusal::Missing => String::new(),
        Refusal::Invalid => ", error=\"invalid_token\", error_description=\"The token is not valid\"".into(),
        Refusal::Expired => ", error=\"invalid_token\", error_description=\"The token is expired\"".into(),
    };
    let challenge =
        format!("Bearer authorization_uri={base}/common/oauth2/authorize, resource_id={base}/{detail}");
    Response::empty(StatusCode::UNAUTHORIZED).header("www-authenticate", &challenge)
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    Response::json(status, format!("{{\"error\":\"{error}\",\"error_description\":\"{description}\"}}"))
}

/// Compares without telling by its time how far the two agree.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 64;
    let mut padded = if key.len() > BLOCK { Sha256::digest(key).to_vec() } else { key.to_vec() };
    padded.resize(BLOCK, 0);
    let masked = |mask: u8| padded.iter().map(|byte| byte ^ mask).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(masked(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(masked(0x5c)).chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::{Tokens, hmac};

    #[test]
    fn the_signature_is_that_of_the_rfc() {
        // RFC 4231, test case 2.
        let mac = hmac(b"Jefe", b"what do ya want for nothing?");
        let text: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn the_endpoint_is_under_a_tenant() {
        assert!(Tokens::is_endpoint("/contoso/oauth2/v2.0/token"));
        assert!(!Tokens::is_endpoint("/oauth2/v2.0/token"));
        assert!(!Tokens::is_endpoint("/a/b/oauth2/v2.0/token"));
    }
}

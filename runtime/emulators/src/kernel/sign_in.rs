//! What sign-in libraries ask before they ask for a token: where the endpoints of a tenant are.
//!
//! After `learn.microsoft.com/entra/identity-platform/v2-protocols-oidc` (the configuration document) and
//! `v2-oauth2-auth-code-flow` (which needs a person and a browser, and is not supported).

use http::{Method, StatusCode};
use serde_json::json;

use crate::kernel::http::{Request, Response};

/// The answer to a request about signing in that is not for a token; `None` when it is about something else.
pub(super) fn answer(request: &Request) -> Option<Response> {
    let (tenant, below) = request.path.strip_prefix('/')?.split_once('/')?;
    if tenant.is_empty() {
        return None;
    }
    match below {
        "v2.0/.well-known/openid-configuration" | ".well-known/openid-configuration" => {
            Some(if request.method == Method::GET {
                Response::json(StatusCode::OK, configuration(&request.base, tenant))
            } else {
                Response::empty(StatusCode::METHOD_NOT_ALLOWED)
            })
        }
        "oauth2/v2.0/authorize" | "oauth2/v2.0/devicecode" | "discovery/v2.0/keys" => Some(Response::json(
            StatusCode::NOT_IMPLEMENTED,
            json!({
                "error": "unsupported_response_type",
                "error_description": format!(
                    "The emulator does not support {below}: sign in with client credentials (client_id and client_secret)."
                ),
            })
            .to_string(),
        )),
        _ => None,
    }
}

fn configuration(base: &str, tenant: &str) -> String {
    let endpoint = |name: &str| format!("{base}/{tenant}/{name}");
    json!({
        "issuer": endpoint("v2.0"),
        "token_endpoint": endpoint("oauth2/v2.0/token"),
        "authorization_endpoint": endpoint("oauth2/v2.0/authorize"),
        "device_authorization_endpoint": endpoint("oauth2/v2.0/devicecode"),
        "jwks_uri": endpoint("discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "tenant_region_scope": null,
    })
    .to_string()
}

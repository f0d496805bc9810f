//! Asking a running runtime: what the commands for operators share.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::Failure;
use crate::config::Config;

/// How long a runtime may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The header in which a component's signature travels.
const SIGNATURE: &str = "dualwright-signature";

/// Which runtime is asked.
#[derive(Debug, Args)]
pub(crate) struct Address {
    /// The configuration of the runtime: its address and token are read from there.
    #[arg(long, default_value = "dualwright.toml", value_name = "FILE")]
    config: PathBuf,
    /// Where it answers, when that is not the `listen` of its configuration (a port of 0, another machine).
    #[arg(long, env = "DUALWRIGHT_ADDRESS", value_name = "URL")]
    address: Option<String>,
}

/// A runtime that can be asked.
pub(crate) struct Operator {
    http: Client,
    address: String,
    token: Option<String>,
}

impl Address {
    /// Reads how the runtime is reached. Nothing is sent yet.
    pub(crate) fn open(&self) -> Result<Operator, Failure> {
        // With an address given, a configuration is needed for its token only, and may be absent.
        let config = match (&self.address, self.config.exists()) {
            (Some(_), false) => None,
            _ => Some(Config::load(&self.config)?),
        };
        let token = match config.as_ref().and_then(|config| Some((config, config.control.token.as_ref()?))) {
            Some((config, token)) => Some(token.read(&config.folder)?.reveal().to_owned()),
            None => None,
        };
        let address = match (&self.address, &config) {
            (Some(address), _) => address.trim_end_matches('/').to_owned(),
            (None, Some(config)) if config.control.listen.port() != 0 => {
                format!("http://{}", config.control.listen)
            }
            _ => {
                return Err(Failure::usage(
                    "the configuration does not say on which port the runtime answers",
                )
                .at(self.config.display())
                .hint("name the address that `dualwright run` printed: --address http://127.0.0.1:PORT"));
            }
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| Failure::runtime("cannot prepare to ask the runtime").because(error))?;
        Ok(Operator { http, address, token })
    }
}

impl Operator {
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.ask(Method::GET, path, query, Body::None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::DELETE, path, &[], Body::None).await
    }

    /// Sends a component under the name that messages call it by, with the signature beside it.
    pub(crate) async fn put_component(
        &self,
        name: &str,
        bytes: Vec<u8>,
        signature: Option<&[u8]>,
    ) -> Result<Value, Failure> {
        self.ask(Method::POST, "/v1/plugins", &[("file", name)], Body::Component(bytes, signature)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask(Method::POST, path, &[], Body::Json(body)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Body<'_>,
    ) -> Result<Value, Failure> {
        let url = format!("{}{path}", self.address);
        let mut request = self.http.request(method, &url).query(query);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request = match body {
            Body::None => request,
            Body::Json(document) => request.json(document),
            Body::Component(bytes, signature) => {
                let request = match signature {
                    Some(signature) => request.header(SIGNATURE, hexadecimal(signature)),
                    None => request,
                };
                request.header("content-type", "application/wasm").body(bytes)
            }
        };
        let answer = request.send().await.map_err(|error| {
            Failure::environment("the runtime does not answer")
                .at(&self.address)
                .because(error.without_url())
                .hint("start it with `dualwright run`, or name its address with --address")
        })?;
        let status = answer.status();
        let document: Value = answer.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(document);
        }
        let said = document.pointer("/error/message").and_then(Value::as_str);
        let failure = match status {
            StatusCode::UNAUTHORIZED => Failure::environment("the runtime does not let us in")
                .hint("its [control] token is asked for; use the configuration that it runs with"),
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => {
                Failure::usage("the runtime refuses")
            }
            _ => Failure::runtime("the runtime could not do it"),
        };
        let words = said.map_or_else(|| format!("it answered {status}"), str::to_owned);
        Err(failure.at(url).because(Said(words)))
    }
}

/// A signature as it travels: raw bytes are no header, and the text forms of a file may have line ends.
fn hexadecimal(signature: &[u8]) -> String {
    match std::str::from_utf8(signature) {
        Ok(text) if signature.len() != 64 => text.split_whitespace().collect(),
        _ => signature.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

enum Body<'a> {
    None,
    Json(&'a Value),
    Component(Vec<u8>, Option<&'a [u8]>),
}

/// What the runtime said.
#[derive(Debug)]
struct Said(String);

impl std::fmt::Display for Said {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Said {}

//! Signing in, reading what a table holds, creating rows.

use std::net::IpAddr;
use std::time::Duration;

use dualwright_odata::batch::{self, Item, PartRequest};
use dualwright_odata::metadata::{self, EntityType, Metadata, local_name};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::rows::Row;
use super::{LoadError, LoadSystem, LoadTarget};

const BOUNDARY: &str = "load";
/// How often a request that the service was too busy for is sent again.
const PATIENCE: u32 = 20;
/// The longest wait that is granted to a busy service.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    Text,
    Number,
    Boolean,
    /// A moment. A day alone is the moment of that day which the system takes for it.
    Moment {
        day_time: &'static str,
    },
}

/// One field of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: FieldKind,
}

/// What is loaded into.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
}

impl Table {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

/// A client that is signed in.
pub(super) struct Session {
    http: reqwest::Client,
    target: LoadTarget,
    base: String,
    token: String,
}

impl Session {
    pub(super) async fn open(target: &LoadTarget) -> Result<Self, LoadError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder().timeout(Duration::from_secs(120));
        if is_loopback(&target.url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| failed(&target.url, &error))?;
        let path = match target.system {
            LoadSystem::Finops => "data",
            LoadSystem::Dataverse => "api/data/v9.2",
        };
        let base = format!("{}/{path}", target.url.trim_end_matches('/'));
        let mut session = Self { http, target: target.clone(), base, token: String::new() };
        session.sign_in().await?;
        Ok(session)
    }

    async fn sign_in(&mut self) -> Result<(), LoadError> {
        let target = &self.target;
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", target.client_id.clone()),
            ("client_secret", target.client_secret.clone()),
            ("scope", format!("{}/.default", target.url)),
        ];
        let answer = self.http.post(&target.token_url).form(&form).send().await;
        let answer = answer.map_err(|error| failed(&target.token_url, &error))?;
        let status = answer.status();
        let body: Value = answer.json().await.map_err(|error| failed(&target.token_url, &error))?;
        let Some(token) = body.get("access_token").and_then(Value::as_str) else {
            let said = body.get("error_description").and_then(Value::as_str).unwrap_or("no token");
            let reason = format!("refused the sign-in with {status}: {said}");
            return Err(LoadError::Service { url: target.token_url.clone(), reason });
        };
        self.token = token.to_owned();
        Ok(())
    }

    /// Sends a request until it is answered: again when the service is busy, once more with a new token when the old one
    /// has run out.
    async fn send(
        &mut self,
        url: &str,
        build: impl Fn(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Result<Response, LoadError> {
        let mut renewed = false;
        let mut left = PATIENCE;
        loop {
            let answer = build(&self.http).bearer_auth(&self.token).send().await;
            let answer = answer.map_err(|error| failed(url, &error))?;
            match answer.status() {
                StatusCode::UNAUTHORIZED if !renewed => {
                    renewed = true;
                    self.sign_in().await?;
                }
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE if left > 0 => {
                    left -= 1;
                    tokio::time::sleep(retry_after(&answer)).await;
                }
                status if status.is_success() => return Ok(answer),
                status => {
                    let body = answer.bytes().await.unwrap_or_default();
                    let reason = format!("answered {}", reason_of(status.as_u16(), &body));
                    return Err(LoadError::Service { url: url.to_owned(), reason });
                }
            }
        }
    }

    /// What the service says a table holds.
    pub(super) async fn table(&mut self, name: &str) -> Result<Table, LoadError> {
        let url = format!("{}/$metadata", self.base);
        let answer = self.send(&url, |http| http.get(&url)).await?;
        let text = answer.text().await.map_err(|error| failed(&url, &error))?;
        let metadata = metadata::parse(&text)
            .map_err(|error| LoadError::Service { url, reason: format!("answered no metadata: {error}") })?;
        let Some(set) = metadata.entity_sets.iter().find(|set| set.name.eq_ignore_ascii_case(name)) else {
            return Err(LoadError::UnknownTable { table: name.to_owned(), hint: similar(&metadata, name) });
        };
        let Some(entity) = metadata.entity_type(&set.entity_type) else {
            return Err(LoadError::UnknownTable { table: name.to_owned(), hint: String::new() });
        };
        Ok(Table { name: set.name.clone(), fields: fields(self.target.system, &metadata, entity) })
    }

    /// Creates rows; answers for each why it was not written, in order.
    pub(super) async fn create(
        &mut self,
        table: &Table,
        rows: &[Row],
    ) -> Result<Vec<Option<String>>, LoadError> {
        let url = format!("{}/$batch", self.base);
        let items: Vec<Item<PartRequest>> = rows
            .iter()
            .map(|row| {
                let mut part = PartRequest::new("POST", format!("{}/{}", self.base, table.name));
                part.headers.push(("Content-Type".into(), "application/json".into()));
                part.body = Value::Object(row.cells.clone()).to_string().into_bytes();
                Item::Single(part)
            })
            .collect();
        let body = bytes::Bytes::from(batch::build_request(&items, BOUNDARY));
        let answer = self
            .send(&url, |http| {
                http.post(&url)
                    .header("Content-Type", batch::content_type(BOUNDARY))
                    .header("Prefer", "odata.continue-on-error")
                    .body(body.clone())
            })
            .await?;
        let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        let body = answer.bytes().await.map_err(|error| failed(&url, &error))?;
        let wrong = |reason: String| LoadError::Service { url: url.clone(), reason };
        let parts = batch::parse_response(&kind, &body, &batch::Limits::default())
            .map_err(|error| wrong(format!("answered no batch: {error}")))?;
        if parts.len() != rows.len() {
            return Err(wrong(format!("answered {} of {} rows", parts.len(), rows.len())));
        }
        Ok(parts
            .into_iter()
            .map(|part| match part {
                Item::Single(part) if (200..300).contains(&part.status) => None,
                Item::Single(part) => Some(reason_of(part.status, &part.body)),
                Item::Changeset(_) => Some("was answered as a changeset".to_owned()),
            })
            .collect())
    }
}

fn reason_of(status: u16, body: &[u8]) -> String {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let inner = said.pointer("/error/innererror/message").or_else(|| said.pointer("/error/message"));
    let text = inner.and_then(Value::as_str).unwrap_or("without a reason");
    format!("{status}: {text}")
}

fn fields(system: LoadSystem, metadata: &Metadata, entity: &EntityType) -> Vec<Field> {
    let day_time = match system {
        // So that no time zone moves it to another day.
        LoadSystem::Finops => "T12:00:00Z",
        LoadSystem::Dataverse => "T00:00:00Z",
    };
    let properties = entity.properties.iter().map(|property| {
        let kind = match local_name(&property.type_name) {
            "Int16" | "Int32" | "Int64" | "Decimal" | "Double" | "Single" | "Byte" => FieldKind::Number,
            "Boolean" => FieldKind::Boolean,
            "DateTimeOffset" => FieldKind::Moment { day_time },
            _ => FieldKind::Text,
        };
        Field { name: property.name.clone(), kind }
    });
    // Lookups are written as addresses: `msdyn_company@odata.bind` holds `/cdm_companies(cdm_companycode='USMF')`.
    let lookups = entity
        .navigation
        .iter()
        .map(|navigation| Field { name: format!("{}@odata.bind", navigation.name), kind: FieldKind::Text });
    let base = entity.base_type.as_deref().and_then(|base| metadata.entity_type(local_name(base)));
    let inherited = base.map(|base| fields(system, metadata, base)).unwrap_or_default();
    properties.chain(lookups).chain(inherited).collect()
}

fn similar(metadata: &Metadata, name: &str) -> String {
    let name = name.to_lowercase();
    let alike = |set: &str| {
        set.to_lowercase().chars().zip(name.chars()).take_while(|(one, other)| one == other).count()
    };
    let mut names: Vec<&str> =
        metadata.entity_sets.iter().map(|set| set.name.as_str()).filter(|set| alike(set) >= 4).collect();
    names.sort_by_key(|set| std::cmp::Reverse(alike(set)));
    names.truncate(5);
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(", ")) }
}

/// How long a busy service wants to be left alone.
fn retry_after(answer: &Response) -> Duration {
    let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let seconds = header.and_then(|value| value.trim().parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds).min(LONGEST_WAIT)
}

fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| {
        let plain = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || plain.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

fn failed(url: &str, error: &reqwest::Error) -> LoadError {
    LoadError::Service { url: url.to_owned(), reason: format!("does not answer: {error}") }
}

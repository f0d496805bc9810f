//! Signing in, reading what a table holds, creating rows.

use std::time::Duration;

use dualwright_odata::batch::{self, Item, PartRequest};
use dualwright_odata::metadata::{self, EntityType, Metadata, local_name};
use serde_json::Value;

use super::rows::Row;
use super::{LoadError, LoadSystem, LoadTarget};

const BOUNDARY: &str = "load";

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    Text,
    Number,
    Boolean,
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
    base: String,
    token: String,
}

impl Session {
    pub(super) async fn open(target: &LoadTarget) -> Result<Self, LoadError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(120))
            .build()
            .map_err(|error| failed(&target.url, &error))?;
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", target.client_id.clone()),
            ("client_secret", target.client_secret.clone()),
            ("scope", format!("{}/.default", target.url)),
        ];
        let answer = http.post(&target.token_url).form(&form).send().await;
        let answer = answer.map_err(|error| failed(&target.token_url, &error))?;
        let status = answer.status();
        let body: Value = answer.json().await.map_err(|error| failed(&target.token_url, &error))?;
        let Some(token) = body.get("access_token").and_then(Value::as_str) else {
            let said = body.get("error_description").and_then(Value::as_str).unwrap_or("no token");
            let reason = format!("refused the sign-in with {status}: {said}");
            return Err(LoadError::Service { url: target.token_url.clone(), reason });
        };
        let path = match target.system {
            LoadSystem::Finops => "data",
            LoadSystem::Dataverse => "api/data/v9.2",
        };
        let base = format!("{}/{path}", target.url.trim_end_matches('/'));
        Ok(Self { http, base, token: token.to_owned() })
    }

    /// What the service says a table holds.
    pub(super) async fn table(&self, name: &str) -> Result<Table, LoadError> {
        let url = format!("{}/$metadata", self.base);
        let answer = self.http.get(&url).bearer_auth(&self.token).send().await;
        let answer =
            answer.and_then(reqwest::Response::error_for_status).map_err(|error| failed(&url, &error))?;
        let text = answer.text().await.map_err(|error| failed(&url, &error))?;
        let metadata = metadata::parse(&text)
            .map_err(|error| LoadError::Service { url, reason: format!("answered no metadata: {error}") })?;
        let Some(set) = metadata.entity_sets.iter().find(|set| set.name.eq_ignore_ascii_case(name)) else {
            return Err(LoadError::UnknownTable { table: name.to_owned(), hint: similar(&metadata, name) });
        };
        let Some(entity) = metadata.entity_type(&set.entity_type) else {
            return Err(LoadError::UnknownTable { table: name.to_owned(), hint: String::new() });
        };
        Ok(Table { name: set.name.clone(), fields: fields(&metadata, entity) })
    }

    /// Creates rows; answers for each why it was not written, in order.
    pub(super) async fn create(&self, table: &Table, rows: &[Row]) -> Result<Vec<Option<String>>, LoadError> {
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
        let answer = self
            .http
            .post(&url)
            .bearer_auth(&self.token)
            .header("Content-Type", batch::content_type(BOUNDARY))
            .header("Prefer", "odata.continue-on-error")
            .body(batch::build_request(&items, BOUNDARY))
            .send()
            .await;
        let answer =
            answer.and_then(reqwest::Response::error_for_status).map_err(|error| failed(&url, &error))?;
        let kind =
            answer.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.bytes().await.map_err(|error| failed(&url, &error))?;
        let wrong = |reason: String| LoadError::Service { url: url.clone(), reason };
        let boundary = kind.as_deref().and_then(batch::boundary_of).unwrap_or_default();
        let parts = batch::parse_response(boundary, &body, &batch::Limits::default())
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

fn fields(metadata: &Metadata, entity: &EntityType) -> Vec<Field> {
    let properties = entity.properties.iter().map(|property| {
        let kind = match local_name(&property.type_name) {
            "Int16" | "Int32" | "Int64" | "Decimal" | "Double" | "Single" | "Byte" => FieldKind::Number,
            "Boolean" => FieldKind::Boolean,
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
    let inherited = base.map(|base| fields(metadata, base)).unwrap_or_default();
    properties.chain(lookups).chain(inherited).collect()
}

fn similar(metadata: &Metadata, name: &str) -> String {
    let start = name.to_lowercase().chars().take(4).collect::<String>();
    let names: Vec<&str> = metadata
        .entity_sets
        .iter()
        .map(|set| set.name.as_str())
        .filter(|set| set.to_lowercase().contains(&start))
        .take(5)
        .collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(", ")) }
}

fn failed(url: &str, error: &reqwest::Error) -> LoadError {
    LoadError::Service { url: url.to_owned(), reason: format!("does not answer: {error}") }
}

//! `/v1/plugins` and the versions of each map: install, put to work, go back, take out, try beside.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use dualwright_diagnostics::Class;
use dualwright_model::MapName;
use dualwright_plugin_host::registry::{Installed, Listing, RegistryError, State as Standing, Switch};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::plugins::{PluginError, Plugins};
use crate::server::Shared;

/// Who is written into the history: whoever holds the token is the operator.
const ACTOR: &str = "operator";
/// The signature of a component that is sent: what is in its `.sig` file, as hexadecimal digits or Base64.
const SIGNATURE: &str = "dualwright-signature";
/// Rows of each direction that a candidate begins with.
const SAMPLE: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condemned {
    version: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Candidate {
    version: String,
    sample: Option<usize>,
}

pub(crate) async fn list(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    let plugins = plugins(&shared)?;
    let (installed, refused) = plugins.list();
    let refused: Vec<Value> = refused
        .into_iter()
        .map(|one| {
            json!({
                "file": one.file, "digest": one.digest.as_str(), "kind": one.kind.to_string(), "reason": one.reason,
                "next": one.next, "at": one.at.to_string(),
            })
        })
        .collect();
    Ok(Json(json!({
        "plugins": installed.iter().map(listing).collect::<Vec<_>>(), "refused": refused, "max_bytes": plugins.max_bytes(),
    })))
}

pub(crate) async fn install(
    State(shared): State<Arc<Shared>>,
    Query(file): Query<File>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let signature = headers.get(SIGNATURE).map(|value| value.as_bytes().to_vec());
    let done = plugins(&shared)?.install(&file.file, body.to_vec(), signature, ACTOR).await?;
    Ok(Json(json!({ "plugin": component(&done.component), "already": done.already })))
}

pub(crate) async fn history(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let history = plugins(&shared)?.history(&MapName::from(map.as_str()))?;
    let lines: Vec<Value> = history
        .into_iter()
        .map(|entry| {
            json!({
                "sequence": entry.sequence, "at": entry.at.to_string(), "actor": entry.actor, "act": entry.act,
            })
        })
        .collect();
    Ok(Json(json!({ "map": map, "history": lines })))
}

pub(crate) async fn activate(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
    Json(which): Json<Which>,
) -> Result<Json<Value>, Refusal> {
    let switch = plugins(&shared)?.activate(&MapName::from(map.as_str()), &which.version, ACTOR).await?;
    Ok(Json(switched(&switch)))
}

pub(crate) async fn rollback(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let switch = plugins(&shared)?.rollback(&MapName::from(map.as_str()), ACTOR).await?;
    Ok(Json(switched(&switch)))
}

pub(crate) async fn quarantine(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
    Json(condemned): Json<Condemned>,
) -> Result<Json<Value>, Refusal> {
    let map = MapName::from(map.as_str());
    let switch = plugins(&shared)?.quarantine(&map, &condemned.version, &condemned.reason, ACTOR).await?;
    Ok(Json(switched(&switch)))
}

pub(crate) async fn release(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
    Json(which): Json<Which>,
) -> Result<Json<Value>, Refusal> {
    let released = plugins(&shared)?.release(&MapName::from(map.as_str()), &which.version, ACTOR).await?;
    Ok(Json(json!({ "plugin": component(&released) })))
}

pub(crate) async fn shadow(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
    Json(candidate): Json<Candidate>,
) -> Result<Json<Value>, Refusal> {
    let name = MapName::from(map.as_str());
    let sample = candidate.sample.unwrap_or(SAMPLE);
    plugins(&shared)?.shadow(&name, &candidate.version, sample).await?;
    shadow_report(State(shared), Path(map)).await
}

pub(crate) async fn shadow_report(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let found = plugins(&shared)?.shadow_report(&MapName::from(map.as_str()))?;
    Ok(Json(match found {
        Some((digest, report)) => json!({ "map": map, "candidate": digest.as_str(), "report": report }),
        None => json!({ "map": map, "candidate": null }),
    }))
}

pub(crate) async fn end_shadow(
    State(shared): State<Arc<Shared>>,
    Path(map): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let report = plugins(&shared)?.end_shadow(&MapName::from(map.as_str()))?;
    Ok(Json(json!({ "map": map, "report": report })))
}

fn plugins(shared: &Shared) -> Result<&Plugins, Refusal> {
    shared.plugins.as_deref().ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "no-registry",
            "this runtime was started without a plugin registry",
        )
    })
}

fn listing(listing: &Listing) -> Value {
    let mut shown = component(&listing.component);
    let (state, evidence) = match &listing.state {
        Standing::Live => ("live", None),
        Standing::Previous => ("previous", None),
        Standing::Candidate => ("candidate", None),
        Standing::Quarantined(why) => ("quarantined", Some(why.evidence.text.clone())),
    };
    if let Some(members) = shown.as_object_mut() {
        members.insert("state".to_owned(), json!(state));
        members.insert("evidence".to_owned(), json!(evidence));
    }
    shown
}

fn component(installed: &Installed) -> Value {
    json!({
        "name": installed.name.as_str(), "map": installed.map.as_ref().unwrap_or(&installed.name).as_str(),
        "version": installed.version, "digest": installed.digest.as_str(),
        "role": installed.role.to_string(), "file": installed.file, "size": installed.size,
        "at": installed.at.to_string(), "actor": installed.actor, "signed_by": installed.signed_by,
    })
}

fn switched(switch: &Switch) -> Value {
    json!({
        "map": switch.map.as_str(), "changed": switch.changed(),
        "from": switch.from.as_ref().map(|digest| digest.as_str()),
        "to": switch.to.as_ref().map(|digest| digest.as_str()),
    })
}

impl From<PluginError> for Refusal {
    fn from(error: PluginError) -> Self {
        let class = error.class();
        match error {
            PluginError::Engine(error) => error.into(),
            PluginError::Registry(
                RegistryError::UnknownMap { .. }
                | RegistryError::NoSuchVersion { .. }
                | RegistryError::NotInstalled { .. },
            ) => Self::new(StatusCode::NOT_FOUND, "unknown-plugin", error.to_string()),
            PluginError::Registry(RegistryError::Refused { .. }) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", error.to_string())
            }
            error => {
                let (status, code) = match class {
                    Class::Conflict | Class::Config | Class::Guest => (StatusCode::CONFLICT, "not-now"),
                    Class::Transient => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
                    _ => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
                };
                Self::new(status, code, error.to_string())
            }
        }
    }
}

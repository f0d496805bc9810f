//! Data events: after `articles/fin-ops-core/dev-itpro/business-events/data-events.md`.
//!
//! In the real system a person switches them on for an entity and an endpoint in the business events catalogue; here
//! `POST /emulator/data-events {"endpoint": URL, "tables": ["CustomersV3"]}` does, replacing what was set before, and
//! `DELETE /emulator/data-events` switches all off. Events are stored with the change that caused them and delivered at
//! least once.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use dualwright_model::Value;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::ApiError;
use super::model::{Entity, Model};
use crate::kernel::clock;
use crate::kernel::error::StoreError;
use crate::kernel::json::{push_plain, push_text};
use crate::kernel::outbox::Event;
use crate::kernel::rows::{Row, Snapshot};
use crate::kernel::transaction::Transaction;

/// The setting that holds the subscription.
const SETTING: &str = "data-events";
const FIRST_CONTROL_NUMBER: i64 = 5_637_144_575;

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Updated,
    Deleted,
}

impl Change {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Updated => "Updated",
            Self::Deleted => "Deleted",
        }
    }
}

/// Where events go, and of which tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    endpoint: String,
    tables: BTreeSet<String>,
}

impl Subscription {
    /// Reads the body of `POST /emulator/data-events`; tables may be given by entity set or by entity.
    pub(super) fn parse(model: &Model, body: &[u8]) -> Result<Self, String> {
        let given: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let url = reqwest::Url::parse(&given.endpoint).map_err(|error| format!("endpoint: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("endpoint: only http and https addresses get events".into());
        }
        let mut tables = BTreeSet::new();
        for name in &given.tables {
            let known = |entity: &&Arc<Entity>| entity.table.name == *name || entity.name == *name;
            let entity =
                model.entities.values().find(known).ok_or_else(|| format!("there is no table {name}"))?;
            tables.insert(entity.table.name.clone());
        }
        Ok(Self { endpoint: given.endpoint, tables })
    }
}

/// The subscription in force, shared by all writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    subscription: Arc<RwLock<Option<Arc<Subscription>>>>,
}

impl Events {
    /// Takes up what the file says.
    pub(super) fn load(&self, snapshot: &Snapshot<'_>) -> Result<(), StoreError> {
        let stored = snapshot.setting(SETTING)?.and_then(|text| serde_json::from_str(&text).ok());
        self.put(stored);
        Ok(())
    }

    /// Stores and takes up a subscription. It runs where all writes run, one after the other, so that the next write
    /// already goes by it.
    pub(super) fn set(
        &self,
        transaction: &mut Transaction<'_>,
        subscription: Option<Subscription>,
    ) -> Result<(), StoreError> {
        let text =
            serde_json::to_string(&subscription).map_err(|error| StoreError::Sqlite(error.to_string()))?;
        transaction.set_setting(SETTING, &text)?;
        self.put(subscription);
        Ok(())
    }

    fn put(&self, subscription: Option<Subscription>) {
        *self.subscription.write().unwrap_or_else(PoisonError::into_inner) = subscription.map(Arc::new);
    }

    /// Stores the event of a change, where somebody wants it.
    pub(super) fn queue(
        &self,
        transaction: &mut Transaction<'_>,
        client: &str,
        entity: &Entity,
        row: &Row,
        change: Change,
    ) -> Result<(), ApiError> {
        let subscription = self.subscription.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(subscription) = subscription.filter(|wanted| wanted.tables.contains(&entity.table.name))
        else {
            return Ok(());
        };
        // Rises over the writes of all rows.
        let control = FIRST_CONTROL_NUMBER.saturating_add(transaction.next_sequence());
        let body = payload(client, entity, row, change, control);
        let event = Event { url: subscription.endpoint.clone(), headers: Vec::new(), body };
        Ok(transaction.queue_event(&event)?)
    }
}

fn payload(client: &str, entity: &Entity, row: &Row, change: Change, control: i64) -> String {
    let now = clock::now_millis();
    let mut out = String::with_capacity(512);
    let id = format!("{}{}BusinessEvent", entity.name, change.word());
    let company = entity.company.map(|position| row.cell(position).to_key_text()).unwrap_or_default();
    let user = uuid::Builder::from_random_bytes(first_bytes(client)).into_uuid();
    let time = clock::now_seconds();
    let texts = [
        ("BusinessEventId", id.as_str()),
        ("BusinessEventLegalEntity", &company),
        ("ContextRecordSubject", ""),
        ("EventId", &uuid::Uuid::new_v4().to_string().to_uppercase()),
        ("EventTime", &format!("/Date({now})/")),
        ("EventTimeIso8601", &time.to_string()),
        ("InitiatingUserAADObjectId", &format!("{{{}}}", user.to_string().to_uppercase())),
    ];
    out.push('{');
    for (name, text) in texts {
        push_text(&mut out, name);
        out.push(':');
        push_text(&mut out, text);
        out.push(',');
    }
    out.push_str(&format!(
        "\"ControlNumber\":{control},\"MajorVersion\":0,\"MinorVersion\":0,\"ParentContextRecordSubjects\":[]"
    ));
    for position in &entity.key.columns {
        let Some(column) = entity.column(*position) else { continue };
        out.push(',');
        push_text(&mut out, &column.name);
        out.push(':');
        match entity.shown(row, *position) {
            Value::Timestamp(time) => push_text(&mut out, &format!("/Date({})/", time.as_micros() / 1000)),
            value => push_plain(&mut out, &value),
        }
    }
    out.push('}');
    out
}

fn first_bytes(client: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (byte, digest) in bytes.iter_mut().zip(Sha256::digest(client.as_bytes())) {
        *byte = digest;
    }
    bytes
}

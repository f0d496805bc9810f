//! Writing one row, whatever asked for it: cells, links, the write log, the events it causes.

use std::sync::Arc;

use dualwright_model::{Timestamp, Value};

use super::address::Address;
use super::error::ApiError;
use super::model::{Entity, Model};
use super::print::is_secret;
use super::webhook::{self, Message, Occasion};
use super::work::Work;
use crate::kernel::clock;
use crate::kernel::error::StoreError;
use crate::kernel::http::Request;
use crate::kernel::rows::Row;
use crate::kernel::schema::ColumnType;
use crate::kernel::transaction::{Note, Transaction};

/// What a request says besides its address and its body.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) client: Arc<str>,
    /// The service root the client used, such as `http://127.0.0.1:5001/api/data/v9.2`.
    pub(super) root: String,
    /// The `tag` that reaches `SharedVariables`.
    pub(super) tag: Option<String>,
    /// Whether custom steps are left out (`MSCRM.BypassCustomPluginExecution`).
    pub(super) bypass: bool,
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: Option<String>,
    /// Whether the written row is wanted as the answer.
    pub(super) representation: bool,
}

impl Caller {
    pub(super) fn new(client: &Arc<str>, root: &str, request: &Request, tag: Option<&str>) -> Self {
        let condition = |name: &str| {
            // `null` is what the documentation's own examples send for "no condition".
            request
                .header(name)
                .map(str::trim)
                .filter(|value| !matches!(*value, "" | "null"))
                .map(str::to_owned)
        };
        Self {
            client: client.clone(),
            root: root.to_owned(),
            tag: tag.or_else(|| request.header("tag")).map(str::to_owned),
            bypass: request
                .header("mscrm.bypasscustompluginexecution")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            if_match: condition("if-match"),
            if_none_match: condition("if-none-match"),
            representation: request
                .preference("return")
                .is_some_and(|value| value.eq_ignore_ascii_case("representation")),
        }
    }

    /// Whether a row of this version may be written.
    pub(super) fn check_version(&self, row: &Row) -> Result<(), ApiError> {
        match &self.if_match {
            Some(wanted) if wanted != "*" => {
                if version_of(wanted) == Some(row.version) {
                    Ok(())
                } else {
                    Err(ApiError::version_mismatch())
                }
            }
            _ => Ok(()),
        }
    }
}

/// The version in an ETag: `W/"123"`.
pub(super) fn version_of(etag: &str) -> Option<i64> {
    let quoted = etag.trim().strip_prefix("W/").unwrap_or(etag.trim());
    quoted.trim_matches('"').parse().ok()
}

/// Creates a row.
pub(super) fn create(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    caller: &Caller,
    entity: &Entity,
    id: Option<String>,
    given: Vec<(usize, Value)>,
) -> Result<Row, ApiError> {
    let now = clock::now_seconds();
    let operation = work.next_operation();
    let id = id.unwrap_or_else(|| work.id(operation));
    let mut cells = vec![Value::Null; entity.table.columns.len()];
    let sent = place(&mut cells, given);
    for (position, value) in [
        (entity.created, Value::Timestamp(now)),
        (entity.modified, Value::Timestamp(now)),
        (entity.state, Value::Integer(0)),
        (entity.status, Value::Integer(1)),
    ] {
        if let Some(cell) = cells.get_mut(position).filter(|cell| cell.is_missing()) {
            *cell = value;
        }
    }
    webhook::check(entity, &cells)?;
    let shown = shown(entity, &sent);
    let note = Note { client: &caller.client, sent: &shown, at: clock::now() };
    let row = transaction.insert(&entity.table, &id, cells, note).map_err(|error| refused(entity, error))?;
    let occasion = Occasion { message: Message::Create, operation, row: &row, sent: &sent, now };
    webhook::fire(transaction, work, caller, entity, &occasion)?;
    Ok(row)
}

/// Gives a row some new cells.
pub(super) fn update(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    caller: &Caller,
    entity: &Entity,
    old: &Row,
    given: Vec<(usize, Value)>,
) -> Result<Row, ApiError> {
    let now = clock::now_seconds();
    let operation = work.next_operation();
    let mut cells = old.cells.clone();
    let sent = place(&mut cells, given);
    if let Some(cell) = cells.get_mut(entity.modified) {
        *cell = Value::Timestamp(now);
    }
    webhook::check(entity, &cells)?;
    let shown = shown(entity, &sent);
    let note = Note { client: &caller.client, sent: &shown, at: clock::now() };
    let row = transaction.update(&entity.table, old, cells, note).map_err(|error| refused(entity, error))?;
    let occasion = Occasion { message: Message::Update, operation, row: &row, sent: &sent, now };
    webhook::fire(transaction, work, caller, entity, &occasion)?;
    Ok(row)
}

/// Deletes a row. Lookups that point to it are cleared, as the default "remove link" relationship does.
pub(super) fn delete(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    caller: &Caller,
    entity: &Entity,
    old: &Row,
) -> Result<(), ApiError> {
    let operation = work.next_operation();
    remove_links(transaction, work.model(), caller, entity, &old.id)?;
    let note = Note { client: &caller.client, sent: &[], at: clock::now() };
    transaction.delete(&entity.table, old, note)?;
    let occasion =
        Occasion { message: Message::Delete, operation, row: old, sent: &[], now: clock::now_seconds() };
    webhook::fire(transaction, work, caller, entity, &occasion)
}

fn remove_links(
    transaction: &mut Transaction<'_>,
    model: &Model,
    caller: &Caller,
    entity: &Entity,
    id: &str,
) -> Result<(), ApiError> {
    for other in model.entities.values() {
        let lookups: Vec<usize> = (0..)
            .zip(&other.table.columns)
            .filter(|(_, column)| {
                column.kind == ColumnType::Lookup && column.targets.contains(&entity.table.name)
            })
            .map(|(position, _)| position)
            .collect();
        if lookups.is_empty() {
            continue;
        }
        for row in transaction.rows_containing(&other.table, id)? {
            let mut cells = row.cells.clone();
            let mut cleared = Vec::new();
            for position in &lookups {
                if let Some(cell) = cells.get_mut(*position)
                    && matches!(cell, Value::Text(target) if target == id)
                {
                    *cell = Value::Null;
                    cleared.push(*position);
                }
            }
            if !cleared.is_empty() {
                let note = Note { client: &caller.client, sent: &cleared, at: clock::now() };
                transaction.update(&other.table, &row, cells, note).map_err(|error| refused(other, error))?;
            }
        }
    }
    Ok(())
}

/// Puts the given values into the cells; answers which columns were given.
fn place(cells: &mut [Value], given: Vec<(usize, Value)>) -> Vec<usize> {
    let mut sent = Vec::with_capacity(given.len());
    for (position, value) in given {
        if let Some(cell) = cells.get_mut(position) {
            *cell = value;
            sent.push(position);
        }
    }
    sent
}

/// The columns whose values the write log may show.
fn shown(entity: &Entity, sent: &[usize]) -> Vec<usize> {
    sent.iter().copied().filter(|position| !is_secret(entity, *position)).collect()
}

fn refused(entity: &Entity, error: StoreError) -> ApiError {
    match error {
        StoreError::DuplicateKey { key: Some(number), .. } => {
            let key = entity.table.keys.get(number);
            let columns: Vec<&str> = key
                .map(|key| entity.table.key_columns(key).map(|column| column.name.as_str()).collect())
                .unwrap_or_default();
            ApiError::duplicate_key(key.map_or("", |key| key.name.as_str()), &columns.join(","))
        }
        error => error.into(),
    }
}

/// The address of a row by its id, as `OData-EntityId` gives it.
pub(super) fn entity_url(caller: &Caller, entity: &Entity, id: &str) -> String {
    format!("{}/{}({id})", caller.root, entity.table.name)
}

/// The address of a row as it was asked for: `learn.microsoft.com`'s upsert examples echo the alternate key.
pub(super) fn address_url(caller: &Caller, address: &Address) -> String {
    format!("{}/{}", caller.root, address.segment)
}

/// Milliseconds of a moment, for `/Date(ms)/`.
pub(super) fn millis(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1000)
}

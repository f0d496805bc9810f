//! `CreateMultiple`, `UpdateMultiple`, `UpsertMultiple`: after `bulk-operations.md`. Standard tables: all or nothing.

use std::sync::Arc;

use http::StatusCode;

use super::address::{Address, Reference, RowKey};
use super::body::Body;
use super::error::ApiError;
use super::model::{Entity, Model};
use super::request::{WriteRequest, Written, json, no_content};
use super::upsert::upsert;
use super::work::Work;
use super::write::{Caller, create, update, version_of};
use crate::kernel::json::{RawValue, object};
use crate::kernel::transaction::Transaction;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Update,
    Upsert,
}

/// Writes many rows of one table.
pub(super) struct Bulk {
    entity: Arc<Entity>,
    caller: Caller,
    action: Action,
    targets: Vec<Target>,
}

struct Target {
    body: Body,
    /// The row it names by `@odata.id`, or by its primary id.
    address: Option<Address>,
}

impl Bulk {
    pub(super) fn new(
        model: &Model,
        entity: &Arc<Entity>,
        caller: Caller,
        action: &str,
        body: &[u8],
    ) -> Result<Self, ApiError> {
        let action = match action {
            "CreateMultiple" => Action::Create,
            "UpdateMultiple" => Action::Update,
            "UpsertMultiple" => Action::Upsert,
            other => return Err(ApiError::unsupported(&format!("the action {other}"))),
        };
        let text = std::str::from_utf8(body).map_err(|_| ApiError::malformed("it is not UTF-8"))?;
        let malformed = |error: serde_json::Error| ApiError::malformed(&error.to_string());
        let members = object(text).map_err(malformed)?;
        let Some((_, list)) = members.iter().find(|(name, _)| name == "Targets") else {
            return Err(ApiError::payload(&entity.logical_name, "the parameter 'Targets' is missing."));
        };
        let list: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(malformed)?;
        let expected = format!("Microsoft.Dynamics.CRM.{}", entity.logical_name);
        let mut targets = Vec::with_capacity(list.len());
        for item in list {
            let members = object(item.get()).map_err(malformed)?;
            let typed = members.iter().any(|(name, value)| {
                name == "@odata.type"
                    && value.get().trim().trim_matches('"').trim_start_matches('#') == expected
            });
            if !typed {
                let reason = format!("every one of 'Targets' needs \"@odata.type\": \"{expected}\".");
                return Err(ApiError::payload(&entity.logical_name, &reason));
            }
            let body = Body::of(model, entity, &members)?;
            let address = target_address(model, entity, &body)?;
            if address.is_none() && action == Action::Update {
                return Err(ApiError::payload(
                    &entity.logical_name,
                    "every one of 'Targets' needs its id or key.",
                ));
            }
            targets.push(Target { body, address });
        }
        Ok(Self { entity: entity.clone(), caller, action, targets })
    }
}

fn target_address(model: &Model, entity: &Arc<Entity>, body: &Body) -> Result<Option<Address>, ApiError> {
    if let Some(url) = &body.odata_id {
        return match Reference::parse(model, url)? {
            Reference::Address(address) if address.entity.table.name == entity.table.name => {
                Ok(Some(address))
            }
            _ => Err(ApiError::payload(&entity.logical_name, "'@odata.id' names no row of this table.")),
        };
    }
    Ok(body.id.as_ref().map(|id| Address {
        entity: entity.clone(),
        key: RowKey::Id(id.clone()),
        segment: format!("{}({id})", entity.table.name),
    }))
}

impl WriteRequest for Bulk {
    fn run(&self, transaction: &mut Transaction<'_>, work: &mut Work<'_>) -> Result<Written, ApiError> {
        let mut ids = Vec::with_capacity(self.targets.len());
        for target in &self.targets {
            match (self.action, &target.address) {
                (Action::Create, _) | (Action::Upsert, None) => {
                    let cells = target.body.resolve(transaction, &self.entity, &work.references)?;
                    let id = target.body.id.clone();
                    ids.push(create(transaction, work, &self.caller, &self.entity, id, cells)?.id);
                }
                (Action::Update, Some(address)) => {
                    let old = address.get(transaction)?;
                    if let Some(etag) = &target.body.etag
                        && version_of(etag) != Some(old.version)
                    {
                        return Err(ApiError::version_mismatch());
                    }
                    let cells = target.body.resolve(transaction, &self.entity, &work.references)?;
                    update(transaction, work, &self.caller, &self.entity, &old, cells)?;
                }
                (Action::Upsert, Some(address)) => {
                    upsert(transaction, work, &self.caller, address, &target.body)?;
                }
                (Action::Update, None) => {}
            }
        }
        if self.action != Action::Create {
            return Ok(Written::new(no_content()));
        }
        let body = format!(
            "{{\"@odata.context\":\"{}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse\",\"Ids\":[{}]}}",
            self.caller.root,
            ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(",")
        );
        Ok(Written::new(json(StatusCode::OK, body)))
    }
}

//! `PATCH accounts(...)`: update, or create when the row is not there. After `use-upsert-insert-update-record.md` and
//! `webapi/perform-conditional-operations-using-web-api.md`.

use dualwright_model::Value;
use http::StatusCode;

use super::address::{Address, RowKey};
use super::body::Body;
use super::create::created;
use super::error::ApiError;
use super::model::Model;
use super::print::View;
use super::request::{WriteRequest, Written, json, no_content};
use super::work::Work;
use super::write::{Caller, address_url, create, update};
use crate::kernel::json::{object, push_text};
use crate::kernel::rows::Row;
use crate::kernel::schema::ColumnType;
use crate::kernel::transaction::Transaction;

/// Updates or creates a row.
pub(super) struct Upsert {
    address: Address,
    caller: Caller,
    view: View,
    body: Body,
}

impl Upsert {
    pub(super) fn new(
        model: &Model,
        address: Address,
        caller: Caller,
        view: View,
        body: &[u8],
    ) -> Result<Self, ApiError> {
        let body = Body::parse(model, &address.entity, body)?;
        Ok(Self { address, caller, view, body })
    }

    /// `PUT accounts(...)/name` with `{"value": …}`: one column of a row that is there. After
    /// `webapi/update-delete-entities-using-web-api.md`, "Update a single property value".
    pub(super) fn of_property(
        model: &Model,
        address: Address,
        mut caller: Caller,
        view: View,
        name: &str,
        body: &[u8],
    ) -> Result<Self, ApiError> {
        let logical_name = &address.entity.logical_name;
        let column = address.entity.property(name).and_then(|position| address.entity.column(position));
        let column = column.ok_or_else(|| ApiError::no_property(name, logical_name))?;
        if column.kind == ColumnType::Lookup {
            return Err(ApiError::method());
        }
        let text = std::str::from_utf8(body).map_err(|_| ApiError::malformed("it is not UTF-8"))?;
        let members = object(text).map_err(|error| ApiError::malformed(&error.to_string()))?;
        let Some((_, value)) = members.iter().find(|(member, _)| member == "value") else {
            return Err(ApiError::payload(logical_name, "the member 'value' is missing."));
        };
        let mut cells = String::from("{");
        push_text(&mut cells, name);
        cells.push(':');
        cells.push_str(value.get());
        cells.push('}');
        caller.if_match.get_or_insert_with(|| "*".to_owned());
        Self::new(model, address, caller, view, cells.as_bytes())
    }
}

/// What an upsert did.
pub(super) enum Outcome {
    Created(Row),
    Updated(Row),
}

/// Updates the row at an address, or creates it, as the caller's conditions allow.
pub(super) fn upsert(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    caller: &Caller,
    address: &Address,
    body: &Body,
) -> Result<Outcome, ApiError> {
    let entity = &address.entity;
    let found = address.find(transaction)?;
    let mut cells = body.resolve(transaction, entity, &work.references)?;
    match found {
        Some(old) => {
            if caller.if_none_match.as_deref() == Some("*") {
                return Err(ApiError::exists());
            }
            caller.check_version(&old)?;
            if let RowKey::Alternate { values, .. } = &address.key {
                // A row cannot be given other values of the very key that names it: they are dropped.
                cells.retain(|(position, _)| !values.iter().any(|(part, _)| part == position));
            }
            update(transaction, work, caller, entity, &old, cells).map(Outcome::Updated)
        }
        None if caller.if_match.is_some() => Err(address.not_found()),
        None => {
            let id = match &address.key {
                RowKey::Id(id) => Some(id.clone()),
                RowKey::Alternate { values, .. } => {
                    // What the body says of the key's columns wins over the address.
                    for (position, value) in values {
                        if !cells.iter().any(|(given, _)| given == position) {
                            check_lookup(transaction, work.model(), address, *position, value)?;
                            cells.push((*position, value.clone()));
                        }
                    }
                    body.id.clone()
                }
            };
            create(transaction, work, caller, entity, id, cells).map(Outcome::Created)
        }
    }
}

/// A lookup in the address leads to a row, or nothing can be created with it.
fn check_lookup(
    transaction: &Transaction<'_>,
    model: &Model,
    address: &Address,
    position: usize,
    value: &Value,
) -> Result<(), ApiError> {
    let Some(column) = address.entity.column(position) else { return Ok(()) };
    let Value::Text(id) = value else { return Ok(()) };
    if column.targets.is_empty() {
        return Ok(());
    }
    let mut last = "";
    for target in column.targets.iter().filter_map(|target| model.entity(target)) {
        if transaction.exists(&target.table, id)? {
            return Ok(());
        }
        last = &target.logical_name;
    }
    Err(ApiError::not_found(last, id))
}

impl WriteRequest for Upsert {
    fn run(&self, transaction: &mut Transaction<'_>, work: &mut Work<'_>) -> Result<Written, ApiError> {
        let outcome = upsert(transaction, work, &self.caller, &self.address, &self.body)?;
        let url = address_url(&self.caller, &self.address);
        let mut written = match outcome {
            Outcome::Created(row) => {
                created(transaction, work, &self.caller, &self.address.entity, &self.view, &row)?
            }
            Outcome::Updated(row) if self.caller.representation => {
                let body = self.view.document(&self.caller.root, transaction, work.model(), &row)?;
                let response = json(StatusCode::OK, body)
                    .header("preference-applied", "return=representation")
                    .header("etag", &format!("W/\"{}\"", row.version));
                Written { response, row: Some(self.address.clone()) }
            }
            Outcome::Updated(_) => Written { response: no_content(), row: Some(self.address.clone()) },
        };
        written.response.headers.remove("location");
        written.response = written.response.header("odata-entityid", &url);
        Ok(written)
    }
}

//! `PATCH CustomersV3(…)`: changes a row that is there. There is no upsert.

use dualwright_model::Value;

use super::address::Address;
use super::body::{self, Cells};
use super::error::ApiError;
use super::events::{Change, Events};
use super::request::{Caller, WriteRequest, no_content};
use crate::kernel::clock;
use crate::kernel::http::Response;
use crate::kernel::rows::key_text;
use crate::kernel::transaction::{Note, Transaction};

pub(super) struct Update {
    address: Address,
    caller: Caller,
    cells: Cells,
}

impl Update {
    pub(super) fn new(address: Address, caller: Caller, text: &[u8]) -> Result<Self, ApiError> {
        let cells = body::read(&address.entity, text)?;
        for (position, value) in &cells {
            body::check_required(&address.entity, *position, value)?;
        }
        Ok(Self { address, caller, cells })
    }
}

impl WriteRequest for Update {
    fn run(&self, transaction: &mut Transaction<'_>, events: &Events) -> Result<Response, ApiError> {
        let entity = &self.address.entity;
        let old = self.address.get(transaction, &self.caller.client)?;
        self.caller.check_version(entity, &old)?;
        let mut cells = old.cells.clone();
        let mut sent = Vec::with_capacity(self.cells.len());
        for (position, value) in &self.cells {
            let Some(column) = entity.column(*position) else { continue };
            let fixed = !column.updatable || entity.company == Some(*position);
            if fixed && !same(&entity.shown(&old, *position), value) {
                let infolog = format!("Error: Field '{}' does not allow editing.", column.name);
                return Err(ApiError::refused("Write", &entity.name, &infolog));
            }
            sent.push(*position);
            if let Some(cell) = cells.get_mut(*position).filter(|_| !fixed) {
                *cell = value.clone();
            }
        }
        if let Some(cell) = entity.modified.and_then(|position| cells.get_mut(position)) {
            *cell = Value::Timestamp(clock::now_seconds());
        }
        let text = key_text(&entity.key, &cells).unwrap_or_default();
        if sent.iter().any(|position| entity.is_key(*position))
            && transaction.find(&entity.table, 0, &text)?.is_some_and(|other| other.id != old.id)
        {
            return Err(ApiError::taken(&entity.name, &entity.label, &entity.key_words(&cells)));
        }
        let note = Note { client: &self.caller.client, sent: &sent, at: clock::now() };
        let row = transaction.update(&entity.table, &old, cells, note)?;
        events.queue(transaction, &self.caller.client, entity, &row, Change::Updated)?;
        Ok(no_content())
    }
}

/// Whether two values are the same to F&O, whose text has no case.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => {
            one.trim_end().to_lowercase() == other.trim_end().to_lowercase()
        }
        (Value::Timestamp(one), Value::Date(other)) => *one == super::values::noon(*other),
        (one, other) => one == other,
    }
}

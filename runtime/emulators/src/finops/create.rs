//! `POST CustomersV3`: a new row, answered with all of it.

use std::sync::Arc;

use dualwright_model::Value;
use http::StatusCode;

use super::body::{self, Cells};
use super::error::ApiError;
use super::events::{Change, Events};
use super::model::Entity;
use super::print::{View, etag};
use super::request::{Caller, WriteRequest, json};
use crate::kernel::clock;
use crate::kernel::error::StoreError;
use crate::kernel::http::Response;
use crate::kernel::rows::{Row, key_text};
use crate::kernel::schema::ColumnType;
use crate::kernel::transaction::{Note, Transaction};

/// The record id of the first row; ids are this and the row's sequence.
const FIRST_RECORD: i64 = 5_637_144_575;

pub(super) struct Create {
    view: View,
    caller: Caller,
    cells: Cells,
}

impl Create {
    pub(super) fn new(view: View, caller: Caller, text: &[u8]) -> Result<Self, ApiError> {
        let cells = body::read(&view.entity, text)?;
        let entity = &view.entity;
        for (position, _) in &cells {
            if let Some(column) = entity.column(*position).filter(|column| !column.creatable) {
                let infolog = format!("Error: Field '{}' does not allow editing on create.", column.name);
                return Err(ApiError::refused("Write", &entity.name, &infolog));
            }
        }
        for (position, column) in entity.table.columns.iter().enumerate() {
            if column.required && column.creatable && entity.company != Some(position) {
                let given = cells.iter().find(|(other, _)| *other == position);
                body::check_required(entity, position, given.map_or(&Value::Null, |(_, value)| value))?;
            }
        }
        Ok(Self { view, caller, cells })
    }

    /// The whole row: what is given, and what the system puts into a new row.
    fn row(&self, entity: &Entity, transaction: &Transaction<'_>) -> Result<Vec<Value>, ApiError> {
        let mut cells = vec![Value::Null; entity.table.columns.len()];
        for (position, value) in &self.cells {
            if let Some(cell) = cells.get_mut(*position) {
                *cell = value.clone();
            }
        }
        let mut numbered = None;
        for position in &entity.key.columns {
            let Some(cell) = cells.get_mut(*position) else { continue };
            let empty = cell.is_missing() || matches!(cell, Value::Text(text) if text.trim().is_empty());
            let column = entity.column(*position).filter(|column| column.kind == ColumnType::Text);
            if entity.company == Some(*position) && empty {
                *cell = Value::Text(super::company::of(transaction, &self.caller.client)?);
            } else if column.is_some_and(|column| !column.creatable || (column.number_sequence && empty)) {
                numbered = Some(*position);
            } else if cell.is_missing() {
                *cell = entity.empty(*position).clone();
            }
        }
        if let Some(position) = numbered {
            number(entity, transaction, &mut cells, position)?;
        }
        for position in [entity.created, entity.modified].into_iter().flatten() {
            if let Some(cell) = cells.get_mut(position) {
                *cell = Value::Timestamp(clock::now_seconds());
            }
        }
        Ok(cells)
    }
}

impl WriteRequest for Create {
    fn run(&self, transaction: &mut Transaction<'_>, events: &Events) -> Result<Response, ApiError> {
        let entity: &Arc<Entity> = &self.view.entity;
        let cells = self.row(entity, transaction)?;
        let key = entity.key_words(&cells);
        let id = FIRST_RECORD.saturating_add(transaction.next_sequence()).to_string();
        let sent: Vec<usize> = self.cells.iter().map(|(position, _)| *position).collect();
        let note = Note { client: &self.caller.client, sent: &sent, at: clock::now() };
        // Another row of that key is found by the key's index; what was begun is then undone with this request.
        let row = transaction.insert(&entity.table, &id, cells, note).map_err(|error| match error {
            StoreError::DuplicateKey { .. } => ApiError::exists(&entity.name, &entity.label, &key),
            error => error.into(),
        })?;
        events.queue(transaction, &self.caller.client, entity, &row, Change::Created)?;
        let location = format!("{}/{}({})", self.caller.root, entity.table.name, location_key(entity, &row));
        Ok(json(StatusCode::CREATED, self.view.document(&self.caller.root, &row))
            .header("location", &location)
            .header("etag", &etag(&row)))
    }
}

/// Fills in the next number of the sequence that no row has yet; numbers can also be given by hand.
fn number(
    entity: &Entity,
    transaction: &Transaction<'_>,
    cells: &mut [Value],
    position: usize,
) -> Result<(), ApiError> {
    let mut next = transaction.next_sequence();
    loop {
        if let Some(cell) = cells.get_mut(position) {
            *cell = Value::Text(format!("{next:09}"));
        }
        let text = key_text(&entity.key, cells).unwrap_or_default();
        if transaction.find(&entity.table, 0, &text)?.is_none() {
            return Ok(());
        }
        next = next.saturating_add(1);
    }
}

fn location_key(entity: &Entity, row: &Row) -> String {
    use dualwright_odata::Literal;
    use dualwright_odata::percent::encode_segment;
    let parts = entity.key.columns.iter().filter_map(|position| {
        let column = entity.column(*position)?;
        let literal = match (column.kind, row.cell(*position)) {
            (ColumnType::Enum, Value::Text(member)) => {
                Literal::Enum { type_name: super::values::edm_type(column), member: member.clone() }
            }
            (ColumnType::Guid, Value::Text(text)) => Literal::Guid(text.clone()),
            _ => Literal::from_value(&entity.shown(row, *position), None)?,
        };
        Some(format!("{}={}", column.name, encode_segment(&literal.to_string())))
    });
    parts.collect::<Vec<_>>().join(",")
}

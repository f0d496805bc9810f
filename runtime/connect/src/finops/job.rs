//! One write as it is carried: its cells, its address, its request, and what its answer tells of the row.

use std::collections::BTreeMap;

use dualwright_model::{ColumnSchema, IntegrationKey, Value, Version};
use http::Method;
use serde_json::{Map, Value as Json};

use super::environment::row_request;
use super::row::{Row, address};
use super::schema::Table;
use super::value;
use crate::http::{Request, Response};
use crate::{Precondition, Write, WriteTarget, Written};

/// What is to be done next for a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    Change,
    Delete,
}

/// One write on its way.
pub(super) struct Job<'a> {
    pub(super) place: usize,
    pub(super) write: &'a Write,
    pub(super) step: Step,
    /// The row's values of the table's key; `None` for a new row whose key is not fully told.
    pub(super) key: Option<Vec<Value>>,
    /// The cells to write, by column.
    pub(super) given: Cells,
    /// What the target's key says, by column; only for new rows.
    pub(super) asked: Cells,
    /// Whether the service wants a condition where none is meant: "any version" is one.
    pub(super) any_version: bool,
}

pub(super) type Cells = BTreeMap<String, (ColumnSchema, Value)>;

impl Job<'_> {
    /// All cells of a new row: those given, and of the asked key what they do not say.
    fn new_cells(&self) -> impl Iterator<Item = &(ColumnSchema, Value)> {
        let asked = self.asked.iter().filter(|(name, _)| !self.given.contains_key(*name));
        self.given.values().chain(asked.map(|(_, cell)| cell))
    }

    /// The key that a new row gets; `None` when F&O numbers it.
    pub(super) fn new_key(&self, table: &Table) -> Option<Vec<Value>> {
        let value = |column: &ColumnSchema| {
            let (_, value) = self.new_cells().find(|(known, _)| known.name == column.name)?;
            (!value.to_key_text().is_empty()).then(|| value.clone())
        };
        table.key.iter().map(value).collect()
    }

    /// The request for the next step; `None` when no row can have such a key.
    pub(super) fn request(&self, table: &Table) -> Option<Request> {
        match self.step {
            Step::Create => {
                let repeatable = self.new_key(table).is_some();
                let body = body(self.new_cells().filter(|(column, value)| {
                    // An empty key column is left to the number sequence.
                    let is_key = table.key.iter().any(|key| key.name == column.name);
                    !(is_key && value.to_key_text().is_empty())
                }));
                Some(Request::new(Method::POST, table.name(), repeatable).body(body))
            }
            Step::Change => {
                let key = self.key.as_deref()?;
                let body = body(self.given.values().filter(|(column, value)| {
                    // What the address says already is not sent: most key columns may not be changed.
                    let index = table.key.iter().position(|known| known.name == column.name);
                    let now = index.and_then(|index| key.get(index));
                    now.is_none_or(|now| IntegrationKey::new([now]) != IntegrationKey::new([value]))
                }));
                let request = row_request(Method::PATCH, &address(table, key)?);
                Some(self.conditional(request.body(body)))
            }
            Step::Delete => {
                let address = address(table, self.key.as_deref()?)?;
                Some(self.conditional(row_request(Method::DELETE, &address)))
            }
        }
    }

    fn conditional(&self, request: Request) -> Request {
        match &self.write.precondition {
            Precondition::Version(version) => request.header("if-match", &version.0),
            Precondition::None | Precondition::Absent | Precondition::Exists if self.any_version => {
                request.header("if-match", "*")
            }
            Precondition::None | Precondition::Absent | Precondition::Exists => request,
        }
    }

    /// What the answer to a step that succeeded tells of the row.
    pub(super) fn written(&self, table: &Table, answer: &Response) -> Written {
        let known = match &self.write.target {
            WriteTarget::Id { id, .. } => Some(id.clone()),
            WriteTarget::Key(_) => None,
        };
        match self.step {
            Step::Create => {
                let row: Option<Row> = answer.json().ok();
                Written {
                    id: row.as_ref().and_then(|row| row.id(table).ok()),
                    version: row.as_ref().and_then(Row::version).or_else(|| header_version(answer)),
                    created: Some(true),
                }
            }
            Step::Change => Written { id: known, version: header_version(answer), created: Some(false) },
            Step::Delete => Written { id: known, version: None, created: None },
        }
    }
}

fn body<'a>(cells: impl Iterator<Item = &'a (ColumnSchema, Value)>) -> String {
    let members: Map<String, Json> = cells
        .filter_map(|(column, value)| Some((column.name.clone(), value::write(value, column)?)))
        .collect();
    Json::Object(members).to_string()
}

fn header_version(answer: &Response) -> Option<Version> {
    answer.header("etag").map(|text| Version(text.to_owned()))
}

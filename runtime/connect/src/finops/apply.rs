//! Writing: one request a record, many records a `$batch`, one outcome each.
//!
//! F&O's PATCH changes only what is there and its POST creates only what is not, so "create or overwrite" is one after
//! the other. A POST that is repeated after a lost answer finds its own row and is told that the record exists; that is
//! safe as long as the key is given, and where F&O numbers the row itself, the POST is not repeated.

use std::collections::BTreeMap;

use dualwright_model::{ColumnSchema, IntegrationKey, Value, Version};
use http::{Method, StatusCode};
use serde_json::{Map, Value as Json};

use super::environment::{Environment, row_request};
use super::error::{refusal, row_exists, row_missing};
use super::row::{Plan, Row, address, key_of_id};
use super::schema::Table;
use super::value;
use crate::http::{Request, Response};
use crate::{ConnectError, Precondition, Selection, Write, WriteOutcome, WriteTarget, Written};

/// What is to be done next for a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Create,
    Change,
    Delete,
}

/// One write on its way.
struct Job<'a> {
    place: usize,
    write: &'a Write,
    step: Step,
    /// The row's values of the table's key; `None` for a new row whose key is not fully told.
    key: Option<Vec<Value>>,
    /// The cells to write, with those of the asked key, by the table's column.
    cells: Cells,
}

#[derive(Clone, Default)]
struct Cells {
    given: BTreeMap<String, (ColumnSchema, Value)>,
    /// What the target's key says; only for new rows.
    asked: BTreeMap<String, (ColumnSchema, Value)>,
}

/// "Create or overwrite" tries to change, then to create, then to change what another created meanwhile.
const MOST_STEPS: usize = 3;

impl Environment {
    pub(super) async fn apply(
        &self,
        selection: &Selection,
        writes: &[Write],
    ) -> Result<Vec<WriteOutcome>, ConnectError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let plan = self.plan(selection).await?;
        let mut outcomes: Vec<Option<WriteOutcome>> = writes.iter().map(|_| None).collect();
        let mut jobs = self.locate(&plan, writes, &mut outcomes).await?;
        for _ in 0..MOST_STEPS {
            if jobs.is_empty() {
                break;
            }
            jobs = self.step(&plan.table, jobs, &mut outcomes).await;
        }
        for job in jobs {
            // Created and deleted by others as often as we looked: what was asked cannot be decided now.
            set(&mut outcomes, job.place, WriteOutcome::PreconditionFailed);
        }
        let lost = || WriteOutcome::Failed(self.client.protocol("a write without an outcome"));
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect())
    }

    /// Finds the address of each write. Those whose outcome is clear already get it.
    async fn locate<'a>(
        &self,
        plan: &Plan,
        writes: &'a [Write],
        outcomes: &mut [Option<WriteOutcome>],
    ) -> Result<Vec<Job<'a>>, ConnectError> {
        let mut jobs = Vec::with_capacity(writes.len());
        let (mut asking, mut questions): (Vec<usize>, Vec<Vec<Value>>) = (Vec::new(), Vec::new());
        for (place, write) in writes.iter().enumerate() {
            let mut job = match self.job(plan, place, write) {
                Ok(job) => job,
                Err(error) => {
                    set(outcomes, place, WriteOutcome::Failed(error));
                    continue;
                }
            };
            let values = match &write.target {
                WriteTarget::Id { key, .. } | WriteTarget::Key(key) => key,
            };
            job.key = plan.table_key(values).or_else(|| match &write.target {
                WriteTarget::Id { id, .. } => key_of_id(id),
                WriteTarget::Key(_) => None,
            });
            if job.key.is_none() {
                if let Err(error) = self.check_length(plan, values) {
                    set(outcomes, place, WriteOutcome::Failed(error));
                    continue;
                }
                asking.push(place);
                questions.push(values.clone());
            }
            jobs.push(job);
        }
        let rows = self.rows_with(plan, &questions).await?;
        let mut found: BTreeMap<usize, Option<Row>> = asking.into_iter().zip(rows).collect();
        let mut located = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            if let Some(row) = found.remove(&job.place) {
                let key = row.map(|row| row.key(&plan.table)).transpose();
                job.key = key.map_err(|reason| self.client.protocol(reason))?;
                if let Some(outcome) = settle_found(&mut job) {
                    set(outcomes, job.place, outcome);
                    continue;
                }
            }
            located.push(job);
        }
        Ok(located)
    }

    fn job<'a>(&self, plan: &Plan, place: usize, write: &'a Write) -> Result<Job<'a>, ConnectError> {
        let mut cells = Cells::default();
        for (path, value) in write.cells.iter() {
            let column = plan.table.schema.column(path.as_str());
            let column =
                column.ok_or_else(|| self.unknown(format!("the column {path} of {}", plan.table.name())))?;
            cells.given.insert(column.name.clone(), (column.clone(), value.clone()));
        }
        let (WriteTarget::Id { key, .. } | WriteTarget::Key(key)) = &write.target;
        for (column, value) in plan.key.iter().zip(key) {
            let value = column.coerce(value.clone()).map_err(|error| self.rejected(error.to_string()))?;
            cells.asked.insert(column.name.clone(), (column.clone(), value));
        }
        let step = match (write.delete, &write.precondition) {
            (true, _) => Step::Delete,
            (false, Precondition::Absent) => Step::Create,
            (false, _) => Step::Change,
        };
        Ok(Job { place, write, step, key: None, cells })
    }

    /// Sends each job's request and settles what can be settled. Gives back those that need another step.
    async fn step<'a>(
        &self,
        table: &Table,
        jobs: Vec<Job<'a>>,
        outcomes: &mut [Option<WriteOutcome>],
    ) -> Vec<Job<'a>> {
        let (mut sent, mut requests) = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
        for job in jobs {
            match request(table, &job) {
                Some(request) => {
                    requests.push(request);
                    sent.push(job);
                }
                // A key that no column can hold: there is no such row, and there will be none.
                None => set(outcomes, job.place, WriteOutcome::Missing),
            }
        }
        let mut again = Vec::new();
        for (mut job, answer) in sent.into_iter().zip(self.answers(requests).await) {
            let outcome = match answer {
                Err(error) => Some(WriteOutcome::Failed(error)),
                Ok(answer) => self.read_answer(table, &mut job, &answer),
            };
            match outcome {
                Some(outcome) => set(outcomes, job.place, outcome),
                None => again.push(job),
            }
        }
        again
    }

    /// What an answer says of the write; `None` when another step is needed.
    fn read_answer(&self, table: &Table, job: &mut Job<'_>, answer: &Response) -> Option<WriteOutcome> {
        let overwrites = matches!(job.write.precondition, Precondition::None);
        Some(match job.step {
            _ if answer.status.is_success() => WriteOutcome::Written(written(table, job, answer)),
            Step::Change | Step::Delete if answer.status == StatusCode::PRECONDITION_FAILED => {
                WriteOutcome::PreconditionFailed
            }
            Step::Change if row_missing(answer) && overwrites => {
                job.step = Step::Create;
                return None;
            }
            Step::Change | Step::Delete if row_missing(answer) => WriteOutcome::Missing,
            Step::Create if row_exists(answer) => match job.new_key(table) {
                Some(key) if overwrites => {
                    job.step = Step::Change;
                    job.key = Some(key);
                    return None;
                }
                _ => WriteOutcome::PreconditionFailed,
            },
            _ => WriteOutcome::Failed(refusal(&self.client, answer)),
        })
    }
}

/// What looking for the row by another key than the table's says of the write.
fn settle_found(job: &mut Job<'_>) -> Option<WriteOutcome> {
    match (&job.key, job.step, &job.write.precondition) {
        (Some(_), Step::Create, _) => Some(WriteOutcome::PreconditionFailed),
        (None, Step::Create, _) | (Some(_), _, _) => None,
        (None, Step::Change, Precondition::None) => {
            job.step = Step::Create;
            None
        }
        (None, Step::Change | Step::Delete, _) => Some(WriteOutcome::Missing),
    }
}

impl Job<'_> {
    /// All cells of a new row: those given, and of the asked key what they do not say.
    fn new_cells(&self) -> impl Iterator<Item = &(ColumnSchema, Value)> {
        let asked = self.cells.asked.iter().filter(|(name, _)| !self.cells.given.contains_key(*name));
        self.cells.given.values().chain(asked.map(|(_, cell)| cell))
    }

    /// The key that a new row gets; `None` when F&O numbers it.
    fn new_key(&self, table: &Table) -> Option<Vec<Value>> {
        let value = |column: &ColumnSchema| {
            let (_, value) = self.new_cells().find(|(known, _)| known.name == column.name)?;
            (!value.to_key_text().is_empty()).then(|| value.clone())
        };
        table.key.iter().map(value).collect()
    }
}

fn request(table: &Table, job: &Job<'_>) -> Option<Request> {
    match job.step {
        Step::Create => {
            let repeatable = job.new_key(table).is_some();
            let given = |column: &ColumnSchema, value: &Value| {
                // An empty key column is left to the number sequence.
                let is_key = table.key.iter().any(|key| key.name == column.name);
                !(is_key && value.to_key_text().is_empty())
            };
            let body = body(job.new_cells().filter(|(column, value)| given(column, value)));
            Some(Request::new(Method::POST, table.name(), repeatable).body(body))
        }
        Step::Change => {
            let key = job.key.as_deref()?;
            let request = row_request(Method::PATCH, &address(table, key)?);
            let changed = |column: &ColumnSchema, value: &Value| {
                let index = table.key.iter().position(|known| known.name == column.name);
                let now = index.and_then(|index| key.get(index));
                now.is_none_or(|now| IntegrationKey::new([now]) != IntegrationKey::new([value]))
            };
            let body = body(job.cells.given.values().filter(|(column, value)| changed(column, value)));
            Some(conditional(request.body(body), job))
        }
        Step::Delete => {
            Some(conditional(row_request(Method::DELETE, &address(table, job.key.as_deref()?)?), job))
        }
    }
}

fn conditional(request: Request, job: &Job<'_>) -> Request {
    match &job.write.precondition {
        Precondition::Version(version) => request.header("if-match", &version.0),
        Precondition::None | Precondition::Absent | Precondition::Exists => request,
    }
}

fn body<'a>(cells: impl Iterator<Item = &'a (ColumnSchema, Value)>) -> String {
    let members: Map<String, Json> = cells
        .filter_map(|(column, value)| Some((column.name.clone(), value::write(value, column)?)))
        .collect();
    Json::Object(members).to_string()
}

fn written(table: &Table, job: &Job<'_>, answer: &Response) -> Written {
    let known = match &job.write.target {
        WriteTarget::Id { id, .. } => Some(id.clone()),
        WriteTarget::Key(_) => None,
    };
    match job.step {
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

fn header_version(answer: &Response) -> Option<Version> {
    answer.header("etag").map(|text| Version(text.to_owned()))
}

fn set(outcomes: &mut [Option<WriteOutcome>], place: usize, outcome: WriteOutcome) {
    if let Some(slot) = outcomes.get_mut(place) {
        *slot = Some(outcome);
    }
}

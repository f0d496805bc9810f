//! Writing: one request a record, many records a `$batch`, one outcome each.
//!
//! Every write carries a condition where the engine set one (learn.microsoft.com:
//! power-apps/developer/data-platform/webapi/perform-conditional-operations-using-web-api), and asks for the row's id
//! and version in the answer (`Prefer: return=representation`), so that our own write can be told from others' later.

use std::collections::BTreeMap;
use std::sync::Arc;

use dualwright_model::{ColumnPath, RecordId, Value, Version};
use dualwright_odata::literal::is_guid;
use http::StatusCode;

use super::body::Binds;
use super::environment::Environment;
use super::error::{Refusal, refusal, row_missing};
use super::lookup::{Conditions, Found};
use super::row::Row;
use super::schema::Table;
use crate::http::{Request, Response};
use crate::{ConnectError, Precondition, Selection, Write, WriteOutcome, WriteTarget, Written};

/// One write on its way.
pub(super) struct Job<'a> {
    pub(super) place: usize,
    pub(super) write: &'a Write,
    /// The row's id, once known; `None` for a row that is to be created without one.
    pub(super) id: Option<String>,
    /// Cells to send; for a new row with its key.
    pub(super) cells: BTreeMap<ColumnPath, Value>,
    /// Where its lookups lead.
    pub(super) binds: Binds,
}

impl Environment {
    pub(super) async fn apply(
        &self,
        selection: &Selection,
        writes: &[Write],
    ) -> Result<Vec<WriteOutcome>, ConnectError> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let table = self.catalogue.table(&selection.table).await?;
        let mut outcomes: Vec<Option<WriteOutcome>> = writes.iter().map(|_| None).collect();
        let mut jobs = self.locate(&table, selection, writes, &mut outcomes).await?;
        self.bind(&table, selection, &mut jobs, &mut outcomes).await?;
        let suspects = self.send(&table, selection, jobs, &mut outcomes).await;
        if !suspects.is_empty() {
            self.second_look(&table, selection, suspects, &mut outcomes).await;
        }
        let lost = || WriteOutcome::Failed(self.client.protocol("a write without an outcome"));
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect())
    }

    /// Finds the row of each write. Those whose outcome is clear already get it.
    async fn locate<'a>(
        &self,
        table: &Arc<Table>,
        selection: &Selection,
        writes: &'a [Write],
        outcomes: &mut [Option<WriteOutcome>],
    ) -> Result<Vec<Job<'a>>, ConnectError> {
        let mut jobs = Vec::with_capacity(writes.len());
        let (mut asking, mut questions): (Vec<usize>, Vec<Conditions>) = (Vec::new(), Vec::new());
        for (place, write) in writes.iter().enumerate() {
            let cells = write.cells.iter().map(|(path, value)| (path.clone(), value.clone())).collect();
            let mut job = Job { place, write, id: None, cells, binds: Binds::default() };
            match &write.target {
                WriteTarget::Id { id, .. } if is_guid(&id.0) => job.id = Some(id.0.to_lowercase()),
                WriteTarget::Id { .. } => {
                    set(outcomes, place, WriteOutcome::Missing);
                    continue;
                }
                WriteTarget::Key(values) => {
                    let question = self.question(selection, values)?;
                    let create = !write.delete && matches!(write.precondition, Precondition::Absent);
                    if !(create && has_unique_key(table, &question)) {
                        asking.push(jobs.len());
                        questions.push(question);
                    }
                }
            }
            jobs.push(job);
        }
        let found = self.find(table, &questions, false).await?;
        let mut dropped = Vec::new();
        for (index, found) in asking.into_iter().zip(found) {
            let Some(job) = jobs.get_mut(index) else { continue };
            if let Some(outcome) = self.settle_found(table, job, found) {
                set(outcomes, job.place, outcome);
                dropped.push(job.place);
            }
        }
        jobs.retain(|job| !dropped.contains(&job.place));
        for job in &mut jobs {
            add_key(selection, job);
        }
        Ok(jobs)
    }

    /// What finding the row says of the write: its id, or its outcome.
    fn settle_found(&self, table: &Table, job: &mut Job<'_>, found: Found) -> Option<WriteOutcome> {
        let creates = !job.write.delete && matches!(job.write.precondition, Precondition::Absent);
        match found {
            Found::One(_) if creates => Some(WriteOutcome::PreconditionFailed),
            Found::One(id) => {
                job.id = Some(id);
                None
            }
            Found::Many => Some(WriteOutcome::Failed(self.ambiguous(table))),
            Found::None | Found::Blocked(_) => {
                let may_create = !job.write.delete
                    && matches!(job.write.precondition, Precondition::Absent | Precondition::None);
                (!may_create).then_some(WriteOutcome::Missing)
            }
        }
    }

    /// Sends the jobs and settles their outcomes. Gives back those that failed because some row is missing, if that may
    /// be a lookup's target remembered too long.
    async fn send<'a>(
        &self,
        table: &Arc<Table>,
        selection: &Selection,
        jobs: Vec<Job<'a>>,
        outcomes: &mut [Option<WriteOutcome>],
    ) -> Vec<Job<'a>> {
        let mut requests = Vec::with_capacity(jobs.len());
        let mut sent = Vec::with_capacity(jobs.len());
        for job in jobs {
            match self.request(table, selection, &job) {
                Ok(request) => {
                    requests.push(request);
                    sent.push(job);
                }
                Err(error) => set(outcomes, job.place, WriteOutcome::Failed(error)),
            }
        }
        let mut answers = self.answers(requests).await;
        self.insist(table, selection, &sent, &mut answers).await;
        // Answered or not, the rows may have changed.
        let ids = sent.iter().filter_map(|job| job.id.as_deref());
        self.memory.changed(&table.schema.logical_name, ids);
        let mut suspects = Vec::new();
        for (job, answer) in sent.into_iter().zip(answers) {
            let outcome = match answer {
                Err(error) => WriteOutcome::Failed(error),
                Ok(answer) if row_missing(&answer) && !job.binds.is_empty() => {
                    suspects.push(job);
                    continue;
                }
                Ok(answer) => self.read_answer(table, &job, &answer),
            };
            set(outcomes, job.place, outcome);
        }
        suspects
    }

    /// Deletions of any version that the service does not take without a condition (RFC 6585, section 3, and OData v4
    /// protocol, section 8.2.4) go again with the condition that any version fits.
    async fn insist(
        &self,
        table: &Table,
        selection: &Selection,
        jobs: &[Job<'_>],
        answers: &mut [Result<Response, ConnectError>],
    ) {
        let (mut places, mut requests) = (Vec::new(), Vec::new());
        for (place, (job, answer)) in jobs.iter().zip(answers.iter()).enumerate() {
            let refused = answer.as_ref().is_ok_and(|it| it.status == StatusCode::PRECONDITION_REQUIRED);
            if refused
                && job.write.delete
                && !matches!(job.write.precondition, Precondition::Version(_))
                && let Ok(request) = self.request(table, selection, job)
            {
                places.push(place);
                requests.push(request.header("if-match", "*"));
            }
        }
        if requests.is_empty() {
            return;
        }
        for (place, answer) in places.into_iter().zip(self.answers(requests).await) {
            if let Some(slot) = answers.get_mut(place) {
                *slot = answer;
            }
        }
    }

    /// A row was missing for these writes, their own or a lookup's target. The lookups are looked for anew: if one is
    /// gone, that was it; if they lead elsewhere now, the write goes again, which is safe because it was refused.
    async fn second_look(
        &self,
        table: &Arc<Table>,
        selection: &Selection,
        suspects: Vec<Job<'_>>,
        outcomes: &mut [Option<WriteOutcome>],
    ) {
        let mut before = Vec::with_capacity(suspects.len());
        let mut jobs = suspects;
        for job in &mut jobs {
            job.binds.forget(&self.memory);
            before.push((job.place, std::mem::take(&mut job.binds)));
        }
        let places: Vec<usize> = jobs.iter().map(|job| job.place).collect();
        if let Err(error) = self.bind(table, selection, &mut jobs, outcomes).await {
            for place in places {
                set(outcomes, place, WriteOutcome::Failed(error.clone()));
            }
            return;
        }
        let unchanged =
            |job: &Job<'_>| before.iter().any(|(place, binds)| *place == job.place && *binds == job.binds);
        let (own_missing, again): (Vec<Job<'_>>, Vec<Job<'_>>) = jobs.into_iter().partition(unchanged);
        for job in own_missing {
            set(outcomes, job.place, self.own_row_missing(&job));
        }
        for job in self.send(table, selection, again, outcomes).await {
            set(outcomes, job.place, self.own_row_missing(&job));
        }
    }

    /// All lookups lead somewhere, so it is the row itself that is missing; unless it was to be created.
    fn own_row_missing(&self, job: &Job<'_>) -> WriteOutcome {
        if job.id.is_some() {
            return WriteOutcome::Missing;
        }
        WriteOutcome::Failed(self.client.protocol("a row to be created was reported as missing"))
    }

    fn request(&self, table: &Table, selection: &Selection, job: &Job<'_>) -> Result<Request, ConnectError> {
        let set = table.name();
        let tag =
            self.tag.as_ref().map(|tag| format!("tag={}", dualwright_odata::percent::encode_query(tag)));
        if job.write.delete {
            let id = job.id.as_deref().unwrap_or_default();
            let query = tag.map(|tag| format!("?{tag}")).unwrap_or_default();
            // Deleting twice is deleting once: the second time the row is missing, which is what was wanted.
            let request = Request::new(http::Method::DELETE, format!("{set}({id}){query}"), true);
            return Ok(match &job.write.precondition {
                Precondition::Version(version) => request.header("if-match", &version.0),
                _ => request,
            });
        }
        let query = format!(
            "?$select={}{}",
            table.primary_id(),
            tag.map(|tag| format!("&{tag}")).unwrap_or_default()
        );
        let unique = unique_key(table, selection, job);
        let (method, path, condition) = match (&job.id, &job.write.precondition) {
            (Some(id), Precondition::Version(version)) => {
                (http::Method::PATCH, format!("{set}({id})"), Some(("if-match", version.0.as_str())))
            }
            (Some(id), Precondition::Exists) => {
                (http::Method::PATCH, format!("{set}({id})"), Some(("if-match", "*")))
            }
            (Some(id), Precondition::Absent) => {
                (http::Method::PATCH, format!("{set}({id})"), Some(("if-none-match", "*")))
            }
            (Some(id), Precondition::None) => (http::Method::PATCH, format!("{set}({id})"), None),
            // The alternate key refuses a second row, whoever creates it.
            (None, _) if unique => (http::Method::POST, set.as_str().to_owned(), None),
            // Nothing refuses a second row, but this very request cannot make two: its id is chosen here.
            (None, _) => {
                let id = uuid::Uuid::new_v4();
                (http::Method::PATCH, format!("{set}({id})"), Some(("if-none-match", "*")))
            }
        };
        let repeatable = condition.is_some() || method == http::Method::POST;
        let mut request = Request::new(method, format!("{path}{query}"), repeatable)
            .header("prefer", "return=representation")
            .body(self.body(table, job)?);
        if let Some((name, value)) = condition {
            request = request.header(name, value);
        }
        Ok(request)
    }

    fn read_answer(&self, table: &Table, job: &Job<'_>, answer: &Response) -> WriteOutcome {
        match answer.status {
            StatusCode::OK | StatusCode::CREATED => match answer.json::<Row>() {
                Ok(row) => WriteOutcome::Written(Written {
                    id: row.guid(table.primary_id()).or_else(|| job.id.clone()).map(RecordId),
                    version: row.version(),
                    created: Some(answer.status == StatusCode::CREATED),
                }),
                Err(reason) => WriteOutcome::Failed(self.client.protocol(reason)),
            },
            StatusCode::NO_CONTENT => WriteOutcome::Written(Written {
                id: job.id.clone().or_else(|| answer.header("odata-entityid").and_then(id_in)).map(RecordId),
                version: answer.header("etag").map(|etag| Version(etag.to_owned())),
                created: match &job.write.precondition {
                    _ if job.write.delete => Some(false),
                    Precondition::Absent => Some(true),
                    Precondition::Version(_) | Precondition::Exists => Some(false),
                    Precondition::None => None,
                },
            }),
            StatusCode::NOT_FOUND if row_missing(answer) && job.id.is_some() => WriteOutcome::Missing,
            _ => match refusal(answer) {
                Refusal::Precondition => WriteOutcome::PreconditionFailed,
                Refusal::DuplicateKey if creates(job) => WriteOutcome::PreconditionFailed,
                Refusal::DuplicateKey | Refusal::Data => WriteOutcome::Failed(self.client.failure(answer)),
            },
        }
    }
}

/// Whether the write makes a new row: a duplicate key then says that the row exists already. On an update it says that
/// *another* row has the key, which reading again would not change.
fn creates(job: &Job<'_>) -> bool {
    job.id.is_none() || matches!(job.write.precondition, Precondition::Absent)
}

pub(super) fn set(outcomes: &mut [Option<WriteOutcome>], place: usize, outcome: WriteOutcome) {
    if let Some(slot) = outcomes.get_mut(place) {
        *slot = Some(outcome);
    }
}

/// A new row gets its key, also where the cells do not repeat it.
fn add_key(selection: &Selection, job: &mut Job<'_>) {
    if job.id.is_some() || job.write.delete {
        return;
    }
    if let WriteTarget::Key(values) = &job.write.target {
        for (path, value) in selection.key.iter().zip(values) {
            job.cells.entry(path.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Whether the table itself refuses a second row with this key: an active alternate key of just these columns (or
/// fewer). Rows with a null in the key are not kept unique (see define-alternate-keys-reference-records).
fn has_unique_key(table: &Table, question: &[(ColumnPath, Value)]) -> bool {
    let mut given = Vec::with_capacity(question.len());
    for (path, value) in question {
        if super::lookup::is_blank(value) {
            continue;
        }
        given.push(path.split_lookup().map_or(path.as_str(), |(lookup, _)| lookup).to_lowercase());
    }
    table.schema.keys.iter().any(|key| {
        key.active
            && !key.columns.is_empty()
            && key.columns.iter().all(|column| given.contains(&column.to_lowercase()))
    })
}

fn unique_key(table: &Table, selection: &Selection, job: &Job<'_>) -> bool {
    let question: Conditions =
        selection.key.iter().filter_map(|path| Some((path.clone(), job.cells.get(path)?.clone()))).collect();
    has_unique_key(table, &question)
}

/// The GUID in an `OData-EntityId` address.
fn id_in(address: &str) -> Option<String> {
    let (open, close) = (address.rfind('(')?, address.rfind(')')?);
    address.get(open + 1..close).filter(|id| is_guid(id)).map(str::to_lowercase)
}

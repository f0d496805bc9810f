//! Writing: one request a record, many records a `$batch`, one outcome each.
//!
//! F&O's PATCH changes only what is there and its POST creates only what is not, so "create or overwrite" is one after
//! the other. A POST that is repeated after a lost answer finds its own row and is told that the record exists; that is
//! safe as long as the key is given, and where F&O numbers the row itself, the POST is not repeated.

use std::collections::BTreeMap;

use dualwright_model::Value;
use http::StatusCode;

use super::environment::Environment;
use super::error::{refusal, row_exists, row_missing};
use super::job::{Cells, Job, Step};
use super::row::{Plan, Row, key_of_id};
use crate::http::Response;
use crate::{ConnectError, Precondition, Selection, Write, WriteOutcome, WriteTarget};

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
            jobs = self.step(&plan, jobs, &mut outcomes).await;
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
        let (mut given, mut asked) = (Cells::new(), Cells::new());
        for (path, value) in write.cells.iter() {
            let column = plan.table.schema.column(path.as_str());
            let column =
                column.ok_or_else(|| self.unknown(format!("the column {path} of {}", plan.table.name())))?;
            given.insert(column.name.clone(), (column.clone(), value.clone()));
        }
        let (WriteTarget::Id { key, .. } | WriteTarget::Key(key)) = &write.target;
        for (column, value) in plan.key.iter().zip(key) {
            let value = column.coerce(value.clone()).map_err(|error| self.rejected(error.to_string()))?;
            asked.insert(column.name.clone(), (column.clone(), value));
        }
        let step = match (write.delete, &write.precondition) {
            (true, _) => Step::Delete,
            (false, Precondition::Absent) => Step::Create,
            (false, _) => Step::Change,
        };
        Ok(Job { place, write, step, key: None, given, asked, any_version: false })
    }

    /// Sends each job's request and settles what can be settled. Gives back those that need another step.
    async fn step<'a>(
        &self,
        plan: &Plan,
        jobs: Vec<Job<'a>>,
        outcomes: &mut [Option<WriteOutcome>],
    ) -> Vec<Job<'a>> {
        let (mut sent, mut requests) = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
        for job in jobs {
            match job.request(&plan.table) {
                Some(request) => {
                    requests.push(request);
                    sent.push(job);
                }
                None => set(outcomes, job.place, WriteOutcome::Missing),
            }
        }
        let (mut again, mut suspects) = (Vec::new(), Vec::new());
        for (mut job, answer) in sent.into_iter().zip(self.answers(requests).await) {
            let outcome = match answer {
                Err(error) => Some(WriteOutcome::Failed(error)),
                Ok(answer) => self.read_answer(plan, &mut job, &answer),
            };
            match outcome {
                Some(WriteOutcome::Failed(error @ ConnectError::Rejected { .. }))
                    if job.step == Step::Create =>
                {
                    suspects.push((job, error));
                }
                Some(outcome) => set(outcomes, job.place, outcome),
                None => again.push(job),
            }
        }
        again.extend(self.second_look(plan, suspects, outcomes).await);
        again
    }

    /// New rows that were refused, for a reason in words that we may not understand: is it that they are there already?
    async fn second_look<'a>(
        &self,
        plan: &Plan,
        suspects: Vec<(Job<'a>, ConnectError)>,
        outcomes: &mut [Option<WriteOutcome>],
    ) -> Vec<Job<'a>> {
        let keys = suspects.iter().enumerate();
        let keys = keys.filter_map(|(index, (job, _))| Some((index, job.new_key(&plan.table)?))).collect();
        let there: Vec<usize> = match self.rows_at(plan, keys).await {
            Ok(rows) => rows.into_iter().filter(|(_, row)| row.is_some()).map(|(index, _)| index).collect(),
            // The refusal is all that we know, then.
            Err(_) => Vec::new(),
        };
        let mut again = Vec::new();
        for (index, (mut job, error)) in suspects.into_iter().enumerate() {
            let outcome = match there.contains(&index) {
                true => created_by_another(plan, &mut job),
                false => Some(WriteOutcome::Failed(error)),
            };
            match outcome {
                Some(outcome) => set(outcomes, job.place, outcome),
                None => again.push(job),
            }
        }
        again
    }

    /// What an answer says of the write; `None` when another step is needed.
    fn read_answer(&self, plan: &Plan, job: &mut Job<'_>, answer: &Response) -> Option<WriteOutcome> {
        let overwrites = matches!(job.write.precondition, Precondition::None);
        Some(match job.step {
            _ if answer.status.is_success() => WriteOutcome::Written(job.written(&plan.table, answer)),
            Step::Change | Step::Delete if answer.status == StatusCode::PRECONDITION_FAILED => {
                WriteOutcome::PreconditionFailed
            }
            // RFC 6585, section 3, and OData v4 protocol, section 8.2.4: a service may insist on `If-Match`.
            Step::Change | Step::Delete
                if answer.status == StatusCode::PRECONDITION_REQUIRED && !job.any_version =>
            {
                job.any_version = true;
                return None;
            }
            Step::Change if row_missing(answer) && overwrites => {
                job.step = Step::Create;
                return None;
            }
            Step::Change | Step::Delete if row_missing(answer) => WriteOutcome::Missing,
            Step::Create if row_exists(answer) => return created_by_another(plan, job),
            _ => WriteOutcome::Failed(refusal(&self.client, answer)),
        })
    }
}

/// A row that was to be new is there: that is the outcome, or the row is to be changed instead.
fn created_by_another(plan: &Plan, job: &mut Job<'_>) -> Option<WriteOutcome> {
    match job.new_key(&plan.table) {
        Some(key) if matches!(job.write.precondition, Precondition::None) => {
            job.step = Step::Change;
            job.key = Some(key);
            None
        }
        _ => Some(WriteOutcome::PreconditionFailed),
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

fn set(outcomes: &mut [Option<WriteOutcome>], place: usize, outcome: WriteOutcome) {
    if let Some(slot) = outcomes.get_mut(place) {
        *slot = Some(outcome);
    }
}

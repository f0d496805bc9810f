//! A candidate beside the live version: it gets what the live one got, its answers are compared, and nothing of them is
//! applied.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use dualwright_model::{Digest, Leg, Record, Value};
use dualwright_plugin_host::{GuestChange, Outcome, TransformResult};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::MapLogic;

/// Batches that may wait for the candidate; more are passed over, so that a slow candidate slows nobody.
const BATCHES_QUEUED: usize = 16;
/// Samples kept of each difference.
const SAMPLES_MAX: usize = 5;
/// The name under which differences of the whole outcome are counted.
const OUTCOME: &str = "(outcome)";

/// What the candidate and the live version disagreed on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ShadowReport {
    /// Rows both were given.
    pub rows: u64,
    /// Of these, changes of the past, with the row as it was captured.
    pub captured: u64,
    /// Of these, rows that were read when the comparison began, because no more captured changes were kept. The others
    /// came while the candidate ran beside the live version.
    pub read_now: u64,
    /// Captured changes that could not be used: they lack columns that one of both reads by now.
    pub incomplete: u64,
    /// Rows on which both said the same.
    pub same: u64,
    /// Rows the candidate was not given, because it could not keep up.
    pub passed_over: u64,
    /// Rows on which the candidate failed.
    pub faults: u64,
    /// Differences a target column, or of the outcome as a whole.
    pub differences: BTreeMap<String, ShadowDifference>,
}

/// Differences in one column.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ShadowDifference {
    /// In so many rows.
    pub rows: u64,
    /// Some of them.
    pub samples: Vec<ShadowSample>,
}

/// One difference. Holds row values: for the operator's eyes, never for a log (I11).
#[derive(Clone, Debug, Serialize)]
pub struct ShadowSample {
    /// The direction.
    pub leg: Leg,
    /// What the live version says.
    pub live: String,
    /// What the candidate says.
    pub candidate: String,
}

struct Batch {
    leg: Leg,
    initial: bool,
    changes: Vec<GuestChange>,
    live: Vec<TransformResult>,
}

/// A candidate at work.
pub(crate) struct Shadow {
    digest: Digest,
    queue: mpsc::Sender<Batch>,
    report: Arc<Mutex<ShadowReport>>,
}

impl Shadow {
    /// Starts a candidate; it ends when the last of its handles is dropped.
    pub(crate) fn start(candidate: Arc<dyn MapLogic>) -> Self {
        let (queue, mut batches) = mpsc::channel::<Batch>(BATCHES_QUEUED);
        let report = Arc::new(Mutex::new(ShadowReport::default()));
        let digest = candidate.digest().clone();
        let noted = Arc::clone(&report);
        tokio::spawn(async move {
            while let Some(batch) = batches.recv().await {
                let found = compare(candidate.as_ref(), batch).await;
                merge(&mut noted.lock().unwrap_or_else(PoisonError::into_inner), found);
            }
        });
        Self { digest, queue, report }
    }

    /// What it found before it began.
    pub(crate) fn begin_with(&self, found: ShadowReport) {
        merge(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner), found);
    }

    /// Shows the candidate what the live version got and said. Never waits.
    pub(crate) fn show(&self, leg: Leg, initial: bool, changes: &[GuestChange], live: &[TransformResult]) {
        let rows = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        let batch = Batch { leg, initial, changes: changes.to_vec(), live: live.to_vec() };
        if self.queue.try_send(batch).is_err() {
            self.report.lock().unwrap_or_else(PoisonError::into_inner).passed_over += rows;
        }
    }

    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    pub(crate) fn report(&self) -> ShadowReport {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs a candidate on changes and compares its answers with those of the live version.
async fn compare(candidate: &dyn MapLogic, batch: Batch) -> ShadowReport {
    let answers = candidate.rehearse(batch.leg, batch.initial, &batch.changes).await;
    let mut report = ShadowReport { rows: count(batch.live.len()), ..ShadowReport::default() };
    let complete = answers.len() == batch.live.len();
    for (place, live) in batch.live.iter().enumerate() {
        match answers.get(place).filter(|_| complete) {
            Some(answer) => compare_one(&mut report, batch.leg, live, answer),
            None => report.faults += 1,
        }
    }
    report
}

/// Compares on rows of a sample, one leg.
pub(crate) async fn compare_on(
    live: &dyn MapLogic,
    candidate: &dyn MapLogic,
    leg: Leg,
    changes: Vec<GuestChange>,
) -> ShadowReport {
    let said = live.rehearse(leg, false, &changes).await;
    compare(candidate, Batch { leg, initial: false, changes, live: said }).await
}

fn compare_one(report: &mut ShadowReport, leg: Leg, live: &TransformResult, candidate: &TransformResult) {
    if candidate.is_err() {
        report.faults += 1;
    }
    if let (Ok(Outcome::Upsert(live)), Ok(Outcome::Upsert(candidate))) = (live, candidate) {
        let columns: std::collections::BTreeSet<_> =
            live.iter().chain(candidate.iter()).map(|(column, _)| column.clone()).collect();
        let mut same = true;
        for column in columns {
            let (one, other) = (live.get(column.as_str()), candidate.get(column.as_str()));
            if one != other {
                same = false;
                note(report, column.as_str(), leg, shown(one), shown(other));
            }
        }
        report.same += u64::from(same);
        return;
    }
    let (one, other) = (word(live), word(candidate));
    if one == other {
        report.same += 1;
    } else {
        note(report, OUTCOME, leg, one, other);
    }
}

fn note(report: &mut ShadowReport, column: &str, leg: Leg, live: String, candidate: String) {
    let difference = report.differences.entry(column.to_owned()).or_default();
    difference.rows += 1;
    if difference.samples.len() < SAMPLES_MAX {
        difference.samples.push(ShadowSample { leg, live, candidate });
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Absent => "(not written)".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Text(text) => format!("{text:?}"),
        other => other.to_key_text(),
    }
}

fn word(answer: &TransformResult) -> String {
    match answer {
        Ok(Outcome::Upsert(cells)) => format!("upsert of {}", columns(cells)),
        Ok(Outcome::Delete) => "delete".to_owned(),
        Ok(Outcome::Skip(reason)) => format!("skip: {reason}"),
        Ok(Outcome::Reject(violations)) => {
            let codes: Vec<&str> = violations.iter().map(|violation| violation.code.as_str()).collect();
            format!("reject: {}", codes.join(", "))
        }
        Err(fault) => format!("fault: {}", fault.message.lines().next().unwrap_or_default()),
    }
}

fn columns(cells: &Record) -> String {
    format!("{} columns", cells.len())
}

fn merge(report: &mut ShadowReport, found: ShadowReport) {
    report.rows += found.rows;
    report.captured += found.captured;
    report.read_now += found.read_now;
    report.incomplete += found.incomplete;
    report.same += found.same;
    report.faults += found.faults;
    for (column, more) in found.differences {
        let difference = report.differences.entry(column).or_default();
        difference.rows += more.rows;
        let room = SAMPLES_MAX.saturating_sub(difference.samples.len());
        difference.samples.extend(more.samples.into_iter().take(room));
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

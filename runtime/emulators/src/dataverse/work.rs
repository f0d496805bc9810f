//! What the parts of one transaction share: the model, the steps registered so far, answers of synchronous steps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::address::References;
use super::error::ApiError;
use super::model::{Model, fresh_guid};
use super::webhook::{Call, Steps};
use crate::kernel::error::StoreError;
use crate::kernel::outbox;
use crate::kernel::rows::Snapshot;
use crate::kernel::store::Store;
use crate::kernel::transaction::Transaction;

/// How often a request may be started over because its synchronous steps changed meanwhile.
const MOST_ROUNDS: usize = 8;

/// The steps of the last committed state, shared by all requests; `None` after they changed.
pub(super) type StepCache = Arc<Mutex<Option<Arc<Steps>>>>;

/// The state of one transaction.
pub(super) struct Work<'a> {
    model: &'a Model,
    cache: &'a StepCache,
    steps: Option<Arc<Steps>>,
    /// Whether this transaction changed the steps, so that what it reads is its own.
    touched: bool,
    operation: usize,
    round: Round,
    calls: Vec<Call>,
    /// Rows that parts of the changeset wrote.
    pub(super) references: References,
}

/// What one run of a request leaves to the next.
#[derive(Default)]
struct Round {
    /// Whether a synchronous step agreed, by operation and step.
    verdicts: HashMap<(usize, String), Result<(), String>>,
    /// The ids given to rows created by an operation.
    ids: HashMap<usize, String>,
}

impl<'a> Work<'a> {
    fn new(model: &'a Model, cache: &'a StepCache, round: Round) -> Self {
        Self {
            model,
            cache,
            steps: None,
            touched: false,
            operation: 0,
            round,
            calls: Vec::new(),
            references: References::new(),
        }
    }

    /// The model.
    pub(super) fn model(&self) -> &'a Model {
        self.model
    }

    /// The number of the next row written in this transaction.
    pub(super) fn next_operation(&mut self) -> usize {
        self.operation += 1;
        self.operation
    }

    /// The id for a row created by an operation: the same when the request is started over.
    pub(super) fn id(&mut self, operation: usize) -> String {
        self.round.ids.entry(operation).or_insert_with(fresh_guid).clone()
    }

    /// The steps as of now.
    pub(super) fn steps(&mut self, snapshot: &Snapshot<'_>) -> Result<Arc<Steps>, ApiError> {
        if let Some(steps) = &self.steps {
            return Ok(steps.clone());
        }
        let known = if self.touched { None } else { self.lock().clone() };
        let steps = match known {
            Some(steps) => steps,
            None => {
                let steps = Arc::new(Steps::load(snapshot, self.model)?);
                if !self.touched {
                    *self.lock() = Some(steps.clone());
                }
                steps
            }
        };
        self.steps = Some(steps.clone());
        Ok(steps)
    }

    /// Notes that this transaction changes the steps.
    pub(super) fn touch_steps(&mut self) {
        self.touched = true;
        self.steps = None;
        *self.lock() = None;
    }

    /// What a synchronous step said; `None` when it is still to be asked.
    pub(super) fn verdict(&self, operation: usize, step: &str) -> Option<&Result<(), String>> {
        self.round.verdicts.get(&(operation, step.to_owned()))
    }

    /// Notes that a synchronous step is to be asked.
    pub(super) fn ask(&mut self, call: Call) {
        self.calls.push(call);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Steps>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a transaction was rolled back.
enum Halt {
    Refused(ApiError),
    /// Synchronous steps must be asked first.
    Ask {
        calls: Vec<Call>,
        round: Round,
    },
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// What `run` does in its transaction; it may run more than once, and must do the same each time.
pub(super) type Job<T> =
    Arc<dyn Fn(&mut Transaction<'_>, &mut Work<'_>) -> Result<T, ApiError> + Send + Sync>;

/// Runs a job in a write transaction. Where synchronous steps are registered for what it writes, it is run on trial and
/// rolled back, the steps are asked outside of the transaction, so that they may read and write themselves, and it is
/// run for good with their answers.
pub(super) async fn run<T: Send + 'static>(
    store: &Store,
    model: &Arc<Model>,
    cache: &StepCache,
    client: &reqwest::Client,
    job: Job<T>,
) -> Result<T, ApiError> {
    let mut round = Round::default();
    for _ in 0..MOST_ROUNDS {
        let (model, cache, job) = (model.clone(), cache.clone(), job.clone());
        let result = store
            .write(move |transaction| {
                let mut work = Work::new(&model, &cache, round);
                let result = job(transaction, &mut work);
                let Work { calls, round, touched, .. } = work;
                if touched {
                    *cache.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                match result {
                    Ok(_) if !calls.is_empty() => Err(Halt::Ask { calls, round }),
                    Ok(answer) => Ok(answer),
                    Err(error) => Err(Halt::Refused(error)),
                }
            })
            .await;
        match result {
            Ok(answer) => return Ok(answer),
            Err(Halt::Refused(error)) => return Err(error),
            Err(Halt::Ask { calls, round: asked }) => {
                round = asked;
                for call in calls {
                    let verdict = match outbox::post(client, &call.event).await {
                        Ok(status) if status.is_success() => Ok(()),
                        Ok(status) => Err(format!("it answered {status}")),
                        Err(error) if error.is_timeout() => Err("it did not answer in time".to_owned()),
                        Err(_) => Err("it cannot be reached".to_owned()),
                    };
                    round.verdicts.insert((call.operation, call.step), verdict);
                }
            }
        }
    }
    Err(ApiError::aborted("its steps change faster than they can be asked"))
}

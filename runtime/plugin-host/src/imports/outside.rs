//! What guests ask of the world outside: counted, waited for within bounds, and given up when nobody waits any more.
//!
//! Guests run on threads that may block, so the host function waits there while the answer is fetched on the async
//! runtime. What it waits is not the guest's time: it is added to the deadline. A batch may wait so much in all, however
//! often it is split and tried again; afterwards everything is answered `unavailable` at once, and the batch goes on.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use wasmtime::{Store, Trap, UpdateDeadline};

use super::answers::Answers;
use crate::grants::{HttpGrant, LookupGrant};
use crate::services::{ServiceError, Services};
use crate::store::State;
use crate::ticker::Ticker;
use crate::{Grants, Limits};

/// How often a wait looks whether anybody still wants the answer.
const GLANCE: Duration = Duration::from_millis(20);

/// The guest asked more often than it may.
#[derive(Debug, thiserror::Error)]
#[error("asked `lookup` and `http` more than {0} times in one call")]
pub(crate) struct AskedTooOften(pub(crate) usize);

/// Nobody waits for this batch any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody waits for the answer any more")]
pub(crate) struct GivenUp;

/// What one loaded component may ask, and what it was answered lately.
#[derive(Debug)]
pub(crate) struct Outside {
    services: Option<Arc<dyn Services>>,
    pub(crate) lookup: Vec<LookupGrant>,
    pub(crate) http: Vec<HttpGrant>,
    answers: Mutex<Answers>,
    limits: Limits,
}

impl Outside {
    /// Nothing, for a component that was granted nothing of it.
    pub(crate) fn granted(
        services: Option<&Arc<dyn Services>>,
        grants: &Grants,
        limits: &Limits,
    ) -> Option<Arc<Self>> {
        if grants.lookup.is_empty() && grants.http.is_empty() {
            return None;
        }
        Some(Arc::new(Self {
            services: services.cloned(),
            lookup: grants.lookup.clone(),
            http: grants.http.clone(),
            answers: Mutex::new(Answers::new(limits.lookup_cache_bytes, limits.lookup_cache_time)),
            limits: limits.clone(),
        }))
    }

    /// For one batch. `rehearsal`: nothing may leave a trace outside.
    pub(crate) fn batch(self: &Arc<Self>, rehearsal: bool, cancelled: &Arc<AtomicBool>) -> Arc<Batch> {
        Arc::new(Batch {
            outside: Arc::clone(self),
            rehearsal,
            cancelled: Arc::clone(cancelled),
            // There is one wherever calls are made: they come off the async runtime.
            runtime: Handle::try_current().ok(),
            began: Instant::now(),
            waited: Mutex::default(),
        })
    }

    pub(crate) fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all calls of one batch share.
#[derive(Debug)]
pub(crate) struct Batch {
    outside: Arc<Outside>,
    rehearsal: bool,
    cancelled: Arc<AtomicBool>,
    runtime: Option<Handle>,
    began: Instant,
    waited: Mutex<Duration>,
}

impl Batch {
    fn waited(&self) -> MutexGuard<'_, Duration> {
        self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one call may still ask, and the time it spent waiting, which is not its own.
#[derive(Debug)]
pub(crate) struct Errands {
    batch: Arc<Batch>,
    most_calls: usize,
    calls: usize,
    waited: Duration,
}

impl Errands {
    /// Lets the guest of this store ask, for a call with so many rows.
    pub(crate) fn allow(store: &mut Store<State>, batch: &Arc<Batch>, rows: usize) {
        let most_calls = batch.outside.limits.service_calls_for(rows);
        store.data_mut().errands =
            Some(Self { batch: Arc::clone(batch), most_calls, calls: 0, waited: Duration::ZERO });
        store.epoch_deadline_callback(|context| {
            let State { errands, began, deadline, .. } = context.data();
            let waited = errands.as_ref().map_or(Duration::ZERO, |errands| errands.waited);
            let left = deadline.saturating_sub(began.elapsed().saturating_sub(waited));
            if left.is_zero() || waited.is_zero() {
                return Err(Trap::Interrupt.into());
            }
            Ok(UpdateDeadline::Continue(Ticker::ticks(left)))
        });
    }

    pub(crate) fn outside(&self) -> Arc<Outside> {
        Arc::clone(&self.batch.outside)
    }

    pub(crate) fn is_rehearsal(&self) -> bool {
        self.batch.rehearsal
    }

    pub(crate) fn batch_began(&self) -> Instant {
        self.batch.began
    }

    /// How long one lookup may take.
    pub(crate) fn lookup_timeout(&self) -> Duration {
        self.batch.outside.limits.lookup_timeout
    }

    /// Counts one question, asked of whatever and granted or not.
    pub(crate) fn count(&mut self) -> wasmtime::Result<()> {
        self.calls = self.calls.saturating_add(1);
        if self.calls > self.most_calls {
            return Err(AskedTooOften(self.most_calls).into());
        }
        if self.batch.cancelled.load(Ordering::Relaxed) {
            return Err(GivenUp.into());
        }
        Ok(())
    }

    /// Asks and waits, at most so long.
    ///
    /// # Errors
    /// The outer error ends the guest; the inner one is its answer.
    pub(crate) fn ask<T, F>(
        &mut self,
        most: Duration,
        question: impl FnOnce(Arc<dyn Services>) -> F,
    ) -> wasmtime::Result<Result<T, ServiceError>>
    where
        F: Future<Output = Result<T, ServiceError>>,
    {
        let unavailable = |reason: String| Ok(Err(ServiceError::Unavailable(reason)));
        let batch = Arc::clone(&self.batch);
        let (Some(services), Some(runtime)) = (&batch.outside.services, &batch.runtime) else {
            return unavailable("nothing outside is connected here".to_owned());
        };
        let allowance = batch.outside.limits.service_wait;
        let left = allowance.saturating_sub(*batch.waited());
        if left.is_zero() {
            return unavailable(format!("this batch has waited its {} ms", allowance.as_millis()));
        }
        let most = most.min(left);
        let began = Instant::now();
        let answer = runtime.block_on(wait(most, &batch.cancelled, question(Arc::clone(services))));
        let waited = began.elapsed();
        *batch.waited() += waited;
        self.waited += waited;
        match answer {
            Waited::Answered(answer) => Ok(answer),
            Waited::TooLong => unavailable(format!("there was no answer within {} ms", most.as_millis())),
            Waited::GivenUp => Err(GivenUp.into()),
        }
    }
}

enum Waited<T> {
    Answered(T),
    TooLong,
    GivenUp,
}

async fn wait<T>(most: Duration, cancelled: &AtomicBool, answer: impl Future<Output = T>) -> Waited<T> {
    let given_up = async {
        while !cancelled.load(Ordering::Relaxed) {
            tokio::time::sleep(GLANCE).await;
        }
    };
    tokio::select! {
        biased;
        answer = answer => Waited::Answered(answer),
        () = given_up => Waited::GivenUp,
        () = tokio::time::sleep(most) => Waited::TooLong,
    }
}

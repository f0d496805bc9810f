//! Batches through a plugin.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dualwright_model::{ColumnPath, Digest, Leg};
use tokio::sync::Semaphore;

use crate::engine::Shared;
use crate::fault::NotStarted;
use crate::imports::outside::{self, Errands, Outside};
use crate::rows::{Picks, Rows};
use crate::stats::Counters;
use crate::worlds::contract::Version;
use crate::worlds::mapper::Mapper;
use crate::{
    Description, GuestChange, GuestFault, GuestFaultKind, PluginStats, TransformResult, fault, isolate, store,
};

/// A component that passed all checks, compiled and linked. Cheap to clone; the clones are the same plugin. It has no
/// state: every call makes a fresh instance.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    mapper: Mapper,
    contract: Version,
    digest: Digest,
    description: Description,
    legs: Vec<LegPlan>,
    // `map version`, for the log.
    origin: Arc<str>,
    settings: Arc<BTreeMap<String, String>>,
    // What it may ask of the world outside, if anything.
    outside: Option<Arc<Outside>>,
    calls: Arc<Semaphore>,
    counters: Counters,
}

struct LegPlan {
    leg: Leg,
    picks: Picks,
    writes: Vec<ColumnPath>,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Plugin").field(&self.inner.origin).field(&self.inner.digest).finish()
    }
}

impl Plugin {
    pub(crate) fn new(
        shared: Arc<Shared>,
        mapper: Mapper,
        contract: Version,
        digest: Digest,
        description: Description,
        settings: Arc<BTreeMap<String, String>>,
        outside: Option<Arc<Outside>>,
    ) -> Self {
        let legs = description
            .legs
            .iter()
            .map(|leg| LegPlan { leg: leg.leg, picks: Picks::new(&leg.reads), writes: leg.writes.clone() })
            .collect();
        let origin = Arc::from(format!("{} {}", description.name, description.version));
        let calls = Arc::new(Semaphore::new(shared.calls_per_plugin));
        let counters = Counters::default();
        Self {
            inner: Arc::new(Inner {
                shared,
                mapper,
                contract,
                digest,
                description,
                legs,
                origin,
                settings,
                outside,
                calls,
                counters,
            }),
        }
    }

    /// What the map says of itself.
    pub fn description(&self) -> &Description {
        &self.inner.description
    }

    /// The SHA-256 of the component's bytes.
    pub fn digest(&self) -> &Digest {
        &self.inner.digest
    }

    /// The version of the contract it was built against, `1.0.0`.
    pub fn contract(&self) -> String {
        self.inner.contract.to_string()
    }

    /// What it has done since it was loaded.
    pub fn stats(&self) -> PluginStats {
        self.inner.counters.read()
    }

    /// Gives a batch to the map: exactly one answer a change, in the same order. Never fails as a whole: a guest that
    /// traps, hangs, eats memory or answers nonsense costs the records that made it do so, and no others (I9). For how
    /// long that is searched, see [`crate::Limits::isolation_time`].
    ///
    /// The batch is split into calls of [`crate::Limits::batch_rows`] and [`crate::Limits::batch_bytes`], one after the
    /// other, each in a fresh instance. The guest runs on a thread that may block; the call waits for a free place
    /// among the host's concurrent calls. Dropping the future stops after the call that is running.
    pub async fn transform(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        self.run(leg, initial, batch, false).await
    }

    /// [`Plugin::transform`] for a look at what would be written: a map that was granted `http` sends no request that
    /// could change anything, and is told that it was not granted.
    pub async fn rehearse(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        self.run(leg, initial, batch, true).await
    }

    async fn run(
        &self,
        leg: Leg,
        initial: bool,
        batch: &[GuestChange],
        rehearsal: bool,
    ) -> Vec<TransformResult> {
        if batch.is_empty() {
            return Vec::new();
        }
        let Some(plan) = self.inner.legs.iter().position(|plan| plan.leg == leg) else {
            return refuse_all(batch.len(), &format!("the map has no leg {leg}"));
        };
        let Some(rows) = self.inner.legs.get(plan).map(|plan| Rows::new(&plan.picks, batch)) else {
            return refuse_all(batch.len(), &format!("the map has no leg {leg}"));
        };
        // Its own places first, so that a waiting plugin holds none of the common ones. Neither is ever closed.
        let own = Arc::clone(&self.inner.calls).acquire_owned().await.ok();
        let common = Arc::clone(&self.inner.shared.calls).acquire_owned().await.ok();
        let cancel = CancelOnDrop::default();
        let (inner, cancelled) = (Arc::clone(&self.inner), Arc::clone(&cancel.0));
        let answered = tokio::task::spawn_blocking(move || {
            let _places = (own, common);
            let outside = inner.outside.as_ref().map(|outside| outside.batch(rehearsal, &cancelled));
            inner.answer(plan, initial, &rows, outside.as_ref(), &cancelled)
        })
        .await;
        let answers = answered.unwrap_or_default();
        if answers.len() == batch.len() {
            return answers;
        }
        refuse_all(batch.len(), "the host stopped before the map had answered")
    }
}

impl Inner {
    fn answer(
        &self,
        plan: usize,
        initial: bool,
        rows: &Rows,
        outside: Option<&Arc<outside::Batch>>,
        cancelled: &AtomicBool,
    ) -> Vec<TransformResult> {
        let Some(plan) = self.legs.get(plan) else { return Vec::new() };
        let limits = &self.shared.limits;
        let mut answers = Vec::with_capacity(rows.len());
        for batch in rows.calls(limits.batch_rows, limits.batch_bytes) {
            answers.extend(isolate::answer_all(batch, limits, cancelled, |range, deadline| {
                self.call(plan, initial, rows, outside, &range, deadline)
            }));
        }
        let faults = answers.iter().filter(|answer| answer.is_err()).count();
        self.counters.answered(answers.len(), faults);
        answers
    }

    /// One call in one fresh instance, which is gone afterwards. Tries again, a little later, when the host could not
    /// make one.
    fn call(
        &self,
        plan: &LegPlan,
        initial: bool,
        rows: &Rows,
        outside: Option<&Arc<outside::Batch>>,
        range: &Range<usize>,
        deadline: Duration,
    ) -> Result<Vec<TransformResult>, GuestFault> {
        const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];
        let limits = &self.shared.limits;
        let output_bytes = limits.output_bytes_for(range.len(), plan.writes.len(), rows.bytes(range));
        let mut pauses = PAUSES.into_iter();
        loop {
            let begun = Instant::now();
            let mut store = store::fresh(
                &self.shared.engine,
                limits.memory_bytes,
                deadline,
                output_bytes,
                Arc::clone(&self.origin),
                Arc::clone(&self.settings),
            );
            if let Some(batch) = outside {
                Errands::allow(&mut store, batch, range.len());
            }
            let answered = self.mapper.transform(&mut store, plan.leg, initial, rows, range, &plan.writes);
            let guard = store.into_data().guard;
            self.counters.called(begun.elapsed());
            match answered {
                Ok(answers) => return Ok(answers),
                Err(error) => match pauses.next().filter(|_| error.is::<NotStarted>() && !guard.refused()) {
                    Some(pause) => std::thread::sleep(pause),
                    None => return Err(fault::of(&error, &guard, limits.memory_bytes, deadline)),
                },
            }
        }
    }
}

fn refuse_all(count: usize, message: &str) -> Vec<TransformResult> {
    let fault = GuestFault { kind: GuestFaultKind::BadAnswer, message: message.to_owned() };
    (0..count).map(|_| Err(fault.clone())).collect()
}

/// Tells the blocking thread that nobody waits any more.
#[derive(Default)]
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

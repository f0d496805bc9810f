//! Calls into one component, whatever it exports: a place among all calls, a fresh instance, its limits, its counters.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use wasmtime::Store;

use crate::ahead::{Ahead, Ready};
use crate::engine::Shared;
use crate::fault::NotStarted;
use crate::imports::outside::{self, Errands, Outside};
use crate::rows::Rows;
use crate::stats::Counters;
use crate::store::State;
use crate::{GuestFault, GuestFaultKind, PluginStats, fault, isolate, store};

/// One answer a row, or the fault of the row that made the guest fail.
pub(crate) type Answers<T> = Vec<Result<T, GuestFault>>;

/// One component, as far as it is called.
pub(crate) struct Caller {
    shared: Arc<Shared>,
    /// What the operator's log calls it: its name and version.
    origin: Arc<str>,
    settings: Arc<BTreeMap<String, String>>,
    /// What it may ask of the world outside, if anything.
    outside: Option<Arc<Outside>>,
    calls: Arc<Semaphore>,
    /// Instances made before they are needed. Not for guests that ask the world outside: they may do so while they start.
    ahead: Ahead,
    counters: Counters,
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.origin)
    }
}

impl Caller {
    pub(crate) fn new(
        shared: Arc<Shared>,
        origin: String,
        settings: Arc<BTreeMap<String, String>>,
        outside: Option<Arc<Outside>>,
    ) -> Arc<Self> {
        let calls = Arc::new(Semaphore::new(shared.calls_per_plugin));
        Arc::new(Self {
            shared,
            origin: Arc::from(origin),
            settings,
            outside,
            calls,
            ahead: Ahead::default(),
            counters: Counters::default(),
        })
    }

    pub(crate) fn stats(&self) -> PluginStats {
        self.counters.read()
    }

    /// Gives rows to the guest: exactly one answer a row, in the same order. Never fails as a whole: a guest that traps,
    /// hangs, eats memory or answers nonsense costs the records that made it do so, and no others (I9).
    ///
    /// `written` is how many cells an answer to one row may have; `call` asks an instance that it makes in the store it
    /// is given. The rows are split into calls, one after the other, each in a fresh instance, on a thread that may
    /// block; the caller waits for a free place among the host's concurrent calls. Dropping the future stops after the
    /// call that is running.
    pub(crate) async fn answer_all<T: Send + 'static>(
        self: &Arc<Self>,
        rows: Rows,
        written: usize,
        rehearsal: bool,
        call: impl Fn(&mut Store<State>, &Rows, &Range<usize>) -> wasmtime::Result<Answers<T>> + Send + 'static,
    ) -> Answers<T> {
        let count = rows.len();
        if count == 0 {
            return Vec::new();
        }
        // Its own places first, so that a waiting plugin holds none of the common ones. None is ever closed.
        let own = Arc::clone(&self.calls).acquire_owned().await.ok();
        let asking = match &self.outside {
            Some(_) => Arc::clone(&self.shared.asking).acquire_owned().await.ok(),
            None => None,
        };
        let common = Arc::clone(&self.shared.calls).acquire_owned().await.ok();
        let cancel = CancelOnDrop::default();
        let (caller, cancelled) = (Arc::clone(self), Arc::clone(&cancel.0));
        let answered = tokio::task::spawn_blocking(move || {
            let _places = (own, asking, common);
            let outside = caller.outside.as_ref().map(|outside| outside.batch(rehearsal, &cancelled));
            caller.answer(&rows, written, outside.as_ref(), &cancelled, call)
        })
        .await;
        if self.ahead.is_wanted() {
            // While the caller has its hands full with what came out.
            let caller = Arc::clone(self);
            tokio::task::spawn_blocking(move || caller.make_ahead());
        }
        let answers = answered.unwrap_or_default();
        if answers.len() == count {
            return answers;
        }
        refuse_all(count, "the host stopped before the guest had answered")
    }

    fn answer<T>(
        &self,
        rows: &Rows,
        written: usize,
        outside: Option<&Arc<outside::Batch>>,
        cancelled: &AtomicBool,
        call: impl Fn(&mut Store<State>, &Rows, &Range<usize>) -> wasmtime::Result<Answers<T>>,
    ) -> Answers<T> {
        let limits = &self.shared.limits;
        let mut answers = Vec::with_capacity(rows.len());
        for batch in rows.calls(limits.batch_rows, limits.batch_bytes) {
            answers.extend(isolate::answer_all(batch, limits, cancelled, |range, deadline| {
                let output_bytes = limits.output_bytes_for(range.len(), written, rows.bytes(&range));
                self.call(range.len(), output_bytes, outside, deadline, |store| call(store, rows, &range))
            }));
        }
        let faults = answers.iter().filter(|answer| answer.is_err()).count();
        self.counters.answered(answers.len(), faults);
        answers
    }

    fn make_ahead(&self) {
        let limits = &self.shared.limits;
        self.ahead.make(&self.shared.ahead, self.shared.slow_start, || {
            self.fresh(limits.deadline, limits.output_bytes_floor)
        });
    }

    fn fresh(&self, deadline: Duration, output_bytes: usize) -> Store<State> {
        store::fresh(
            &self.shared.engine,
            self.shared.limits.memory_bytes,
            deadline,
            output_bytes,
            Arc::clone(&self.origin),
            Arc::clone(&self.settings),
        )
    }

    /// One call in one fresh instance, which is gone afterwards. Tries again, a little later, when the host could not
    /// make one.
    fn call<T>(
        &self,
        rows: usize,
        output_bytes: usize,
        outside: Option<&Arc<outside::Batch>>,
        deadline: Duration,
        call: impl Fn(&mut Store<State>) -> wasmtime::Result<Answers<T>>,
    ) -> Result<Answers<T>, GuestFault> {
        const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];
        let limits = &self.shared.limits;
        let mut pauses = PAUSES.into_iter();
        loop {
            let begun = Instant::now();
            let ready = self.ahead.take();
            self.counters.met(ready.is_some());
            let (mut store, place) = match ready {
                Some(Ready { mut store, place }) => {
                    store::begin(&mut store, deadline, output_bytes);
                    (store, Some(place))
                }
                None => (self.fresh(deadline, output_bytes), None),
            };
            if self.outside.is_none() {
                store.data_mut().slow = self.shared.slow_start;
            }
            if let Some(batch) = outside {
                Errands::allow(&mut store, batch, rows);
            }
            let answered = call(&mut store);
            let State { guard, slow_start, .. } = store.into_data();
            drop(place);
            if let Some(linked) = slow_start {
                self.ahead.note(linked);
            }
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

/// The same fault for every row.
pub(crate) fn refuse_all<T>(count: usize, message: &str) -> Answers<T> {
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

//! What lives beside one instance, for as long as one call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Engine, Store};

use crate::imports::log::LineCount;
use crate::imports::outside::Errands;
use crate::limits::MemoryGuard;
use crate::ticker::Ticker;

/// What the host keeps for one instance. Everything in it is either fresh or read-only.
pub(crate) struct State {
    pub(crate) guard: MemoryGuard,
    pub(crate) lines: LineCount,
    /// What the operator's log calls this plugin: map and version, or the file while it is being loaded.
    pub(crate) origin: Arc<str>,
    pub(crate) settings: Arc<BTreeMap<String, String>>,
    /// What it may ask of the world outside; nothing while it is being loaded.
    pub(crate) errands: Option<Errands>,
    /// When it was made.
    pub(crate) began: Instant,
    /// How long it may run; what it waits for answers from outside is not counted.
    pub(crate) deadline: Duration,
    /// The instance, where it was made ahead and not used yet.
    pub(crate) ahead: Option<Instance>,
    /// Starts that take this long are noted.
    pub(crate) slow: Duration,
    /// What took so long.
    pub(crate) slow_start: Option<InstancePre<State>>,
}

/// A fresh store under these limits. The time runs from now on.
pub(crate) fn fresh(
    engine: &Engine,
    memory_bytes: usize,
    deadline: Duration,
    output_bytes: usize,
    origin: Arc<str>,
    settings: Arc<BTreeMap<String, String>>,
) -> Store<State> {
    let guard = MemoryGuard::new(memory_bytes);
    let state = State {
        guard,
        lines: LineCount::default(),
        origin,
        settings,
        errands: None,
        began: Instant::now(),
        deadline,
        ahead: None,
        slow: Duration::MAX,
        slow_start: None,
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.guard);
    begin(&mut store, deadline, output_bytes);
    store
}

/// Begins a call in a store that is fresh, or whose instance was made ahead: from now on the time runs.
pub(crate) fn begin(store: &mut Store<State>, deadline: Duration, output_bytes: usize) {
    let state = store.data_mut();
    state.began = Instant::now();
    state.deadline = deadline;
    store.set_epoch_deadline(Ticker::ticks(deadline));
    // What the engine copies out of the guest, at its size in the host. A guest may name one list many times over, so
    // the limit on its memory alone does not bound what the host would hold.
    store.set_hostcall_fuel(output_bytes);
}

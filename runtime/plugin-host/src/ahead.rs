//! Instances made before they are needed, for guests that take long to start: some languages run a good part of their
//! own library first.
//!
//! Such an instance serves one call, as every other does, and is thrown away: what is saved is the waiting, and nothing
//! is shared between batches (I9). It has been given no row, no errand and no time of a batch when it is taken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::store::State;

/// How many instances wait in the whole host at most: one a component, of those that are slow to start. An instance of
/// Python holds about a megabyte.
pub(crate) const MOST: usize = 16;

/// A store with an instance in it that has started and was not called yet.
pub(crate) struct Ready {
    pub(crate) store: Store<State>,
    /// Its place among [`MOST`]: to be held for as long as the instance is there.
    pub(crate) place: OwnedSemaphorePermit,
}

/// What one component has ready.
#[derive(Default)]
pub(crate) struct Ahead {
    /// What to make instances of, once a start of it was seen to take long.
    slow: Mutex<Option<InstancePre<State>>>,
    ready: Mutex<Option<Ready>>,
    making: AtomicBool,
}

impl Ahead {
    /// The instance that is ready, if one is.
    pub(crate) fn take(&self) -> Option<Ready> {
        held(&self.ready).take()
    }

    /// Notes that a start took long.
    pub(crate) fn note(&self, linked: InstancePre<State>) {
        *held(&self.slow) = Some(linked);
    }

    /// Whether one should be made.
    pub(crate) fn is_wanted(&self) -> bool {
        held(&self.slow).is_some() && held(&self.ready).is_none() && !self.making.load(Ordering::Relaxed)
    }

    /// Makes one in `store`, unless somebody is at it, or all places are taken. A component that turns out to start in
    /// less than `slow` is left alone from then on; one that fails to start tells so when it is called.
    pub(crate) fn make(&self, places: &Arc<Semaphore>, slow: Duration, store: impl FnOnce() -> Store<State>) {
        let Some(linked) = held(&self.slow).clone() else { return };
        if self.making.swap(true, Ordering::Relaxed) {
            return;
        }
        if held(&self.ready).is_none()
            && let Ok(place) = Arc::clone(places).try_acquire_owned()
        {
            let mut store = store();
            let begun = Instant::now();
            let made = linked.instantiate(&mut store);
            if begun.elapsed() < slow {
                *held(&self.slow) = None;
            }
            if let Ok(instance) = made {
                store.data_mut().ahead = Some(instance);
                *held(&self.ready) = Some(Ready { store, place });
            }
        }
        self.making.store(false, Ordering::Relaxed);
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

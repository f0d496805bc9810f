//! What a plugin has done so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a plugin has done since it was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PluginStats {
    /// Calls into the guest, those that failed included.
    pub calls: u64,
    /// Rows that were given to the guest and answered for, one way or the other; each once.
    pub rows: u64,
    /// Rows that ended in a fault.
    pub faults: u64,
    /// Time spent in calls, making the instance included where it was not made ahead.
    pub time: Duration,
    /// Calls whose instance was made ahead.
    pub ahead: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    rows: AtomicU64,
    faults: AtomicU64,
    nanos: AtomicU64,
    ahead: AtomicU64,
}

impl Counters {
    pub(crate) fn called(&self, time: Duration) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let spent = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(spent, Ordering::Relaxed);
    }

    pub(crate) fn met(&self, ahead: bool) {
        self.ahead.fetch_add(u64::from(ahead), Ordering::Relaxed);
    }

    pub(crate) fn answered(&self, rows: usize, faults: usize) {
        self.rows.fetch_add(u64::try_from(rows).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.faults.fetch_add(u64::try_from(faults).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> PluginStats {
        PluginStats {
            calls: self.calls.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            faults: self.faults.load(Ordering::Relaxed),
            time: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
            ahead: self.ahead.load(Ordering::Relaxed),
        }
    }
}

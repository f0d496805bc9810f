//! What a guest may use: memory, time, stack, size of its answer.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What a guest may use. The same limits hold for every world version: they sit below the adapters (I6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All linear memories of one instance together, in bytes.
    pub memory_bytes: usize,
    /// How long a call may take before its rows are counted.
    pub deadline: Duration,
    /// How much longer it may take for each row.
    pub deadline_per_row: Duration,
    /// The least that an answer may weigh in the host, in bytes, however small the question.
    pub output_bytes_floor: usize,
    /// The most that an answer may weigh in the host, in bytes, however large the question.
    pub output_bytes_ceiling: usize,
    /// The largest component accepted, in bytes.
    pub max_component_bytes: usize,
    /// The most rows in one call; more are split.
    pub batch_rows: usize,
    /// The most bytes of cells in one call; more are split. One row that is larger goes alone.
    pub batch_bytes: usize,
    /// The guest's stack, in bytes. It lives on the calling thread's stack, which must be larger by some
    /// hundred kilobytes (threads of the async runtime have 2 MiB).
    pub stack_bytes: usize,
    /// How many records of one call's batch are searched out one by one before the rest that still fails is given
    /// up together.
    pub isolated_faults: usize,
    /// How long the search for the culprits of one call's batch may go on.
    pub isolation_time: Duration,
    /// How often a call may ask `lookup` and `http` before its rows are counted. A guest that asks more is stopped.
    pub service_calls: usize,
    /// How much oftener it may ask for each row.
    pub service_calls_per_row: usize,
    /// How long a batch may wait for `lookup` and `http` in all; what is asked afterwards is answered `unavailable`. It is
    /// no part of the deadline.
    pub service_wait: Duration,
    /// How long one lookup may take.
    pub lookup_timeout: Duration,
    /// How much of what lookups were answered is kept for each component, in bytes.
    pub lookup_cache_bytes: usize,
    /// How long an answer of a lookup is kept after the batch that asked; longer means older.
    pub lookup_cache_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            deadline: Duration::from_secs(2),
            deadline_per_row: Duration::from_millis(1),
            output_bytes_floor: 4 << 20,
            output_bytes_ceiling: 64 << 20,
            max_component_bytes: 32 << 20,
            batch_rows: 1000,
            batch_bytes: 8 << 20,
            stack_bytes: 512 << 10,
            isolated_faults: 8,
            isolation_time: Duration::from_secs(20),
            service_calls: 64,
            service_calls_per_row: 16,
            service_wait: Duration::from_secs(30),
            lookup_timeout: Duration::from_secs(10),
            lookup_cache_bytes: 4 << 20,
            lookup_cache_time: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// How long a call with so many rows may take.
    pub fn deadline_for(&self, rows: usize) -> Duration {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        self.deadline.saturating_add(self.deadline_per_row.saturating_mul(rows))
    }

    /// How often a call with so many rows may ask `lookup` and `http`.
    pub fn service_calls_for(&self, rows: usize) -> usize {
        self.service_calls.saturating_add(self.service_calls_per_row.saturating_mul(rows))
    }

    /// How many bytes an answer may weigh in the host: its cells at their size here, and their text. Scaled with the
    /// question: four times its bytes, and for each row room for every written cell and some words.
    pub fn output_bytes_for(&self, rows: usize, writes: usize, input_bytes: usize) -> usize {
        const CELL_BYTES: usize = 64;
        const ROW_BYTES: usize = 1024;
        let row = writes.saturating_mul(CELL_BYTES).saturating_add(ROW_BYTES);
        let scaled = input_bytes.saturating_mul(4).saturating_add(rows.saturating_mul(row));
        scaled.max(self.output_bytes_floor).min(self.output_bytes_ceiling.max(self.output_bytes_floor))
    }
}

/// The guest asked for memory again and again after having been refused.
#[derive(Debug, thiserror::Error)]
#[error("asked for more memory again and again after being refused")]
pub(crate) struct MemoryRefused;

/// Refusals after which a guest is stopped. Some (interpreters with a garbage collector) handle a refusal well; one
/// that does not would otherwise burn its whole deadline.
const REFUSALS: u32 = 16;

/// Counts what one instance holds, over all its memories and tables.
#[derive(Debug)]
pub(crate) struct MemoryGuard {
    limit: usize,
    used: usize,
    last_growth: usize,
    refusals: u32,
}

impl MemoryGuard {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: 0, last_growth: 0, refusals: 0 }
    }

    /// Whether the guest was ever refused memory.
    pub(crate) fn refused(&self) -> bool {
        self.refusals > 0
    }

    fn grow(&mut self, bytes: usize) -> wasmtime::Result<bool> {
        match self.used.checked_add(bytes).filter(|total| *total <= self.limit) {
            Some(total) => {
                self.used = total;
                self.last_growth = bytes;
                Ok(true)
            }
            None => {
                self.refusals += 1;
                if self.refusals > REFUSALS { Err(MemoryRefused.into()) } else { Ok(false) }
            }
        }
    }

    // The growth was allowed here and failed further down (above the declared maximum, or no memory left).
    fn undo(&mut self) {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.last_growth));
    }
}

impl ResourceLimiter for MemoryGuard {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow(desired.saturating_sub(current))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow(desired.saturating_sub(current).saturating_mul(size_of::<usize>()))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, MemoryGuard, REFUSALS};

    #[test]
    fn memories_are_counted_together_and_refusals_end() {
        let mut guard = MemoryGuard::new(100);
        assert!(guard.grow(60).unwrap());
        assert!(guard.grow(40).unwrap());
        guard.undo();
        assert!(guard.grow(40).unwrap());
        for _ in 0..REFUSALS {
            assert!(!guard.grow(1).unwrap());
        }
        assert!(guard.refused());
        assert!(guard.grow(1).is_err());
    }

    #[test]
    fn an_answer_may_grow_with_the_question_up_to_a_ceiling() {
        let limits = Limits::default();
        assert_eq!(limits.output_bytes_for(1, 10, 100), limits.output_bytes_floor);
        assert!(limits.output_bytes_for(1000, 100, 8 << 20) > limits.output_bytes_floor);
        assert_eq!(limits.output_bytes_for(usize::MAX, 100, 1), limits.output_bytes_ceiling);
    }
}

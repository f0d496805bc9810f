//! Service protection, honoured by everybody at once: one gate that a 429 closes for all tasks of a connector, and a
//! limit of requests in flight that halves with each throttling and grows back slowly.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The gate and the limit of one connector.
#[derive(Debug)]
pub(crate) struct Throttle {
    state: Mutex<State>,
    slot_free: Notify,
    most: usize,
}

#[derive(Debug)]
struct State {
    closed_until: Option<Instant>,
    /// How often in a row we were throttled without being told for how long.
    unnamed: u32,
    limit: usize,
    in_flight: usize,
    /// Good answers since the limit last changed.
    good: usize,
}

/// The right to have one request in flight; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot<'a>(&'a Throttle);

enum Attempt<'a> {
    Taken(Slot<'a>),
    /// The gate closed since we passed it.
    Closed,
    Full,
}

/// The gate stays closed for longer than the caller may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    /// How much longer it stays closed.
    pub(crate) wait: Duration,
}

/// Good answers per slot before one more request may be in flight.
const GOOD_PER_STEP: usize = 8;
/// The first wait when throttled without a time, doubled each time up to the last.
const UNNAMED_FIRST: Duration = Duration::from_secs(2);
const UNNAMED_LAST: Duration = Duration::from_secs(60);

impl Throttle {
    /// At most `most` requests in flight.
    pub(crate) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            state: Mutex::new(State { closed_until: None, unnamed: 0, limit: most, in_flight: 0, good: 0 }),
            slot_free: Notify::new(),
            most,
        }
    }

    /// Waits until the gate is open and a slot is free. Time spent before a closed gate is taken from `patience`;
    /// time spent waiting for a slot is not: that queue moves.
    pub(crate) async fn enter(&self, patience: &mut Duration) -> Result<Slot<'_>, TooLong> {
        loop {
            if let Err(too_long) = self.pass_gate(patience).await {
                // The wake-up that brought us here may be another's chance.
                self.slot_free.notify_one();
                return Err(too_long);
            }
            let freed = self.slot_free.notified();
            match self.try_take() {
                Attempt::Taken(slot) => return Ok(slot),
                Attempt::Closed => {}
                Attempt::Full => freed.await,
            }
        }
    }

    async fn pass_gate(&self, patience: &mut Duration) -> Result<(), TooLong> {
        loop {
            let now = Instant::now();
            let Some(until) = self.lock().closed_until.filter(|until| *until > now) else { return Ok(()) };
            let wait = until - now;
            if wait > *patience {
                return Err(TooLong { wait });
            }
            sleep_until(until).await;
            *patience = patience.saturating_sub(wait);
        }
    }

    fn try_take(&self) -> Attempt<'_> {
        let mut state = self.lock();
        if state.closed_until.is_some_and(|until| until > Instant::now()) {
            return Attempt::Closed;
        }
        if state.in_flight >= state.limit {
            return Attempt::Full;
        }
        state.in_flight += 1;
        Attempt::Taken(Slot(self))
    }

    /// The service asked for a pause. Returns how long the gate stays closed.
    pub(crate) fn throttled(&self, retry_after: Option<Duration>) -> Duration {
        let now = Instant::now();
        let mut state = self.lock();
        let pause = retry_after.unwrap_or_else(|| {
            let doubling = 2_u32.saturating_pow(state.unnamed.min(10));
            UNNAMED_FIRST.saturating_mul(doubling).min(UNNAMED_LAST)
        });
        let was_open = state.closed_until.is_none_or(|until| until <= now);
        if was_open {
            // One throttling answers several requests at once: only the first of them counts.
            state.limit = (state.limit / 2).max(1);
            state.good = 0;
            if retry_after.is_none() {
                state.unnamed = state.unnamed.saturating_add(1);
            }
        }
        let until = now.checked_add(pause).unwrap_or(now);
        state.closed_until = Some(state.closed_until.map_or(until, |before| before.max(until)));
        state.closed_until.map_or(pause, |until| until - now)
    }

    /// A request was served.
    pub(crate) fn served(&self) {
        let mut state = self.lock();
        state.unnamed = 0;
        state.good += 1;
        if state.limit < self.most && state.good >= state.limit.saturating_mul(GOOD_PER_STEP) {
            state.limit += 1;
            state.good = 0;
            self.slot_free.notify_one();
        }
    }

    /// How many requests may be in flight now.
    pub(crate) fn limit(&self) -> usize {
        self.lock().limit
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic between two writes, so a poisoned state is still a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.0.slot_free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Throttle;

    const PATIENCE: Duration = Duration::from_secs(600);

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_holds_everybody_back() {
        let throttle = Arc::new(Throttle::new(8));
        let start = Instant::now();
        throttle.throttled(Some(Duration::from_secs(30)));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let throttle = Arc::clone(&throttle);
                tokio::spawn(async move {
                    drop(throttle.enter(&mut PATIENCE.clone()).await.unwrap());
                    start.elapsed()
                })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap() >= Duration::from_secs(30));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_is_spent_at_the_gate_and_ends() {
        let throttle = Throttle::new(1);
        let mut patience = Duration::from_secs(10);
        throttle.throttled(Some(Duration::from_secs(7)));
        drop(throttle.enter(&mut patience).await.unwrap());
        assert!(patience <= Duration::from_secs(3));
        throttle.throttled(Some(Duration::from_secs(7)));
        assert_eq!(throttle.enter(&mut patience).await.unwrap_err().wait, Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_halves_once_a_throttling_and_grows_back_slowly() {
        let throttle = Throttle::new(8);
        throttle.throttled(Some(Duration::from_secs(1)));
        throttle.throttled(Some(Duration::from_secs(1)));
        assert_eq!(throttle.limit(), 4);
        for _ in 0..31 {
            throttle.served();
        }
        assert_eq!(throttle.limit(), 4);
        throttle.served();
        assert_eq!(throttle.limit(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_limit_are_in_flight_and_an_abandoned_wait_loses_nothing() {
        let throttle = Arc::new(Throttle::new(1));
        let slot = throttle.enter(&mut PATIENCE.clone()).await.unwrap();
        {
            let mut patience = PATIENCE;
            let waiting = throttle.enter(&mut patience);
            tokio::select! {
                biased;
                _ = waiting => panic!("two in flight"),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        let next = tokio::spawn({
            let throttle = Arc::clone(&throttle);
            async move { throttle.enter(&mut PATIENCE.clone()).await.is_ok() }
        });
        drop(slot);
        assert!(next.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_named_time_the_pause_doubles() {
        let throttle = Throttle::new(1);
        for expect in [2, 4, 8] {
            assert_eq!(throttle.throttled(None), Duration::from_secs(expect));
            drop(throttle.enter(&mut PATIENCE.clone()).await.unwrap());
        }
    }
}

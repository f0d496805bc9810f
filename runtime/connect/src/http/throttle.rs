//! How much is asked of the service, decided in one place for everybody who asks: one governor a connector, which is
//! one environment and one user.
//!
//! - A gate that a 429 closes for all tasks, for as long as the service says.
//! - A limit of requests in flight: the service's own hint (`x-ms-dop-hint`, learn.microsoft.com:
//!   power-apps/developer/data-platform/send-parallel-requests), halved by a throttling that is not about a counted
//!   limit, grown back slowly.
//! - A [`Budget`] for each counted limit, requests and execution time: once half of it is gone, requests start at the
//!   pace that lasts, so that the gate need not close.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{Mutex as Turn, Notify};
use tokio::time::{Instant, sleep_until};

use super::budget::Budget;

/// The gate, the limit and the budgets of one connector.
#[derive(Debug)]
pub(crate) struct Throttle {
    state: Mutex<State>,
    /// Whose turn it is to start. One waits for a slot and the pace, in the order they came; the others wait for the turn.
    turn: Turn<()>,
    slot_free: Notify,
}

#[derive(Debug)]
struct State {
    closed_until: Option<Instant>,
    /// How often in a row we were throttled without being told for how long.
    unnamed: u32,
    limit: usize,
    most: usize,
    in_flight: usize,
    /// When a request last started.
    started: Option<Instant>,
    /// Good answers since the limit last changed.
    good: usize,
    requests: Budget,
    /// Execution time, in seconds, as we see it from here: what the service tells is the measure, this only says which
    /// part of it comes back when.
    time: Budget,
    /// What a request takes, in seconds: the mean of the last few.
    seconds: f64,
    /// What a part of a batch takes, in seconds.
    part_seconds: Option<f64>,
}

/// The right to have one request in flight; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    throttle: &'a Throttle,
    sent: Option<Sent>,
}

/// How things stood when the request was sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Instant,
    requests: f64,
    seconds: f64,
}

enum Attempt<'a> {
    Taken(Slot<'a>),
    /// The gate closed since we passed it.
    Closed,
    Full,
    /// The pace does not allow it yet; then it is worth another look.
    Early(Instant),
}

/// The gate stays closed for longer than the caller may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    /// How much longer it stays closed.
    pub(crate) wait: Duration,
}

/// What a throttling was about, by the code in its body (see the page of `budget`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Too many requests in the window.
    Requests,
    /// Too much execution time in the window.
    Time,
    /// Too many at once, or the service does not say: F&O judges by how busy it is.
    Load,
}

impl Cause {
    pub(crate) fn of_code(code: &str) -> Self {
        match code.to_ascii_lowercase().as_str() {
            "0x80072322" => Self::Requests,
            "0x80072321" => Self::Time,
            _ => Self::Load,
        }
    }
}

/// Good answers per slot before one more request may be in flight.
const GOOD_PER_STEP: usize = 8;
/// The first wait when throttled without a time, doubled each time up to the last.
const UNNAMED_FIRST: Duration = Duration::from_secs(2);
const UNNAMED_LAST: Duration = Duration::from_secs(60);
/// No hint leads beyond this: the limit is 52 for a user, and others may be that user too.
const MOST_HINTED: usize = 48;
/// By so much a start may have been late for its timer's sake.
const LATENESS: Duration = Duration::from_millis(10);
/// How much the newest request counts in the means.
const NEWEST: f64 = 0.1;
/// How long a batch should take: many short ones side by side are faster than few long ones, and cost no more, as long
/// as requests are plenty (the page of `budget`, "Avoid large batches").
const BATCH_SECONDS: f64 = 1.0;
/// How long it may take while requests are scarce: well under the two minutes after which Dataverse gives up.
const SCARCE_BATCH_SECONDS: f64 = 10.0;
/// Fewer parts make no batch.
const LEAST_PARTS: usize = 10;

impl Throttle {
    /// At most `most` requests in flight until the service says how many; its counted limits are per `window`.
    pub(crate) fn new(most: usize, window: Duration) -> Self {
        let (most, now) = (most.max(1), Instant::now());
        Self {
            state: Mutex::new(State {
                closed_until: None,
                unnamed: 0,
                limit: most,
                most,
                in_flight: 0,
                started: None,
                good: 0,
                requests: Budget::counted(window, now),
                time: Budget::measured(window, now),
                seconds: 0.0,
                part_seconds: None,
            }),
            turn: Turn::new(()),
            slot_free: Notify::new(),
        }
    }

    /// Waits until the gate is open, a slot is free and the pace allows another request. Time spent before a closed
    /// gate is taken from `patience`; time spent waiting for a slot or the pace is not: that queue moves.
    pub(crate) async fn enter(&self, patience: &mut Duration) -> Result<Slot<'_>, TooLong> {
        self.pass_gate(patience).await?;
        let _turn = self.turn.lock().await;
        loop {
            self.pass_gate(patience).await?;
            let freed = self.slot_free.notified();
            match self.try_take() {
                Attempt::Taken(slot) => return Ok(slot),
                Attempt::Closed => {}
                Attempt::Full => freed.await,
                Attempt::Early(look) => sleep_until(look).await,
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
        let now = Instant::now();
        if state.closed_until.is_some_and(|until| until > now) {
            return Attempt::Closed;
        }
        if state.in_flight >= state.limit {
            return Attempt::Full;
        }
        let (seconds, pending) = (state.seconds, state.pending_seconds());
        let interval = state.requests.interval(now, 1.0, 0.0).max(state.time.interval(now, seconds, pending));
        let start = state.started.and_then(|started| started.checked_add(interval)).unwrap_or(now);
        if start > now {
            // What comes back, or is heard, meanwhile makes the pace another.
            return Attempt::Early(start.min(now + state.requests.slice()));
        }
        // Timers are late; what they take is given back, or the pace would lose it at every start.
        state.started = now.checked_sub(LATENESS).map(|earliest| start.max(earliest)).or(Some(now));
        state.in_flight += 1;
        Attempt::Taken(Slot { throttle: self, sent: None })
    }

    /// The service asked for a pause. Returns how long the gate stays closed.
    pub(crate) fn throttled(&self, retry_after: Option<Duration>, cause: Cause) -> Duration {
        let now = Instant::now();
        let mut state = self.lock();
        let pause = retry_after.unwrap_or_else(|| {
            let doubling = 2_u32.saturating_pow(state.unnamed.min(10));
            UNNAMED_FIRST.saturating_mul(doubling).min(UNNAMED_LAST)
        });
        let was_open = state.closed_until.is_none_or(|until| until <= now);
        if was_open {
            // One throttling answers several requests at once: only the first of them counts.
            let counted = match cause {
                Cause::Requests => state.requests.refuse(now),
                Cause::Time => state.time.refuse(now),
                Cause::Load => false,
            };
            if !counted {
                state.limit = (state.limit / 2).max(1);
                state.good = 0;
            }
            if retry_after.is_none() {
                state.unnamed = state.unnamed.saturating_add(1);
            }
        }
        let until = now.checked_add(pause).unwrap_or(now);
        state.closed_until = Some(state.closed_until.map_or(until, |before| before.max(until)));
        state.closed_until.map_or(pause, |until| until - now)
    }

    /// How many requests may be in flight now.
    pub(crate) fn limit(&self) -> usize {
        self.lock().limit
    }

    /// How many parts the next batch should have: `usual` at most, or `most` while requests are scarce.
    pub(crate) fn batch_parts(&self, usual: usize, most: usize) -> usize {
        let mut state = self.lock();
        let scarce = state.requests.is_scarce(Instant::now(), 0.0);
        let (seconds, most) = if scarce { (SCARCE_BATCH_SECONDS, most) } else { (BATCH_SECONDS, usual) };
        let Some(part) = state.part_seconds.filter(|part| *part > 0.0) else { return usual.min(most) };
        // A float too large for a number of parts is the largest number.
        ((seconds / part) as usize).max(LEAST_PARTS).min(most)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic between two writes, so a poisoned state is still a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What the requests under way will take, as far as can be said.
    fn pending_seconds(&self) -> f64 {
        self.seconds * self.in_flight as f64
    }

    /// A request was served: the limit grows.
    fn served(&mut self) {
        self.unnamed = 0;
        self.good += 1;
        if self.limit < self.most && self.good >= self.limit.saturating_mul(GOOD_PER_STEP) {
            self.limit += 1;
            self.good = 0;
        }
    }

    /// The service says how many requests it likes to see at once. A limit that a throttling lowered stays, and grows.
    fn hinted(&mut self, hint: usize) {
        let was_lowered = self.limit < self.most;
        self.most = hint.clamp(1, MOST_HINTED);
        self.limit = if was_lowered { self.limit.min(self.most) } else { self.most };
    }
}

impl Slot<'_> {
    /// The request leaves now.
    pub(crate) fn sent(&mut self) {
        let now = Instant::now();
        let mut state = self.throttle.lock();
        state.requests.spend(now, 1.0);
        let (requests, seconds) = (state.requests.used(now), state.time.used(now));
        self.sent = Some(Sent { at: now, requests, seconds });
    }

    /// The request was served: what its answer's headers tell is taken in. It had so many parts.
    pub(crate) fn served(&self, headers: &HeaderMap, parts: usize) {
        let mut state = self.throttle.lock();
        if let Some(sent) = self.sent {
            if let Some(remaining) = number(headers, "x-ms-ratelimit-burst-remaining-xrm-requests") {
                state.requests.hear(remaining, sent.requests);
            }
            if let Some(remaining) = number(headers, "x-ms-ratelimit-time-remaining-xrm-requests") {
                state.time.hear(remaining, sent.seconds);
            }
            if parts > 1 {
                let each = sent.at.elapsed().as_secs_f64() / parts as f64;
                let before = state.part_seconds.unwrap_or(each);
                state.part_seconds = Some(before + NEWEST * (each - before));
            }
        }
        if let Some(hint) = number(headers, "x-ms-dop-hint").filter(|hint| *hint >= 1.0) {
            state.hinted(hint as usize);
        }
        // Whoever waits for a slot is woken when this one is given back.
        state.served();
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.throttle.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        if let Some(sent) = self.sent {
            let used = now.saturating_duration_since(sent.at).as_secs_f64();
            state.time.spend(now, used);
            state.seconds += NEWEST * (used - state.seconds);
        }
        drop(state);
        self.throttle.slot_free.notify_one();
    }
}

/// A number in a header, as the service writes it: with a comma for each thousand.
fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    headers.get(name)?.to_str().ok()?.replace(',', "").trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http::HeaderValue;
    use tokio::time::Instant;

    use super::{Cause, Throttle};

    const WINDOW: Duration = Duration::from_secs(300);

    const PATIENCE: Duration = Duration::from_secs(600);

    /// One request, answered with these headers.
    async fn serve(throttle: &Throttle, headers: &[(&'static str, &'static str)]) {
        let mut slot = throttle.enter(&mut PATIENCE.clone()).await.unwrap();
        slot.sent();
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        slot.served(&headers.collect(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_holds_everybody_back() {
        let throttle = Arc::new(Throttle::new(8, WINDOW));
        let start = Instant::now();
        throttle.throttled(Some(Duration::from_secs(30)), Cause::Load);
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
        let throttle = Throttle::new(1, WINDOW);
        let mut patience = Duration::from_secs(10);
        throttle.throttled(Some(Duration::from_secs(7)), Cause::Load);
        drop(throttle.enter(&mut patience).await.unwrap());
        assert!(patience <= Duration::from_secs(3));
        throttle.throttled(Some(Duration::from_secs(7)), Cause::Load);
        assert_eq!(throttle.enter(&mut patience).await.unwrap_err().wait, Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_halves_once_a_throttling_and_grows_back_slowly() {
        let throttle = Throttle::new(8, WINDOW);
        throttle.throttled(Some(Duration::from_secs(1)), Cause::Load);
        throttle.throttled(Some(Duration::from_secs(1)), Cause::Load);
        assert_eq!(throttle.limit(), 4);
        for _ in 0..31 {
            serve(&throttle, &[]).await;
        }
        assert_eq!(throttle.limit(), 4);
        serve(&throttle, &[]).await;
        assert_eq!(throttle.limit(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_limit_are_in_flight_and_an_abandoned_wait_loses_nothing() {
        let throttle = Arc::new(Throttle::new(1, WINDOW));
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
        let throttle = Throttle::new(1, WINDOW);
        for expect in [2, 4, 8] {
            assert_eq!(throttle.throttled(None, Cause::Load), Duration::from_secs(expect));
            drop(throttle.enter(&mut PATIENCE.clone()).await.unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_service_says_how_many_at_once_and_a_throttling_overrules_it() {
        let throttle = Throttle::new(8, WINDOW);
        for (hint, limit) in [("20", 20), ("1,000", 48), ("0", 48), ("soon", 48), ("6", 6)] {
            serve(&throttle, &[("x-ms-dop-hint", hint)]).await;
            assert_eq!(throttle.limit(), limit, "{hint}");
        }
        throttle.throttled(Some(Duration::from_secs(1)), Cause::Load);
        serve(&throttle, &[("x-ms-dop-hint", "6")]).await;
        assert_eq!(throttle.limit(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_counted_limit_slows_the_pace_and_not_the_number_at_once() {
        let throttle = Throttle::new(8, WINDOW);
        let start = Instant::now();
        let told = [
            ("x-ms-ratelimit-burst-remaining-xrm-requests", "5,999"),
            ("x-ms-ratelimit-time-remaining-xrm-requests", "1,200.00"),
        ];
        serve(&throttle, &told).await;
        for code in ["0x80072322", "0x80072321"] {
            throttle.throttled(Some(Duration::from_secs(1)), Cause::of_code(code));
        }
        assert_eq!(throttle.limit(), 8);
        for _ in 0..3 {
            serve(&throttle, &[]).await;
        }
        assert!(start.elapsed() > Duration::from_secs(2), "the pace is slow: {:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_as_long_as_the_service_is_quick_and_longer_while_requests_are_scarce() {
        let throttle = Throttle::new(8, WINDOW);
        assert_eq!(throttle.batch_parts(100, 1000), 100);
        let batch = async |seconds: f64, remaining: &'static str| {
            let mut slot = throttle.enter(&mut PATIENCE.clone()).await.unwrap();
            slot.sent();
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            let name = "x-ms-ratelimit-burst-remaining-xrm-requests".parse().unwrap();
            slot.served(&[(name, HeaderValue::from_static(remaining))].into_iter().collect(), 100);
        };
        batch(5.0, "5,999").await;
        assert_eq!(throttle.batch_parts(100, 1000), 20);
        for _ in 0..100 {
            batch(0.2, "5,000").await;
        }
        assert_eq!(throttle.batch_parts(100, 1000), 100);
        batch(0.2, "10").await;
        assert_eq!(throttle.batch_parts(100, 1000), 1000);
        for _ in 0..100 {
            batch(60.0, "5,999").await;
        }
        assert_eq!(throttle.batch_parts(100, 1000), 10);
    }
}

//! One limit of the service over its sliding window: what we used of it, what is left, and the pace at which that lasts.
//!
//! The service counts what a user asked for in the last five minutes and says in its answers what remains
//! (learn.microsoft.com: power-apps/developer/data-platform/api-limits). The page warns not to depend on these values:
//! each of an environment's web servers counts for itself, so the least of the last few answers is believed, and a
//! refusal overrules them all. What we used ourselves is remembered in slices, so that it is known when it comes back.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many slices make up the window; what was used comes back a slice at a time.
const SLICES: u32 = 300;
/// So many answers are remembered; the least generous counts.
const ANSWERS: usize = 8;
/// This share is never asked for: it absorbs that the service's clock is not ours.
const RESERVE: f64 = 0.01;
/// As long as so much is left, nobody waits: people's edits come in bursts.
const FREE_SHARE: f64 = 0.5;
/// So often in a window somebody asks however little is left, to find out that things got better.
const PROBES: u32 = 20;
/// The service's unit is this much of ours at least, and at most: its execution time is a part of the time that we wait,
/// divided by the number of its servers.
const SCALES: (f64, f64) = (0.02, 1.0);

/// The use of one limit. Its unit is the limit's: requests, or seconds of execution.
#[derive(Debug)]
pub(super) struct Budget {
    slice: Duration,
    /// When the newest slice began.
    newest: Instant,
    /// What each slice used, oldest first.
    used: VecDeque<f64>,
    /// Their sum.
    total: f64,
    /// What remained and what we had used when a request started, by the last few answers.
    told: VecDeque<(f64, f64)>,
    /// The most that ever remained.
    most: f64,
    /// How much of the service's unit one of ours is.
    scale: f64,
    /// Whether that has to be found out.
    is_measured: bool,
}

impl Budget {
    /// A limit that we count as the service does.
    pub(super) fn counted(window: Duration, now: Instant) -> Self {
        Self::new(window, now, false)
    }

    /// A limit that we only measure something like.
    pub(super) fn measured(window: Duration, now: Instant) -> Self {
        Self::new(window, now, true)
    }

    fn new(window: Duration, now: Instant, is_measured: bool) -> Self {
        let slice = (window / SLICES).max(Duration::from_millis(1));
        Self {
            slice,
            newest: now,
            // One slice more than the window has: a slice comes back when its last moment is out, not its first.
            used: std::iter::repeat_n(0.0, SLICES as usize + 1).collect(),
            total: 0.0,
            told: VecDeque::with_capacity(ANSWERS),
            most: 0.0,
            scale: 1.0,
            is_measured,
        }
    }

    /// What we used in the window that ends now.
    pub(super) fn used(&mut self, now: Instant) -> f64 {
        self.advance(now);
        self.total
    }

    /// Something was used.
    pub(super) fn spend(&mut self, now: Instant, amount: f64) {
        self.advance(now);
        if let Some(newest) = self.used.back_mut() {
            *newest += amount;
            self.total += amount;
        }
    }

    /// An answer told what remains; `used` is what we had used when its request started, that one included.
    pub(super) fn hear(&mut self, remaining: f64, used: f64) {
        if !remaining.is_finite() || remaining < 0.0 {
            return;
        }
        if self.told.len() == ANSWERS {
            self.told.pop_front();
        }
        self.told.push_back((remaining, used));
        self.most = self.most.max(remaining);
        if self.is_measured && used > 0.0 {
            self.scale = ((self.most - remaining) / used).clamp(SCALES.0, SCALES.1);
        }
    }

    /// The service refused because of this limit: what we have used is what there was, whatever it told before. A
    /// service that never told what remains has not told that it counts what we use either: answers `false` then.
    pub(super) fn refuse(&mut self, now: Instant) -> bool {
        let used = self.used(now);
        let told = !self.told.is_empty();
        if told {
            self.told.clear();
            self.told.push_back((0.0, used));
        }
        told
    }

    /// Whether half of what there was is gone, so that the rest is spent evenly.
    pub(super) fn is_scarce(&mut self, now: Instant, pending: f64) -> bool {
        let used = (self.used(now) + pending) * self.scale;
        self.limit().is_some_and(|limit| limit - used < limit * FREE_SHARE)
    }

    /// How long after the one before the next may start that will probably use so much; `pending` is what those under
    /// way will use. No time at all while there is plenty.
    pub(super) fn interval(&mut self, now: Instant, amount: f64, pending: f64) -> Duration {
        if !self.is_scarce(now, pending) {
            return Duration::ZERO;
        }
        let longest = self.slice.saturating_mul(SLICES / PROBES);
        match self.pace(now, pending) {
            Some(pace) => Duration::try_from_secs_f64(amount / pace).unwrap_or(longest).min(longest),
            None => longest,
        }
    }

    /// How soon things may look better: when the next slice comes back.
    pub(super) fn slice(&self) -> Duration {
        self.slice
    }

    /// What may be used in a window; `None` while nobody told.
    fn limit(&self) -> Option<f64> {
        self.told.iter().map(|(remaining, used)| remaining + used * self.scale).reduce(f64::min)
    }

    /// How much may be used a second, in our unit: the greatest pace that can be kept for a whole window, given when which
    /// part of what we used comes back. `None` where nothing is left.
    fn pace(&mut self, now: Instant, pending: f64) -> Option<f64> {
        let limit = self.limit()?;
        let left = limit * (1.0 - RESERVE) - (self.used(now) + pending) * self.scale;
        let slice = self.slice.as_secs_f64();
        let begun = now.saturating_duration_since(self.newest).as_secs_f64();
        let (mut returned, mut returns_at, mut pace) = (0.0, -begun, f64::INFINITY);
        for used in &self.used {
            returns_at += slice;
            pace = pace.min((left + returned) / returns_at.max(f64::EPSILON));
            returned += used * self.scale;
        }
        Some(pace / self.scale).filter(|pace| *pace > 0.0)
    }

    fn advance(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.newest).as_nanos() / self.slice.as_nanos();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        if passed == 0 {
            return;
        }
        for _ in 0..passed.min(SLICES + 1) {
            self.used.pop_front();
            self.used.push_back(0.0);
        }
        // Anew, so that rounding does not add up.
        self.total = self.used.iter().sum();
        match self.newest.checked_add(self.slice.saturating_mul(passed)) {
            Some(newest) => self.newest = newest.min(now),
            None => self.newest = now,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Budget;

    const WINDOW: Duration = Duration::from_secs(300);

    /// One web server, as the page describes it.
    struct Server {
        limit: usize,
        accepted: VecDeque<Instant>,
        refused: usize,
    }

    impl Server {
        fn new(limit: usize) -> Self {
            Self { limit, accepted: VecDeque::new(), refused: 0 }
        }

        /// What remains, or a refusal.
        fn ask(&mut self, now: Instant) -> Option<f64> {
            while self.accepted.front().is_some_and(|at| now - *at >= WINDOW) {
                self.accepted.pop_front();
            }
            if self.accepted.len() >= self.limit {
                self.refused += 1;
                return None;
            }
            self.accepted.push_back(now);
            Some((self.limit - self.accepted.len()) as f64)
        }
    }

    /// Asks as fast as the budget lets it, never faster than 200 a second; answers what was accepted in each window.
    fn hurry(servers: &mut [Server], windows: usize) -> Vec<usize> {
        let start = Instant::now();
        let mut budget = Budget::counted(WINDOW, start);
        let mut accepted = vec![0; windows];
        let (mut now, mut last, mut asked) = (start, start, 0);
        loop {
            let least = Duration::from_millis(5);
            now = (now + least).max(last + budget.interval(now, 1.0, 0.0).min(now - last + budget.slice()));
            if now < last + budget.interval(now, 1.0, 0.0) {
                continue;
            }
            last = now;
            let window = (now - start).as_nanos() / WINDOW.as_nanos();
            let Some(count) = accepted.get_mut(window as usize) else { return accepted };
            budget.spend(now, 1.0);
            let used = budget.used(now);
            let server = asked % servers.len();
            match servers[server].ask(now) {
                Some(remaining) => {
                    budget.hear(remaining, used);
                    *count += 1;
                }
                None => assert!(budget.refuse(now), "something was told"),
            }
            asked += 1;
        }
    }

    #[test]
    fn the_quota_is_spent_to_the_last_without_a_refusal() {
        let mut servers = [Server::new(1000)];
        let accepted = hurry(&mut servers, 5);
        assert_eq!(servers[0].refused, 0);
        for count in &accepted {
            assert!(*count as f64 >= 0.95 * 1000.0, "{accepted:?}");
        }
    }

    #[test]
    fn the_quota_of_several_servers_is_found() {
        let mut servers = [Server::new(600), Server::new(600), Server::new(600)];
        let accepted = hurry(&mut servers, 8);
        let refused: usize = servers.iter().map(|server| server.refused).sum();
        assert_eq!(refused, 0, "{accepted:?}");
        assert!(accepted[7] as f64 >= 0.9 * 1800.0, "{accepted:?}");
    }

    #[test]
    fn after_a_burst_the_rest_lasts_until_the_burst_comes_back() {
        let start = Instant::now();
        let mut budget = Budget::counted(WINDOW, start);
        budget.spend(start, 0.0);
        budget.hear(6000.0, 0.0);
        let mut now = start;
        let mut burst = 0;
        while budget.interval(now, 1.0, 0.0).is_zero() && burst < 6000 {
            now += Duration::from_millis(1);
            budget.spend(now, 1.0);
            burst += 1;
        }
        assert!((2990..3020).contains(&burst), "half of it is free: {burst}");
        let mut longest = Duration::ZERO;
        for _ in 0..2900 {
            let pause = budget.interval(now, 1.0, 0.0);
            longest = longest.max(pause);
            now += pause;
            budget.spend(now, 1.0);
        }
        assert!(now - start <= WINDOW, "{:?}", now - start);
        assert!(longest <= Duration::from_secs(1), "nobody waits long: {longest:?}");
    }

    #[test]
    fn what_others_use_of_the_same_limit_slows_us_down() {
        let start = Instant::now();
        let mut budget = Budget::counted(WINDOW, start);
        budget.hear(100.0, 0.0);
        for _ in 0..60 {
            budget.spend(start, 1.0);
        }
        assert!(budget.is_scarce(start, 0.0));
        assert!(budget.interval(start, 1.0, 0.0) > Duration::from_secs(5));
        // A window later all that is ours again.
        assert!(!budget.is_scarce(start + WINDOW + WINDOW / 50, 0.0));
    }

    #[test]
    fn a_refusal_overrules_what_was_told_and_teaches_nothing_where_nothing_was() {
        let start = Instant::now();
        let mut budget = Budget::counted(WINDOW, start);
        for _ in 0..10 {
            budget.spend(start, 1.0);
        }
        assert!(!budget.refuse(start));
        assert!(!budget.is_scarce(start, 0.0));
        budget.hear(5000.0, 10.0);
        assert!(budget.refuse(start));
        assert!(budget.is_scarce(start, 0.0));
        let pause = budget.interval(start, 1.0, 0.0);
        assert!(!pause.is_zero() && pause <= WINDOW / 20, "it goes on slowly: {pause:?}");
        for _ in 0..8 {
            budget.hear(3000.0, 10.0);
        }
        assert!(!budget.is_scarce(start, 0.0), "what is told since then counts again");
    }

    #[test]
    fn what_is_only_measured_is_scaled_to_what_is_told() {
        let start = Instant::now();
        let mut budget = Budget::measured(WINDOW, start);
        // Each takes the service a second, and us five.
        budget.hear(1200.0, 0.0);
        for _ in 0..100 {
            budget.spend(start, 5.0);
        }
        assert!(!budget.is_scarce(start, 0.0), "taken at our word it would not be scarce yet");
        for _ in 0..100 {
            budget.spend(start, 5.0);
        }
        assert!(budget.is_scarce(start, 0.0), "until more is known our word counts");
        budget.hear(1000.0, 1000.0);
        assert!(!budget.is_scarce(start, 0.0));
        for _ in 0..500 {
            budget.spend(start, 5.0);
        }
        assert!(budget.is_scarce(start, 0.0));
        // 500 of the service's seconds are left, 2500 of ours, and nothing comes back before the window is over.
        let pause = budget.interval(start, 5.0, 0.0).as_secs_f64();
        assert!((0.5..0.7).contains(&pause), "{pause}");
    }

    #[test]
    fn nonsense_is_not_heard() {
        let now = Instant::now();
        let mut budget = Budget::counted(WINDOW, now);
        for remaining in [f64::NAN, f64::INFINITY, -1.0] {
            budget.hear(remaining, 0.0);
        }
        assert_eq!(budget.limit(), None);
        budget.hear(0.0, 0.0);
        // Who may do nothing at all tries from time to time.
        assert!(budget.interval(now, 1.0, 0.0) <= WINDOW / 20);
    }
}

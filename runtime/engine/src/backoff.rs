//! Pauses between tries of a whole call.

use std::time::Duration;

/// Doubles from half a second to thirty, with jitter; starts again after a success.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    pub(crate) fn succeeded(&mut self) {
        self.attempts = 0;
    }

    pub(crate) fn next_pause(&mut self) -> Duration {
        let most = 500_u64.saturating_mul(1 << self.attempts.min(6)).min(30_000);
        self.attempts = self.attempts.saturating_add(1);
        Duration::from_millis(most / 2 + u64::from(jitter_permille()) * (most / 2) / 1000)
    }
}

/// A random number in 0..=1000, so that many records do not come back at once.
pub(crate) fn jitter_permille() -> u32 {
    rand::random_range(0..=1000)
}

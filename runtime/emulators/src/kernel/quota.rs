//! Service-protection limits: requests, execution time and concurrent requests of one client in a sliding window.
//!
//! After `MicrosoftDocs/powerapps-docs`, `developer/data-platform/api-limits.md`. Off until set through
//! `POST /emulator/quota`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// The limits of one client.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How long the window is.
    #[serde(default = "five_minutes")]
    pub window_seconds: u64,
    /// Requests in a window.
    #[serde(default = "most")]
    pub requests: u64,
    /// Execution time in a window.
    #[serde(default = "most")]
    pub execution_seconds: u64,
    /// Requests at the same time.
    #[serde(default = "most")]
    pub concurrent: u64,
}

fn five_minutes() -> u64 {
    300
}

fn most() -> u64 {
    u64::from(u32::MAX)
}

/// Which limit was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Too many requests in the window.
    Requests,
    /// Too much execution time in the window.
    Execution,
    /// Too many requests at once.
    Concurrency,
}

/// A request that met a limit.
#[derive(Clone, Copy, Debug)]
pub struct Exceeded {
    /// Which limit.
    pub limit: Limit,
    /// When to try again, in whole seconds.
    pub retry_after: u64,
    /// The limits, for the message.
    pub limits: Limits,
}

/// What remains of the window, for the answer's headers.
#[derive(Clone, Copy, Debug)]
pub struct Remaining {
    /// Requests.
    pub requests: u64,
    /// Execution seconds.
    pub execution_seconds: u64,
}

#[derive(Default)]
struct Usage {
    starts: VecDeque<Instant>,
    spent: VecDeque<(Instant, Duration)>,
    running: u64,
}

/// All clients' use.
#[derive(Clone, Default)]
pub struct Quota {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    limits: Option<Limits>,
    usage: HashMap<Arc<str>, Usage>,
}

/// A request inside the limits; its time counts until this is dropped.
pub struct Pass {
    quota: Quota,
    client: Arc<str>,
    began: Instant,
    /// What remains; `None` while no limits are set.
    pub remaining: Option<Remaining>,
}

impl Quota {
    /// Sets the limits, or takes them away, and forgets what was used.
    pub fn set(&self, limits: Option<Limits>) {
        let mut state = self.lock();
        state.limits = limits;
        for usage in state.usage.values_mut() {
            usage.starts.clear();
            usage.spent.clear();
        }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// Which limit it meets.
    pub fn enter(&self, client: &Arc<str>) -> Result<Pass, Exceeded> {
        let now = Instant::now();
        let mut state = self.lock();
        let limits = state.limits;
        let usage = state.usage.entry(client.clone()).or_default();
        let mut remaining = None;
        if let Some(limits) = limits {
            let window = Duration::from_secs(limits.window_seconds);
            usage.forget(now, window);
            let spent: Duration = usage.spent.iter().map(|(_, time)| *time).sum();
            let requests = u64::try_from(usage.starts.len()).unwrap_or(u64::MAX);
            let oldest_request = usage.starts.front().copied();
            let oldest_time = usage.spent.front().map(|(at, _)| *at);
            let exceeded = if usage.running >= limits.concurrent {
                Some((Limit::Concurrency, None))
            } else if requests >= limits.requests {
                Some((Limit::Requests, oldest_request))
            } else if spent.as_secs() >= limits.execution_seconds {
                Some((Limit::Execution, oldest_time))
            } else {
                None
            };
            if let Some((limit, oldest)) = exceeded {
                let wait =
                    oldest.map_or(Duration::from_secs(1), |oldest| window.saturating_sub(now - oldest));
                let retry_after = wait.as_millis().div_ceil(1000).max(1);
                return Err(Exceeded {
                    limit,
                    retry_after: u64::try_from(retry_after).unwrap_or(u64::MAX),
                    limits,
                });
            }
            usage.starts.push_back(now);
            remaining = Some(Remaining {
                requests: limits.requests.saturating_sub(requests + 1),
                execution_seconds: limits.execution_seconds.saturating_sub(spent.as_secs()),
            });
        }
        usage.running += 1;
        Ok(Pass { quota: self.clone(), client: client.clone(), began: now, remaining })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    fn forget(&mut self, now: Instant, window: Duration) {
        while self.starts.front().is_some_and(|at| now.duration_since(*at) >= window) {
            self.starts.pop_front();
        }
        while self.spent.front().is_some_and(|(at, _)| now.duration_since(*at) >= window) {
            self.spent.pop_front();
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.quota.lock();
        let limited = state.limits.is_some();
        if let Some(usage) = state.usage.get_mut(&self.client) {
            usage.running = usage.running.saturating_sub(1);
            if limited {
                usage.spent.push_back((now, now.duration_since(self.began)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Limit, Limits, Quota};

    #[test]
    fn each_limit_is_met_by_its_client_alone() {
        let quota = Quota::default();
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        assert!(quota.enter(&one).unwrap().remaining.is_none());
        let limits = Limits { window_seconds: 300, requests: 2, execution_seconds: 60, concurrent: 1 };
        quota.set(Some(limits));
        let pass = quota.enter(&one).unwrap();
        assert_eq!(pass.remaining.unwrap().requests, 1);
        assert_eq!(quota.enter(&one).err().unwrap().limit, Limit::Concurrency);
        assert!(quota.enter(&other).is_ok());
        drop(pass);
        drop(quota.enter(&one).unwrap());
        let exceeded = quota.enter(&one).err().unwrap();
        assert_eq!(exceeded.limit, Limit::Requests);
        assert!(exceeded.retry_after > 290 && exceeded.retry_after <= 300);
        quota.set(Some(Limits { execution_seconds: 0, ..limits }));
        assert_eq!(quota.enter(&one).err().unwrap().limit, Limit::Execution);
        quota.set(None);
        assert!(quota.enter(&one).is_ok());
    }
}

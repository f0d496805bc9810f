//! Service-protection limits: requests, execution time and concurrent requests of one client in a sliding window.
//!
//! After `MicrosoftDocs/powerapps-docs`, `developer/data-platform/api-limits.md`. Off until set through
//! `POST /emulator/quota`. Who was refused because of a counted limit is refused until the time named is over, whatever
//! comes back meanwhile, as the page has it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

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
    /// Execution time.
    pub execution: Duration,
}

/// What one client did since the limits were set, for `GET /emulator/quota`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Tally {
    /// Requests let in.
    pub requests: u64,
    /// The time they took, in seconds.
    pub execution_seconds: f64,
    /// Requests refused because there were too many in the window.
    pub refused_requests: u64,
    /// Requests refused because of the execution time in the window.
    pub refused_execution: u64,
    /// Requests refused because there were too many at once.
    pub refused_concurrency: u64,
}

#[derive(Default)]
struct Usage {
    starts: VecDeque<Instant>,
    spent: VecDeque<(Instant, Duration)>,
    /// The sum of what is in `spent`.
    spent_total: Duration,
    running: u64,
    /// Refused because of this limit until then.
    shut: Option<(Limit, Instant)>,
    tally: Tally,
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
            *usage = Usage { running: usage.running, ..Usage::default() };
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
            let spent = usage.spent_total;
            let requests = u64::try_from(usage.starts.len()).unwrap_or(u64::MAX);
            let back = |since: Option<Instant>| {
                let since = since.unwrap_or(now);
                window.saturating_sub(now.saturating_duration_since(since))
            };
            let exceeded = if usage.running >= limits.concurrent {
                Some((Limit::Concurrency, Duration::from_secs(1)))
            } else if let Some((limit, until)) = usage.shut.filter(|(_, until)| *until > now) {
                Some((limit, until - now))
            } else if requests >= limits.requests {
                Some((Limit::Requests, back(usage.starts.front().copied())))
            } else if spent >= Duration::from_secs(limits.execution_seconds) {
                Some((Limit::Execution, back(usage.spent.front().map(|(at, _)| *at))))
            } else {
                None
            };
            if let Some((limit, wait)) = exceeded {
                let retry_after = u64::try_from(wait.as_millis().div_ceil(1000).max(1)).unwrap_or(u64::MAX);
                usage.refuse(limit, now, retry_after);
                return Err(Exceeded { limit, retry_after, limits });
            }
            usage.starts.push_back(now);
            usage.tally.requests += 1;
            remaining = Some(Remaining {
                requests: limits.requests.saturating_sub(requests + 1),
                execution: Duration::from_secs(limits.execution_seconds).saturating_sub(spent),
            });
        }
        usage.running += 1;
        Ok(Pass { quota: self.clone(), client: client.clone(), began: now, remaining })
    }

    /// What each client did since the limits were set.
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        let state = self.lock();
        state.usage.iter().map(|(client, usage)| (client.to_string(), usage.tally)).collect()
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
            if let Some((_, time)) = self.spent.pop_front() {
                self.spent_total = self.spent_total.saturating_sub(time);
            }
        }
    }

    fn refuse(&mut self, limit: Limit, now: Instant, retry_after: u64) {
        match limit {
            Limit::Requests => self.tally.refused_requests += 1,
            Limit::Execution => self.tally.refused_execution += 1,
            Limit::Concurrency => self.tally.refused_concurrency += 1,
        }
        if limit != Limit::Concurrency && self.shut.is_none_or(|(_, until)| until <= now) {
            self.shut = now.checked_add(Duration::from_secs(retry_after)).map(|until| (limit, until));
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
                let time = now.duration_since(self.began);
                usage.spent.push_back((now, time));
                usage.spent_total += time;
                usage.tally.execution_seconds += time.as_secs_f64();
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
        let tally = quota.tallies()["one"];
        assert_eq!((tally.requests, tally.refused_requests, tally.refused_concurrency), (2, 1, 1));
        quota.set(Some(Limits { execution_seconds: 0, ..limits }));
        assert_eq!(quota.enter(&one).err().unwrap().limit, Limit::Execution);
        quota.set(None);
        assert!(quota.enter(&one).is_ok());
    }
}

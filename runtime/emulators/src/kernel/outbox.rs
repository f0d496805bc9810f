//! Events to other programs: stored with the change that caused them, delivered after its commit, at least once.
//!
//! An address gets its events one after the other, in the order of the commits as a rule: an event that the
//! receiver refuses is tried again later while others go on, and an address that cannot be reached is left alone for
//! a growing pause. Nothing is given up before [`MOST_ATTEMPTS`].

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use futures::{StreamExt, stream};
use rusqlite::Connection;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::kernel::clock;
use crate::kernel::error::StoreError;
use crate::kernel::faults::{EventPlan, Faults};
use crate::kernel::store::Store;

/// How long a receiver may take: the documented time-out of webhooks.
const TIMEOUT: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often one event is refused by its receiver before it is given up.
const MOST_ATTEMPTS: u32 = 40;
const AT_A_TIME: usize = 64;
/// Deliveries to one address under way at once.
const IN_FLIGHT: usize = 16;

/// One event to deliver by POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where to.
    pub url: String,
    /// The headers besides `content-type`.
    pub headers: Vec<(String, String)>,
    /// The JSON body.
    pub body: String,
}

impl Event {
    pub(super) fn store(&self, connection: &Connection) -> Result<(), StoreError> {
        let headers =
            serde_json::to_string(&self.headers).map_err(|error| StoreError::Sqlite(error.to_string()))?;
        let sql = "INSERT INTO outbox (url, headers, body) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(sql)?.execute((&self.url, headers, &self.body))?;
        Ok(())
    }
}

struct Stored {
    sequence: i64,
    attempts: u32,
    event: Event,
    /// Whether the script of faults was asked about it already.
    planned: bool,
}

/// A client for posting events; never follows a redirect, uses no proxy.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    // The TLS provider is chosen once a process; whoever came first chose the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .build()
}

/// Delivers until told to stop.
pub(super) async fn deliver(
    store: Store,
    client: reqwest::Client,
    faults: Faults,
    mut stop: watch::Receiver<bool>,
) {
    let mut active: HashSet<String> = HashSet::new();
    let mut held: HashMap<String, (Instant, u32)> = HashMap::new();
    let mut running: JoinSet<(String, Rest)> = JoinSet::new();
    let stored = store.events_stored();
    loop {
        let addresses = match addresses(&store).await {
            Ok(addresses) => addresses,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read");
                Vec::new()
            }
        };
        let now = Instant::now();
        let mut wake: Option<Instant> = None;
        for url in addresses {
            if active.contains(&url) {
                continue;
            }
            let failures = match held.get(&url) {
                Some((until, _)) if now < *until => {
                    wake = Some(wake.map_or(*until, |wake| wake.min(*until)));
                    continue;
                }
                Some((_, failures)) => *failures,
                None => 0,
            };
            active.insert(url.clone());
            let (store, client, faults) = (store.clone(), client.clone(), faults.clone());
            running.spawn(async move {
                let rest = deliver_to(&store, &client, &faults, &url, failures).await;
                (url, rest)
            });
        }
        let alarm = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // New events do not wait for older ones that were put off.
            () = stored.notified() => held.retain(|_, (_, failures)| *failures > 0),
            () = alarm => {}
            Some(done) = running.join_next() => {
                if let Ok((url, rest)) = done {
                    active.remove(&url);
                    match rest {
                        Rest::Done => { held.remove(&url); }
                        Rest::Until(until) => { held.insert(url, (until, 0)); }
                        Rest::Unreachable(failures) => {
                            held.insert(url, (Instant::now() + pause(failures), failures));
                        }
                    }
                } else {
                    // A delivery that died is not known by its address any more: let all be looked at again.
                    active.clear();
                }
            }
            _ = stop.changed() => return,
        }
    }
}

/// How an address was left.
enum Rest {
    /// Nothing more to deliver.
    Done,
    /// The next event is due then.
    Until(Instant),
    /// It cannot be reached; so often in a row.
    Unreachable(u32),
}

async fn deliver_to(
    store: &Store,
    client: &reqwest::Client,
    faults: &Faults,
    url: &str,
    failures: u32,
) -> Rest {
    let mut failures = failures;
    loop {
        let (mut waiting, next) = match load(store, url).await {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read");
                return Rest::Unreachable(failures + 1);
            }
        };
        if waiting.is_empty() {
            return next.map_or(Rest::Done, Rest::Until);
        }
        let mut outcomes = Outcomes::default();
        let mut unreachable = false;
        let mut planned = Vec::with_capacity(waiting.len());
        while let Some(stored) = waiting.pop_front() {
            let plan = if stored.planned { EventPlan::Normal } else { faults.event_plan(url) };
            match plan {
                EventPlan::Normal => planned.push((stored, false)),
                EventPlan::Duplicate => planned.push((stored, true)),
                EventPlan::Delay(time) => outcomes.later.push((stored.sequence, stored.attempts, time)),
                EventPlan::Reorder => match waiting.pop_front() {
                    Some(next) => {
                        waiting.push_front(Stored { planned: true, ..stored });
                        waiting.push_front(Stored { planned: true, ..next });
                    }
                    None => outcomes.later.push((stored.sequence, stored.attempts, FIRST_PAUSE)),
                },
            }
        }
        let posts = planned.into_iter().map(|(stored, again)| async move {
            let answer = post(client, &stored.event).await;
            if again
                && answer.as_ref().is_ok_and(reqwest::StatusCode::is_success)
                && let Err(error) = post(client, &stored.event).await
            {
                tracing::debug!(%error, "the second copy of an event was not delivered");
            }
            (stored, answer)
        });
        // Begun in order, answered in any: as the real services do, which promise no order.
        let mut answers = stream::iter(posts).buffered(IN_FLIGHT);
        while let Some((stored, answer)) = answers.next().await {
            match answer {
                Ok(status) if status.is_success() => {
                    failures = 0;
                    outcomes.done.push(stored.sequence);
                }
                Ok(status) if stored.attempts + 1 >= MOST_ATTEMPTS => {
                    tracing::warn!(%status, attempts = stored.attempts + 1, "an event is given up");
                    outcomes.done.push(stored.sequence);
                }
                Ok(_) => {
                    outcomes.later.push((stored.sequence, stored.attempts + 1, pause(stored.attempts + 1)));
                }
                Err(_) => {
                    unreachable = true;
                    break;
                }
            }
        }
        drop(answers);
        if let Err(error) = outcomes.store(store).await {
            tracing::error!(%error, "the outbox cannot be written");
            return Rest::Unreachable(failures + 1);
        }
        if unreachable {
            return Rest::Unreachable(failures + 1);
        }
    }
}

/// Posts one event and reads the answer to its end.
///
/// # Errors
/// When there is no answer, or only part of one.
pub async fn post(client: &reqwest::Client, event: &Event) -> Result<reqwest::StatusCode, reqwest::Error> {
    let mut request = client.post(&event.url).header("content-type", "application/json; charset=utf-8");
    for (name, value) in &event.headers {
        request = request.header(name, value);
    }
    let response = request.body(event.body.clone()).send().await?;
    let status = response.status();
    // Read to the end, so that the connection can be used again.
    response.bytes().await?;
    Ok(status)
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

async fn addresses(store: &Store) -> Result<Vec<String>, StoreError> {
    store
        .read(|snapshot| -> Result<Vec<String>, StoreError> {
            let sql = "SELECT min(url) FROM outbox WHERE url > ?1";
            let mut statement = snapshot.connection.prepare_cached(sql)?;
            let mut found: Vec<String> = Vec::new();
            loop {
                let after = found.last().cloned().unwrap_or_default();
                let next: Option<String> = statement.query_row([after], |row| row.get(0))?;
                match next {
                    Some(url) => found.push(url),
                    None => return Ok(found),
                }
            }
        })
        .await
}

/// The events of an address that are due, and when the next one is when none is.
async fn load(store: &Store, url: &str) -> Result<(VecDeque<Stored>, Option<Instant>), StoreError> {
    let url = url.to_owned();
    let now = clock::now_millis();
    let (events, next) = store
        .read(move |snapshot| -> Result<_, StoreError> {
            let sql = "SELECT sequence, attempts, headers, body FROM outbox WHERE url = ?1 AND due_at <= ?2 \
                       ORDER BY sequence LIMIT ?3";
            let mut statement = snapshot.connection.prepare_cached(sql)?;
            let most = i64::try_from(AT_A_TIME).unwrap_or(i64::MAX);
            let mut rows = statement.query((&url, now, most))?;
            let mut events = VecDeque::new();
            while let Some(row) = rows.next()? {
                let headers: String = row.get(2)?;
                let headers = serde_json::from_str(&headers).map_err(|error| StoreError::Corrupt {
                    table: "outbox".into(),
                    reason: error.to_string(),
                })?;
                let event = Event { url: url.clone(), headers, body: row.get(3)? };
                events.push_back(Stored {
                    sequence: row.get(0)?,
                    attempts: row.get(1)?,
                    event,
                    planned: false,
                });
            }
            let sql = "SELECT min(due_at) FROM outbox WHERE url = ?1";
            let next: Option<i64> =
                snapshot.connection.prepare_cached(sql)?.query_row([&url], |row| row.get(0))?;
            Ok((events, next))
        })
        .await?;
    let wait = next.map(|due| Duration::from_millis(u64::try_from(due - now).unwrap_or(0)));
    Ok((events, wait.map(|wait| Instant::now() + wait)))
}

/// What became of some events.
#[derive(Default)]
struct Outcomes {
    done: Vec<i64>,
    later: Vec<(i64, u32, Duration)>,
}

impl Outcomes {
    async fn store(self, store: &Store) -> Result<(), StoreError> {
        if self.done.is_empty() && self.later.is_empty() {
            return Ok(());
        }
        let now = clock::now_millis();
        store
            .write(move |transaction| -> Result<(), StoreError> {
                let connection = transaction.snapshot.connection;
                for sequence in &self.done {
                    connection
                        .prepare_cached("DELETE FROM outbox WHERE sequence = ?1")?
                        .execute([sequence])?;
                }
                for (sequence, attempts, wait) in &self.later {
                    let due = now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
                    connection
                        .prepare_cached("UPDATE outbox SET attempts = ?2, due_at = ?3 WHERE sequence = ?1")?
                        .execute((sequence, attempts, due))?;
                }
                Ok(())
            })
            .await
    }
}

//! Scripted faults: a list of what shall go wrong, for which requests, how often or how long.
//!
//! `POST /emulator/faults` with a JSON list adds to the script, `DELETE` clears it, `GET` tells how often each entry of it
//! has struck (`{"faults":[{"kind":"status","struck":3}]}`, without those that are over):
//!
//! ```json
//! [{"kind": "status", "status": 429, "retry_after": 5, "method": "PATCH", "path": "accounts", "times": 3},
//!  {"kind": "latency", "milliseconds": 200, "for_milliseconds": 60000},
//!  {"kind": "drop-after", "operation": "batch", "client": "dualwright", "skip": 2, "times": 1}]
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The answer is this status, and nothing is done.
    Status,
    /// The answer comes later.
    Latency,
    /// The connection is cut before anything is done.
    DropBefore,
    /// What was asked is done, and the connection is cut instead of an answer: the lost answer.
    DropAfter,
    /// What was asked is done, and the connection is cut in the middle of the answer.
    HalfResponse,
    /// An event is delivered twice.
    DuplicateEvent,
    /// An event is delivered later.
    DelayEvent,
    /// An event is delivered after the one that follows it.
    ReorderEvent,
}

impl Kind {
    fn is_for_events(self) -> bool {
        matches!(self, Self::DuplicateEvent | Self::DelayEvent | Self::ReorderEvent)
    }
}

/// One entry of the script. What is not given matches everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Kind,
    /// For `status`: the status, 400 to 599.
    #[serde(default)]
    pub status: Option<u16>,
    /// For `status`: the seconds of `Retry-After`.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// For `latency` and `delay-event`: how much later.
    #[serde(default)]
    pub milliseconds: Option<u64>,
    /// Only requests of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path (events: whose address) contains this.
    #[serde(default)]
    pub path: Option<String>,
    /// Only requests of this kind: `read`, `create`, `update`, `delete`, `batch`, `bulk`, `metadata`, `token`.
    #[serde(default)]
    pub operation: Option<String>,
    /// Only requests of this client.
    #[serde(default)]
    pub client: Option<String>,
    /// How many matching requests pass first.
    #[serde(default)]
    pub skip: u32,
    /// How often; without it, until cleared or its time is over.
    #[serde(default)]
    pub times: Option<u32>,
    /// How long from now.
    #[serde(default)]
    pub for_milliseconds: Option<u64>,
}

/// What is known of a request before it is done.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path.
    pub path: &'a str,
    /// Its kind.
    pub operation: &'a str,
    /// Who sends it.
    pub client: &'a str,
}

/// What shall be done to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Wait so long first.
    pub latency: Duration,
    /// Then this.
    pub outcome: Outcome,
}

/// How a request ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// As it would.
    #[default]
    Normal,
    /// With this status.
    Status {
        /// The status.
        status: u16,
        /// The seconds of `Retry-After`.
        retry_after: Option<u64>,
    },
    /// Cut before it is done.
    DropBefore,
    /// Cut after it is done.
    DropAfter,
    /// Cut in the middle of the answer.
    HalfResponse,
}

/// What shall be done to one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventPlan {
    /// Deliver it.
    Normal,
    /// Deliver it twice.
    Duplicate,
    /// Deliver it so much later.
    Delay(Duration),
    /// Deliver it after the next.
    Reorder,
}

/// An entry of the script that is not over yet, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Struck {
    /// What goes wrong.
    pub kind: Kind,
    /// How often it went wrong so far.
    pub struck: u32,
}

struct Entry {
    fault: Fault,
    skip: u32,
    left: Option<u32>,
    until: Option<Instant>,
    struck: u32,
}

impl Entry {
    fn is_over(&self, now: Instant) -> bool {
        self.left == Some(0) || self.until.is_some_and(|until| now >= until)
    }
}

/// The script.
#[derive(Clone, Default)]
pub struct Faults {
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Faults {
    /// Adds to the script.
    ///
    /// # Errors
    /// What is wrong with an entry; then none is added.
    pub fn add(&self, faults: Vec<Fault>) -> Result<(), String> {
        for fault in &faults {
            match (fault.kind, fault.status, fault.milliseconds) {
                (Kind::Status, Some(400..=599), _) => {}
                (Kind::Status, _, _) => return Err("a status fault needs a status from 400 to 599".into()),
                (Kind::Latency | Kind::DelayEvent, _, None) => {
                    return Err("latency and delay-event need milliseconds".into());
                }
                _ => {}
            }
        }
        let now = Instant::now();
        self.lock().extend(faults.into_iter().map(|fault| Entry {
            skip: fault.skip,
            left: fault.times,
            until: fault.for_milliseconds.map(|time| now + Duration::from_millis(time)),
            struck: 0,
            fault,
        }));
        Ok(())
    }

    /// Clears the script.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How often each entry has struck that is not over yet, in the order of the script.
    pub fn struck(&self) -> Vec<Struck> {
        let now = Instant::now();
        let entries = self.lock();
        let going_on = entries.iter().filter(|entry| !entry.is_over(now));
        going_on.map(|entry| Struck { kind: entry.fault.kind, struck: entry.struck }).collect()
    }

    /// What the script has for this request: every latency that matches, and the first other fault.
    pub fn plan(&self, facts: Facts<'_>) -> Plan {
        let mut plan = Plan::default();
        self.visit(false, facts, |fault| {
            if fault.kind == Kind::Latency {
                plan.latency += Duration::from_millis(fault.milliseconds.unwrap_or_default());
                return true;
            }
            if plan.outcome != Outcome::Normal {
                return false;
            }
            plan.outcome = match fault.kind {
                Kind::Status => {
                    Outcome::Status { status: fault.status.unwrap_or(500), retry_after: fault.retry_after }
                }
                Kind::DropBefore => Outcome::DropBefore,
                Kind::DropAfter => Outcome::DropAfter,
                _ => Outcome::HalfResponse,
            };
            true
        });
        plan
    }

    /// What the script has for an event to this address.
    pub fn event_plan(&self, url: &str) -> EventPlan {
        let mut plan = EventPlan::Normal;
        self.visit(true, Facts { method: "POST", path: url, operation: "event", client: "" }, |fault| {
            if plan != EventPlan::Normal {
                return false;
            }
            plan = match fault.kind {
                Kind::DuplicateEvent => EventPlan::Duplicate,
                Kind::DelayEvent => {
                    EventPlan::Delay(Duration::from_millis(fault.milliseconds.unwrap_or_default()))
                }
                _ => EventPlan::Reorder,
            };
            true
        });
        plan
    }

    /// Offers every entry that matches; one that is taken is used up by one.
    fn visit(&self, events: bool, facts: Facts<'_>, mut take: impl FnMut(&Fault) -> bool) {
        let now = Instant::now();
        let mut entries = self.lock();
        if entries.is_empty() {
            return;
        }
        entries.retain(|entry| !entry.is_over(now));
        for entry in entries.iter_mut() {
            if entry.fault.kind.is_for_events() != events || !matches(&entry.fault, facts) {
                continue;
            }
            if entry.skip > 0 {
                entry.skip -= 1;
            } else if take(&entry.fault) {
                entry.left = entry.left.map(|left| left.saturating_sub(1));
                entry.struck = entry.struck.saturating_add(1);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn matches(fault: &Fault, facts: Facts<'_>) -> bool {
    let same = |wanted: &Option<String>, found: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
    };
    same(&fault.method, facts.method)
        && same(&fault.operation, facts.operation)
        && same(&fault.client, facts.client)
        && fault.path.as_ref().is_none_or(|path| facts.path.contains(path.as_str()))
}

#[cfg(test)]
mod tests {
    use super::{EventPlan, Facts, Fault, Faults, Kind, Outcome, Struck};

    const PATCH: Facts<'_> = Facts {
        method: "PATCH",
        path: "/api/data/v9.2/accounts(1)",
        operation: "update",
        client: "dualwright",
    };

    fn script(text: &str) -> Faults {
        let faults = Faults::default();
        faults.add(serde_json::from_str::<Vec<Fault>>(text).unwrap()).unwrap();
        faults
    }

    #[test]
    fn faults_match_count_and_end() {
        let faults = script(
            r#"[{"kind": "status", "status": 429, "retry_after": 2, "path": "accounts", "skip": 1, "times": 1},
                {"kind": "latency", "milliseconds": 5, "method": "patch"},
                {"kind": "drop-after", "client": "someone"}]"#,
        );
        assert_eq!(faults.plan(PATCH).outcome, Outcome::Normal);
        let plan = faults.plan(PATCH);
        assert_eq!(plan.outcome, Outcome::Status { status: 429, retry_after: Some(2) });
        assert_eq!(plan.latency.as_millis(), 5);
        assert_eq!(faults.plan(PATCH).outcome, Outcome::Normal);
        assert_eq!(faults.plan(Facts { client: "someone", ..PATCH }).outcome, Outcome::DropAfter);
        let struck = |kind, struck| Struck { kind, struck };
        assert_eq!(faults.struck(), [struck(Kind::Latency, 4), struck(Kind::DropAfter, 1)]);
        faults.clear();
        assert_eq!(faults.plan(Facts { client: "someone", ..PATCH }).outcome, Outcome::Normal);
        assert_eq!(faults.struck(), []);
    }

    #[test]
    fn events_have_their_own_faults() {
        let faults = script(
            r#"[{"kind": "duplicate-event", "times": 1}, {"kind": "drop-before", "for_milliseconds": 0}]"#,
        );
        assert_eq!(faults.plan(PATCH).outcome, Outcome::Normal);
        assert_eq!(faults.event_plan("http://x/"), EventPlan::Duplicate);
        assert_eq!(faults.event_plan("http://x/"), EventPlan::Normal);
    }

    #[test]
    fn a_wrong_script_is_refused() {
        assert!(serde_json::from_str::<Vec<Fault>>(r#"[{"kind": "status", "colour": 1}]"#).is_err());
        for text in
            [r#"[{"kind": "status"}]"#, r#"[{"kind": "status", "status": 200}]"#, r#"[{"kind": "latency"}]"#]
        {
            assert!(Faults::default().add(serde_json::from_str(text).unwrap()).is_err());
        }
    }
}

//! What is to be remembered of a record that ended, and how it is made durable.

use std::collections::BTreeMap;

use dualwright_connect::{ConnectError, Existing, Written};
use dualwright_diagnostics::Class;
use dualwright_model::{
    Change, ColumnPath, Fingerprint, IntegrationKey, Operation, Record, System, TableName, Timestamp, Value,
};
use dualwright_store::{
    Activity, Checkpoint, Link, LinkSide, NewDeadLetter, NewEntry, Resolution, Settlement, StoreError,
    Unlinked, Wait, Writer,
};
use dualwright_sync::park::Target;
use dualwright_sync::retry::{self, History, Verdict};

use crate::Event;
use crate::backoff::jitter_permille;
use crate::batch::{Done, Ending, Item, LinkEffect, Mode, Work};
use crate::map::MapContext;
use crate::shown::shown;

/// How a record fared at the target.
pub(crate) struct Result {
    pub(crate) resolution: Resolution,
    /// Cells that the target is known to hold now.
    pub(crate) known: Record,
    /// Columns in which the target's own value stayed.
    pub(crate) kept: Vec<String>,
    /// Columns whose value travels back when the target tells of it: it is not the source's.
    pub(crate) returned: Vec<ColumnPath>,
    /// Whether nothing else of the row is unknown.
    pub(crate) clean: bool,
    pub(crate) conflicted: bool,
    pub(crate) written: Option<Written>,
    /// The row as read, and when.
    pub(crate) existing: Option<(Existing, Timestamp)>,
}

impl Result {
    /// Nothing had to be sent, and nobody looked.
    pub(crate) fn unchanged(known: Record) -> Self {
        Self {
            resolution: Resolution::Unchanged,
            known,
            kept: Vec::new(),
            returned: Vec::new(),
            clean: false,
            conflicted: false,
            written: None,
            existing: None,
        }
    }
}

/// Ends an upsert: makes or renews the link.
pub(crate) fn settled(map: &MapContext, mode: Mode, work: Work, result: Result) -> Done {
    let Work { item, link, new_lane_key, near_miss, .. } = work;
    let target = mode.leg.target();
    let now = map.clock.now();
    let fresh = link.as_ref().is_none_or(|link| link.side(target).id.is_none());
    let link = link.unwrap_or_else(|| empty_link(map, new_lane_key, &item, now));
    let mut link = seen_by_source(map, mode, &item, link);
    let side = link.side_mut(target);
    side.fingerprint.merge(&result.known, &map.side(target).selection.key);
    for column in &result.returned {
        side.fingerprint.forget(column);
    }
    let key = map.key_values(target, &result.known);
    if key.iter().all(|value| !value.is_absent()) {
        side.key = key;
    }
    if let Some((existing, _)) = &result.existing {
        // What the target says may be a write of ours that a crash or a lost answer left unsettled: images from before
        // this look may be older than it.
        side.written_at = side.written_at.max(Some(now));
        side.id = Some(existing.id.clone());
        side.version = existing.version.clone().filter(|_| result.clean);
        if side.key.is_empty() {
            side.key = map.key_values(target, &existing.record);
        }
    }
    if let Some(written) = &result.written {
        if written.id.is_some() {
            side.id.clone_from(&written.id);
        }
        side.version = written.version.clone().filter(|_| result.clean);
        side.written_at = Some(now);
        side.writer = Some(Writer {
            map_version: map.description().version.clone(),
            digest: map.logic.digest().clone(),
        });
    }
    let mut done = Done::resolved(item, result.resolution);
    done.near_miss = near_miss;
    if fresh {
        done.arrived = Some(Target::new(map.description().table(System::Dataverse), &link.key));
    }
    if result.conflicted {
        done.activity = Some(conflict_line(map, mode, &done.item, &result.kept, &result.returned, now));
    }
    if !result.kept.is_empty()
        && let Some((existing, observed_at)) = result.existing
    {
        done.reverse = reverse(map, mode, &link, existing, observed_at);
    }
    done.link = LinkEffect::Set(Box::new(link));
    done
}

/// The link of a row that is about to be created: its content is known, and nothing else of it. Of the source only the id
/// and the key are told, by which it is found; its row still counts as one that was never looked at.
pub(crate) fn about_to_create(map: &MapContext, mode: Mode, work: &Work, cells: &Record) -> Link {
    let mut link = empty_link(map, work.new_lane_key.clone(), &work.item, map.clock.now());
    let (source, change) = (mode.leg.source(), &work.item.entry.change);
    let side = link.side_mut(source);
    side.id = Some(change.id.clone());
    side.key = map.key_values(source, &change.record);
    let target = mode.leg.target();
    link.side_mut(target).fingerprint = Fingerprint::of(cells, &map.side(target).selection.key);
    link
}

fn empty_link(map: &MapContext, lane_key: String, item: &Item, now: Timestamp) -> Link {
    Link {
        map: map.name.clone(),
        lane_key,
        key: item.entry.key.clone(),
        finops: LinkSide::default(),
        dataverse: LinkSide::default(),
        map_version: String::new(),
        digest: map.logic.digest().clone(),
        updated_at: now,
    }
}

/// The link after the source's image was dealt with, whatever became of it at the target.
pub(crate) fn seen_by_source(map: &MapContext, mode: Mode, item: &Item, mut link: Link) -> Link {
    let change = &item.entry.change;
    let source = mode.leg.source();
    link.key = item.entry.key.clone();
    // I8: every link names who wrote it last.
    link.map_version = map.description().version.clone();
    link.digest = map.logic.digest().clone();
    let now = map.clock.now();
    link.updated_at = now;
    if change.operation == Operation::Upsert {
        let side = link.side_mut(source);
        side.id = Some(change.id.clone());
        side.version.clone_from(&change.version);
        side.fingerprint = Fingerprint::of(&change.record, &map.side(source).selection.key);
        side.key = map.key_values(source, &change.record);
        // I2: an image may be younger than entries still waiting behind it; those are out of date. Images of one reader
        // are as old as they say. One that was read again, or by an initial sync, may have been read any time between the
        // moment it says and now: what was asked for within that time may be older, although it says a later moment.
        let by_another_reader = item.revised || item.sequence.is_none();
        let known_since = if by_another_reader { now } else { change.observed_at };
        side.written_at = side.written_at.max(Some(known_since));
    }
    link
}

/// Ends a deletion: the link is forgotten.
pub(crate) fn gone(map: &MapContext, mode: Mode, work: Work, resolution: Resolution) -> Done {
    let mut done = Done::resolved(work.item, resolution);
    done.near_miss = work.near_miss;
    if let Some(link) = work.link {
        if let Some(id) = &link.side(mode.leg.target()).id {
            map.note_deleted(mode.leg.target(), id);
        }
        done.link = LinkEffect::Forget(link.lane_key);
    }
    done
}

/// The target's row was edited and wins over the deletion: it comes back on the source's side.
pub(crate) fn deletion_lost(
    map: &MapContext,
    mode: Mode,
    work: Work,
    existing: Existing,
    observed_at: Timestamp,
) -> Done {
    let now = map.clock.now();
    let mut done = Done::resolved(work.item, Resolution::Skipped);
    done.activity = Some(conflict_line(map, mode, &done.item, &[], &[], now));
    if let Some(link) = work.link {
        done.reverse = reverse(map, mode, &link, existing, observed_at);
        done.link = LinkEffect::Forget(link.lane_key);
    }
    done
}

fn reverse(
    map: &MapContext,
    mode: Mode,
    link: &Link,
    existing: Existing,
    observed_at: Timestamp,
) -> Option<NewEntry> {
    let leg = mode.leg.target().outgoing();
    let change = Change {
        operation: Operation::Upsert,
        id: existing.id,
        version: existing.version,
        record: existing.record,
        modified_at: existing.modified_at,
        observed_at,
    };
    map.has_leg(leg).then(|| NewEntry {
        map: map.name.clone(),
        leg,
        lane_key: link.lane_key.clone(),
        key: link.key.clone(),
        change,
        again: false,
    })
}

fn conflict_line(
    map: &MapContext,
    mode: Mode,
    item: &Item,
    kept: &[String],
    returned: &[ColumnPath],
    at: Timestamp,
) -> Activity {
    let merged =
        returned.iter().map(ColumnPath::as_str).filter(|column| !kept.iter().any(|kept| kept == column));
    let merged: Vec<&str> = merged.collect();
    let outcome = match (kept.is_empty(), merged.is_empty()) {
        (true, true) => format!("the change from {} was written", mode.leg.source()),
        (false, true) => format!("{} stays as {} has it", kept.join(", "), mode.leg.target()),
        (true, false) => format!("the map merged {}", merged.join(", ")),
        (false, false) => format!(
            "the map merged {}; {} stays as {} has it",
            merged.join(", "),
            kept.join(", "),
            mode.leg.target()
        ),
    };
    Activity {
        at,
        map: Some(map.name.clone()),
        kind: "conflict".into(),
        actor: "engine".into(),
        message: format!("both sides changed the record with key {}; {outcome}", item.entry.key),
    }
}

/// A dead letter, with everything needed to replay it.
pub(crate) fn dead(
    map: &MapContext,
    item: Item,
    class: Class,
    code: &str,
    message: String,
    column: Option<String>,
    intended: Option<Record>,
) -> Done {
    let letter = NewDeadLetter {
        entry: item.entry.clone(),
        class,
        code: code.to_owned(),
        message,
        column,
        violations: Vec::new(),
        intended: intended.map(shown),
        map_version: map.description().version.clone(),
        digest: map.logic.digest().clone(),
        at: map.clock.now(),
    };
    Done::new(item, Ending::Dead(Box::new(letter)))
}

fn history(map: &MapContext, item: &Item) -> History {
    let now = map.clock.now();
    let (attempts, since) = item.history.as_ref().map_or((0, now), |wait| (wait.attempts, wait.since));
    History { attempts, since, now, jitter_permille: jitter_permille() }
}

/// A record that failed at the target: again later, or dead, as the retry table says.
pub(crate) fn failed(
    map: &MapContext,
    item: Item,
    class: Class,
    code: &str,
    message: String,
    intended: Option<Record>,
) -> Done {
    let history = history(map, &item);
    match retry::verdict(class, history) {
        Verdict::Dead => dead(map, item, class, code, message, None, intended),
        Verdict::At(not_before) => {
            let wait = Wait {
                not_before,
                attempts: history.attempts.saturating_add(1),
                since: history.since,
                reason: message,
                lookup: None,
            };
            Done::new(item, Ending::Wait(wait, None))
        }
    }
}

/// A record was created without one lookup into its own table: it waits for that lookup.
pub(crate) fn second_pass(
    map: &MapContext,
    done: Done,
    path: &ColumnPath,
    table: &TableName,
    key: &IntegrationKey,
) -> Done {
    let mut waiting = lookup_missing(map, done.item, path, table, key);
    waiting.arrived = done.arrived;
    waiting.link = done.link;
    waiting
}

/// The target of a lookup is not there yet.
pub(crate) fn lookup_missing(
    map: &MapContext,
    item: Item,
    path: &ColumnPath,
    table: &TableName,
    key: &IntegrationKey,
) -> Done {
    let history = history(map, &item);
    let limit_ms = u64::try_from(map.settings.lookup_wait_limit.as_millis()).unwrap_or(u64::MAX);
    let reason = format!("{path} points to a row of {table} that does not exist (key {key})");
    match retry::lookup_wait(history, limit_ms) {
        Some(not_before) => {
            let wait = Wait {
                not_before,
                attempts: history.attempts.saturating_add(1),
                since: history.since,
                reason,
                lookup: Some((table.to_string(), key.to_string())),
            };
            Done::new(item, Ending::Wait(wait, Some(Target::new(table, key))))
        }
        None => {
            let message = format!("{reason}, and it did not arrive in time; create it, then retry");
            dead(map, item, Class::Data, "lookup-missing", message, Some(path.to_string()), None)
        }
    }
}

/// The stable word for a connector's refusal.
pub(crate) fn code_of(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Rejected { .. } => "rejected",
        ConnectError::Unknown { .. } => "unknown",
        ConnectError::Unauthorized { .. } | ConnectError::Forbidden { .. } => "not-allowed",
        ConnectError::Protocol { .. } => "protocol",
        _ => "unavailable",
    }
}

/// What a batch left for its caller, once everything else is durable.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    /// Items that were not tried after all, with the reason.
    pub(crate) put_back: Vec<(Item, Class, String)>,
    /// Items that wait now.
    pub(crate) waiting: Vec<(Item, Wait, Option<Target>)>,
    /// How many became dead letters.
    pub(crate) dead: u32,
}

/// Makes a batch durable (the second of the two moments) and tells whoever waits for its rows.
///
/// Rows that have to travel the other way, and page rows that must wait, are journalled first: should the process die
/// in between, they are there twice, which changes nothing.
pub(crate) async fn settle(
    map: &MapContext,
    mode: Mode,
    done: Vec<Done>,
    checkpoints: Vec<Checkpoint>,
) -> std::result::Result<Aftermath, StoreError> {
    let mut settlement = Settlement { checkpoints, ..Settlement::default() };
    let mut aftermath = Aftermath::default();
    let mut resolved: BTreeMap<Resolution, u64> = BTreeMap::new();
    let mut journal = Vec::new();
    let mut arrived = Vec::new();
    let mut waiting_rows: Vec<(usize, Wait)> = Vec::new();
    let mut near_misses = 0;
    for one in done {
        near_misses += u64::from(one.near_miss);
        settlement.activities.extend(one.activity);
        journal.extend(one.reverse.map(unobserved));
        arrived.extend(one.arrived);
        match one.link {
            LinkEffect::Keep => {}
            LinkEffect::Set(link) => settlement.links.push(*link),
            LinkEffect::Forget(lane_key) => {
                settlement.unlinked.push(Unlinked { map: map.name.clone(), lane_key, at: map.clock.now() })
            }
        }
        let resolution = match one.ending {
            Ending::Resolved(resolution) => resolution,
            Ending::Dead(letter) => {
                tracing::warn!(map = %map.name, leg = %mode.leg, code = %letter.code, "a change became a dead letter");
                settlement.dead_letters.push(*letter);
                aftermath.dead += 1;
                Resolution::Dead
            }
            Ending::Wait(wait, target) => {
                match one.item.sequence {
                    Some(sequence) => settlement.waiting.push((sequence, wait.clone())),
                    None => {
                        // What it waits for may have arrived in this very batch, before anybody heard of this row: the
                        // first try is at once, so that live changes of the row do not wait behind it.
                        let wait = Wait { not_before: map.clock.now(), ..wait.clone() };
                        waiting_rows.push((journal.len(), wait));
                        journal.push(unobserved(one.item.entry.clone()));
                    }
                }
                aftermath.waiting.push((one.item, wait, target));
                continue;
            }
            Ending::PutBack(class, reason) => {
                aftermath.put_back.push((one.item, class, reason));
                continue;
            }
        };
        match one.item.sequence {
            Some(sequence) => settlement.resolved.push((sequence, resolution)),
            None => settlement.counted.push((map.name.clone(), mode.leg, resolution, 1)),
        }
        *resolved.entry(resolution).or_default() += 1;
    }
    if near_misses > 0 {
        settlement.near_misses.push((map.name.clone(), mode.leg, near_misses));
    }
    merge_counts(&mut settlement);
    let journalled = !journal.is_empty();
    if journalled {
        let capture = dualwright_store::Capture { entries: journal, checkpoint: None };
        let sequences = map.store.capture(capture).await?;
        let placed =
            waiting_rows.into_iter().filter_map(|(place, wait)| Some((*sequences.get(place)?, wait)));
        settlement.waiting.extend(placed);
    }
    map.store.settle(settlement).await?;
    if journalled {
        map.captured.notify_one();
    }
    if !arrived.is_empty() {
        // Nobody listening is fine.
        let _ = map.arrivals.send(arrived);
    }
    if !mode.initial && !resolved.is_empty() {
        let _ = map.events.send(Event::Settled { map: map.name.clone(), leg: mode.leg, resolved });
    }
    Ok(aftermath)
}

/// What is journalled beside the capture tasks may be older than what they journalled before it: whoever takes it up
/// reads the row again, so that no older image follows a newer one (I2).
fn unobserved(mut entry: NewEntry) -> NewEntry {
    entry.change.observed_at = Timestamp::default();
    entry
}

fn merge_counts(settlement: &mut Settlement) {
    let mut sums = BTreeMap::new();
    for (map, leg, resolution, count) in settlement.counted.drain(..) {
        *sums.entry((map, leg, resolution)).or_insert(0) += count;
    }
    settlement.counted =
        sums.into_iter().map(|((map, leg, resolution), count)| (map, leg, resolution, count)).collect();
}

/// The key values of a link's side as a record of key columns, for addressing.
pub(crate) fn has_key(values: &[Value]) -> bool {
    !values.is_empty() && values.iter().all(|value| !value.is_missing())
}

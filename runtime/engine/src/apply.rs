//! Brings the other side to what the map wants.
//!
//! Every write carries a precondition: create only if absent, update only this version. When it does not hold, or when
//! the target's state is not known for sure (after a crash, a lost answer, somebody else's edit), the row is read and
//! `sync` decides again. So a write may be tried any number of times and happens once (I4).

use std::collections::VecDeque;

use dualwright_connect::{Existing, Precondition, Write, WriteOutcome, WriteTarget, Written};
use dualwright_diagnostics::Class;
use dualwright_model::{
    ColumnPath, Fingerprint, IntegrationKey, Record, System, TableName, Timestamp, Value,
};
use dualwright_store::{Link, Resolution, Settlement, StoreError};
use dualwright_sync::conflict::{self, Circumstances, Clash, Policy};
use dualwright_sync::plan::{self, Plan, Target};

use crate::arbitrate;
use crate::batch::{Done, LinkEffect, Mode, Wish, Work};
use crate::judge::put_all_back;
use crate::map::MapContext;
use crate::settle::{self, Result as Settled};

/// A record that meets this many surprises in one batch is left for later.
const ROUNDS_MAX: usize = 6;

/// One record on its way to the target.
struct Going {
    work: Work,
    wish: Wish,
    step: Step,
    conflicted: bool,
    /// A lookup into the record's own table whose target is not there yet: left out of the creation, written in a
    /// second pass. Otherwise a row that names itself, or two that name each other, would wait for ever.
    deferred: Option<Deferred>,
}

struct Deferred {
    path: ColumnPath,
    table: TableName,
    key: IntegrationKey,
}

enum Step {
    Look,
    Write(Box<Sending>),
}

/// A write about to be sent, with what will be true once it is done.
struct Sending {
    write: Write,
    /// What the target is known to hold afterwards.
    known: Record,
    kept: Vec<String>,
    returned: Vec<ColumnPath>,
    clean: bool,
}

/// Applies all wishes; each ends in `done`.
pub(crate) async fn apply(map: &MapContext, mode: Mode, wishes: Vec<(Work, Wish)>, done: &mut Vec<Done>) {
    let mut going: Vec<Going> = wishes.into_iter().filter_map(|wish| start(map, mode, wish, done)).collect();
    for _ in 0..ROUNDS_MAX {
        if going.is_empty() {
            return;
        }
        let (looks, writes) = going.into_iter().partition(|one| matches!(one.step, Step::Look));
        let mut next = look(map, mode, looks, done).await;
        let mut ready: Vec<Going> = writes;
        let mut still = Vec::new();
        for one in next.drain(..) {
            if matches!(one.step, Step::Write(_)) { ready.push(one) } else { still.push(one) }
        }
        still.extend(send(map, mode, ready, done).await);
        going = still;
    }
    for one in going {
        let message = "the other side's row kept changing while it was written".to_owned();
        done.push(settle::failed(map, one.work.item, Class::Conflict, "contended", message, None));
    }
}

fn start(map: &MapContext, mode: Mode, (work, wish): (Work, Wish), done: &mut Vec<Done>) -> Option<Going> {
    let target_system = mode.leg.target();
    let side = work.link.as_ref().map(|link| link.side(target_system));
    let target = side.map(|side| Target {
        linked: side.id.is_some() || !side.key.is_empty(),
        version: side.version.as_ref(),
        fingerprint: &side.fingerprint,
        key: &map.side(target_system).selection.key,
    });
    let step = match &wish {
        Wish::Upsert(desired) => match plan::upsert(desired, target) {
            Plan::Unchanged => {
                done.push(settle::settled(map, mode, work, Settled::unchanged(desired.clone())));
                return None;
            }
            Plan::Look => Step::Look,
            Plan::Update(cells, version) => sending(
                map,
                &work,
                target_system,
                cells,
                Precondition::Version(version),
                desired.clone(),
                true,
            ),
            Plan::Create(cells) => {
                sending(map, &work, target_system, cells, Precondition::Absent, desired.clone(), true)
            }
        },
        Wish::Delete => match target {
            Some(target) if target.linked => match target.version {
                Some(version) => deletion(map, &work, target_system, Precondition::Version(version.clone())),
                None => Step::Look,
            },
            _ => {
                done.push(settle::gone(map, mode, work, Resolution::Unchanged));
                return None;
            }
        },
    };
    Some(Going { work, wish, step, conflicted: false, deferred: None })
}

fn sending(
    map: &MapContext,
    work: &Work,
    system: System,
    cells: Record,
    precondition: Precondition,
    known: Record,
    clean: bool,
) -> Step {
    let target = if precondition == Precondition::Absent {
        WriteTarget::Key(map.key_values(system, &known))
    } else {
        target_of(map, work, system, &known)
    };
    let cells = plan::with_whole_lookups(cells, &known);
    let write = Write { target, cells, delete: false, precondition };
    Step::Write(Box::new(Sending { write, known, kept: Vec::new(), returned: Vec::new(), clean }))
}

/// A linked row is addressed by what it was known as, so that a changed key renames it instead of making another.
fn target_of(map: &MapContext, work: &Work, system: System, desired: &Record) -> WriteTarget {
    let side = work.link.as_ref().map(|link| link.side(system));
    let key = side
        .map(|side| side.key.clone())
        .filter(|key| !key.is_empty())
        .unwrap_or_else(|| map.key_values(system, desired));
    match side.and_then(|side| side.id.clone()) {
        Some(id) => WriteTarget::Id { id, key },
        None => WriteTarget::Key(key),
    }
}

fn deletion(map: &MapContext, work: &Work, system: System, precondition: Precondition) -> Step {
    let target = target_of(map, work, system, &Record::new());
    let write = Write { target, cells: Record::new(), delete: true, precondition };
    Step::Write(Box::new(Sending {
        write,
        known: Record::new(),
        kept: Vec::new(),
        returned: Vec::new(),
        clean: true,
    }))
}

/// Reads the target's rows and decides anew.
async fn look(map: &MapContext, mode: Mode, looks: Vec<Going>, done: &mut Vec<Done>) -> Vec<Going> {
    if looks.is_empty() {
        return looks;
    }
    let system = mode.leg.target();
    let side = map.side(system);
    let keys: Vec<_> = looks
        .iter()
        .map(|one| {
            let link_side = one.work.link.as_ref().map(|link| link.side(system));
            let id = link_side.and_then(|side| side.id.as_ref());
            let known_key = link_side.map(|side| side.key.clone()).filter(|key| !key.is_empty());
            let key = known_key.unwrap_or_else(|| match &one.wish {
                Wish::Upsert(desired) => map.key_values(system, desired),
                Wish::Delete => Vec::new(),
            });
            map.read_key(system, id, &key)
        })
        .collect();
    let observed_at = map.clock.now();
    let rows = match side.connector.read(&side.selection, &keys).await {
        Ok(rows) => rows,
        Err(error) => {
            put_all_back(looks.into_iter().map(|one| one.work.item), error.class(), &error.to_string(), done);
            return Vec::new();
        }
    };
    let mut rows: VecDeque<Option<Existing>> = rows.into();
    let mut next = Vec::with_capacity(looks.len());
    let mut contests = Vec::new();
    for one in looks {
        match rows.pop_front().flatten() {
            Some(existing) => {
                let found = Found { one, existing, observed_at };
                if arbitrate::is_contested(map, mode, &found) {
                    contests.push(found);
                } else {
                    next.extend(decide_on(map, mode, found, None, done));
                }
            }
            None => next.extend(decide_on_absence(map, mode, one, done)),
        }
    }
    for (found, verdict) in arbitrate::ask(map, mode, contests, done).await {
        next.extend(decide_on(map, mode, found, Some(&verdict), done));
    }
    next
}

/// A record on its way whose row on the other side was read.
pub(crate) struct Found {
    one: Going,
    existing: Existing,
    observed_at: Timestamp,
}

impl Found {
    /// The record itself, to end it.
    pub(crate) fn into_work(self) -> Work {
        self.one.work
    }

    /// When each side was changed, as far as they tell.
    pub(crate) fn circumstances(&self, mode: Mode) -> Circumstances {
        let change = &self.one.work.item.entry.change;
        Circumstances {
            leg: mode.leg,
            source_modified_at: Some(change.modified_at.unwrap_or(change.observed_at)),
            target_modified_at: self.existing.modified_at,
        }
    }

    /// What is wanted beside what is there; nothing for a deletion. `nothing` stands for what is known without a link.
    pub(crate) fn clash<'a>(
        &'a self,
        map: &'a MapContext,
        mode: Mode,
        nothing: &'a Fingerprint,
    ) -> Option<Clash<'a>> {
        let Wish::Upsert(desired) = &self.one.wish else { return None };
        let system = mode.leg.target();
        let known = self.one.work.link.as_ref().map_or(nothing, |link| &link.side(system).fingerprint);
        Some(Clash { desired, known, current: &self.existing.record, key: &map.side(system).selection.key })
    }

    /// Who wins where nobody is asked.
    pub(crate) fn policy(&self, map: &MapContext, mode: Mode) -> Policy {
        policy_of(map, mode, &self.one.work)
    }
}

fn policy_of(map: &MapContext, mode: Mode, work: &Work) -> Policy {
    // In an initial sync the master wins over rows that were never synchronised; an edit made meanwhile to a record
    // that is linked already is an ordinary conflict.
    let never_synchronised =
        work.link.as_ref().is_none_or(|link| link.side(mode.leg.target()).fingerprint.is_empty());
    if mode.initial && never_synchronised { Policy::master(map.master) } else { map.policy }
}

fn decide_on(
    map: &MapContext,
    mode: Mode,
    found: Found,
    verdict: Option<&conflict::Verdict>,
    done: &mut Vec<Done>,
) -> Option<Going> {
    let system = mode.leg.target();
    let (policy, circumstances) = (found.policy(map, mode), found.circumstances(mode));
    let nothing = Fingerprint::default();
    let decision = found.clash(map, mode, &nothing).map(|clash| match verdict {
        Some(verdict) => conflict::carry_out(clash, verdict),
        None => conflict::decide(clash, policy, circumstances),
    });
    let Found { mut one, existing, observed_at } = found;
    let precondition = existing.version.clone().map_or(Precondition::Exists, Precondition::Version);
    let (Wish::Upsert(desired), Some(decision)) = (&one.wish, decision) else {
        let known = one.work.link.as_ref().map_or(&nothing, |link| &link.side(system).fingerprint);
        let columns = &map.side(system).selection.key;
        if conflict::deletion_goes_through(known, &existing.record, columns, policy, circumstances) {
            one.step = deletion(map, &one.work, system, precondition);
            return Some(one);
        }
        done.push(settle::deletion_lost(map, mode, one.work, existing, observed_at));
        return None;
    };
    let mut after = desired.clone();
    for column in &decision.kept {
        after.set(column.as_str(), Value::Absent);
    }
    for column in &decision.returned {
        after.set(column.as_str(), Value::Absent);
    }
    if decision.write.is_empty() {
        let result = Settled {
            resolution: if decision.kept.is_empty() { Resolution::Unchanged } else { Resolution::Skipped },
            known: after,
            kept: decision.kept,
            returned: decision.returned,
            clean: decision.clean,
            conflicted: decision.conflicted || one.conflicted,
            written: None,
            existing: Some((existing, observed_at)),
        };
        done.push(settle::settled(map, mode, one.work, result));
        return None;
    }
    one.conflicted |= decision.conflicted;
    let key = map.key_values(system, &existing.record);
    let write = Write {
        target: WriteTarget::Id { id: existing.id, key },
        cells: decision.write,
        delete: false,
        precondition,
    };
    one.step = Step::Write(Box::new(Sending {
        write,
        known: after,
        kept: decision.kept,
        returned: decision.returned,
        clean: decision.clean,
    }));
    Some(one)
}

/// The target has no such row: it was never there, or somebody deleted it.
fn decide_on_absence(map: &MapContext, mode: Mode, mut one: Going, done: &mut Vec<Done>) -> Option<Going> {
    let system = mode.leg.target();
    let Wish::Upsert(desired) = &one.wish else {
        done.push(settle::gone(map, mode, one.work, Resolution::Unchanged));
        return None;
    };
    let was_there = one.work.link.as_ref().is_some_and(|link| link.side(system).id.is_some());
    let circumstances = Circumstances { leg: mode.leg, source_modified_at: None, target_modified_at: None };
    let yields = policy_of(map, mode, &one.work).winner(circumstances) != mode.leg.source();
    if was_there && (yields || !one.work.edited) {
        // The other side's deletion stays, and arrives here by its own feed.
        let mut ended = Done::resolved(one.work.item, Resolution::Skipped);
        if let Some(link) = one.work.link {
            ended.link = LinkEffect::Set(Box::new(settle::seen_by_source(map, mode, &ended.item, link)));
        }
        done.push(ended);
        return None;
    }
    if let Some(link) = &mut one.work.link {
        // Nothing of the former row is left to compare with.
        *link.side_mut(system) = dualwright_store::LinkSide::default();
    }
    one.step = sending(map, &one.work, system, desired.clone(), Precondition::Absent, desired.clone(), true);
    Some(one)
}

/// Sends the writes; what met a surprise is returned to be looked at.
async fn send(map: &MapContext, mode: Mode, ready: Vec<Going>, done: &mut Vec<Done>) -> Vec<Going> {
    let ready: Vec<Going> = ready.into_iter().filter_map(|one| not_bouncing(map, mode, one, done)).collect();
    if ready.is_empty() {
        return ready;
    }
    let side = map.side(mode.leg.target());
    let writes: Vec<Write> = ready
        .iter()
        .filter_map(|one| match &one.step {
            Step::Write(sending) => Some(sending.write.clone()),
            Step::Look => None,
        })
        .collect();
    if let Err(error) = note_creations(map, mode, &ready).await {
        put_all_back(ready.into_iter().map(|one| one.work.item), error.class(), &error.to_string(), done);
        return Vec::new();
    }
    let outcomes = match side.connector.apply(&side.selection, &writes).await {
        Ok(outcomes) => outcomes,
        Err(error) => {
            put_all_back(ready.into_iter().map(|one| one.work.item), error.class(), &error.to_string(), done);
            return Vec::new();
        }
    };
    let mut outcomes = outcomes.into_iter();
    ready
        .into_iter()
        .filter_map(|one| match outcomes.next() {
            Some(outcome) => after_write(map, mode, one, outcome, done),
            None => {
                let reason = "the connector gave fewer answers than it was given writes".to_owned();
                put_all_back([one.work.item], Class::Host, &reason, done);
                None
            }
        })
        .collect()
}

/// I4: rows of an initial sync are not journalled, so after a crash they are read again, perhaps newer. A row that was
/// created before the crash must be known for ours then: taken for one that somebody made on the other side, it would win
/// over its own source. So what is about to be created is noted first.
async fn note_creations(map: &MapContext, mode: Mode, ready: &[Going]) -> Result<(), StoreError> {
    if !mode.initial {
        return Ok(());
    }
    let links: Vec<Link> = ready
        .iter()
        .filter(|one| one.work.link.is_none())
        .filter_map(|one| match &one.step {
            Step::Write(sending) if sending.write.precondition == Precondition::Absent => {
                Some(settle::about_to_create(map, mode, &one.work, &sending.known))
            }
            _ => None,
        })
        .collect();
    if links.is_empty() {
        return Ok(());
    }
    map.store.settle(Settlement { links, ..Settlement::default() }).await
}

fn not_bouncing(map: &MapContext, mode: Mode, one: Going, done: &mut Vec<Done>) -> Option<Going> {
    let Step::Write(sending) = &one.step else { return Some(one) };
    // Systems that rewrite values update a row; a record that is made and deleted again and again is people.
    if mode.initial || sending.write.delete || sending.write.precondition == Precondition::Absent {
        return Some(one);
    }
    let lane_key = one.work.link.as_ref().map_or(&one.work.new_lane_key, |link| &link.lane_key);
    let content = sending.write.cells.iter().fold(0_u64, |sum, (column, value)| {
        let name = dualwright_model::hash_value(&Value::text(column.as_str()));
        sum.wrapping_add(name.rotate_left(17) ^ dualwright_model::hash_value(value))
    });
    if !map.is_bouncing(lane_key, mode.leg, content) {
        return Some(one);
    }
    let columns: Vec<&str> = sending.write.cells.iter().map(|(column, _)| column.as_str()).collect();
    let message = format!(
        "both systems keep rewriting {}: each stores another value than it was given; map the column one way, or make \
         both systems store it alike",
        columns.join(", ")
    );
    let intended = Some(sending.write.cells.clone());
    done.push(settle::dead(map, one.work.item, Class::Data, "bouncing", message, None, intended));
    None
}

fn after_write(
    map: &MapContext,
    mode: Mode,
    mut one: Going,
    outcome: WriteOutcome,
    done: &mut Vec<Done>,
) -> Option<Going> {
    match outcome {
        WriteOutcome::Written(written) => {
            done.push(written_done(map, mode, one, written));
            None
        }
        WriteOutcome::PreconditionFailed => {
            one.step = Step::Look;
            Some(one)
        }
        WriteOutcome::Missing => {
            one.step = Step::Look;
            decide_on_absence(map, mode, one, done)
        }
        WriteOutcome::LookupMissing { path, table, key } if may_defer(map, mode, &one, &path, &table) => {
            if let Step::Write(sending) = &mut one.step {
                sending.write.cells.set(path.clone(), Value::Absent);
                // What the row holds until then, so that its echo is one.
                sending.known.set(path.clone(), Value::Null);
            }
            one.deferred = Some(Deferred { path, table, key });
            Some(one)
        }
        WriteOutcome::LookupMissing { path, table, key } => {
            done.push(settle::lookup_missing(map, one.work.item, &path, &table, &key));
            None
        }
        WriteOutcome::Failed(error) => {
            let intended = match one.step {
                Step::Write(sending) => Some(sending.write.cells),
                Step::Look => None,
            };
            let code = settle::code_of(&error);
            done.push(settle::failed(map, one.work.item, error.class(), code, error.to_string(), intended));
            None
        }
    }
}

fn written_done(map: &MapContext, mode: Mode, one: Going, written: Written) -> Done {
    let Step::Write(sending) = one.step else {
        return Done::resolved(one.work.item, Resolution::Applied);
    };
    if sending.write.delete {
        return settle::gone(map, mode, one.work, Resolution::Applied);
    }
    let result = Settled {
        resolution: Resolution::Applied,
        known: sending.known,
        kept: sending.kept,
        returned: sending.returned,
        clean: sending.clean,
        conflicted: one.conflicted,
        written: Some(written),
        existing: None,
    };
    let ended = settle::settled(map, mode, one.work, result);
    match one.deferred {
        Some(deferred) => settle::second_pass(map, ended, &deferred.path, &deferred.table, &deferred.key),
        None => ended,
    }
}

fn may_defer(map: &MapContext, mode: Mode, one: &Going, path: &ColumnPath, table: &TableName) -> bool {
    let own = map.description().table(mode.leg.target());
    let creates =
        matches!(&one.step, Step::Write(sending) if sending.write.precondition == Precondition::Absent);
    let key = map.side(mode.leg.target()).selection.key.contains(path);
    creates && !key && own.as_str().eq_ignore_ascii_case(table.as_str())
}

//! Through the map, and into the target's own values.

use dualwright_diagnostics::Class;
use dualwright_model::{Operation, Record};
use dualwright_plugin_host::{GuestChange, GuestFault, GuestFaultKind, Outcome, TransformResult, Violation};
use dualwright_store::{LinkSide, Resolution};
use dualwright_sync::health::Tally;

use crate::batch::{Done, Ending, LinkEffect, Mode, Wish, Work};
use crate::map::MapContext;
use crate::settle;
use crate::shadow::Shadow;

/// Asks the map what it wants for each change; what it does not want ends in `done`.
pub(crate) async fn transform(
    map: &MapContext,
    mode: Mode,
    work: Vec<Work>,
    shadow: Option<&Shadow>,
    done: &mut Vec<Done>,
) -> Vec<(Work, Wish)> {
    if work.is_empty() {
        return Vec::new();
    }
    let batch: Vec<GuestChange> = work.iter().map(|work| guest_change(map, mode, work)).collect();
    let began = map.clock.now();
    let answers = map.logic.transform(mode.leg, mode.initial, &batch).await;
    map.note_batch(tally(&answers, batch.len(), map.clock.now().micros_since(began)));
    if let Some(shadow) = shadow {
        shadow.show(mode.leg, mode.initial, &batch, &answers);
    }
    let complete = answers.len() == work.len();
    let mut answers = answers.into_iter();
    let mut wishes = Vec::with_capacity(work.len());
    for work in work {
        match answers.next().filter(|_| complete) {
            Some(answer) => {
                if let Some(wish) = wish(map, mode, work, answer, done) {
                    wishes.push(wish);
                }
            }
            None => {
                let message = "the map gave another number of answers than it was asked for".to_owned();
                done.push(settle::dead(map, work.item, Class::Guest, "bad-answer", message, None, None));
            }
        }
    }
    wishes
}

/// What a batch showed of the map.
fn tally(answers: &[TransformResult], rows: usize, micros: u64) -> Tally {
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    let faults = answers.iter().filter(|answer| answer.is_err()).count();
    let rejects = answers.iter().filter(|answer| matches!(answer, Ok(Outcome::Reject(_)))).count();
    let faults = if answers.len() == rows { faults } else { rows };
    Tally { rows: count(rows), faults: count(faults), rejects: count(rejects), micros }
}

fn guest_change(map: &MapContext, mode: Mode, work: &Work) -> GuestChange {
    let change = &work.item.entry.change;
    if change.operation == Operation::Upsert {
        return GuestChange { operation: Operation::Upsert, record: change.record.clone() };
    }
    let source = mode.leg.source();
    let values = work.link.as_ref().map(|link| link.side(source).key.clone()).unwrap_or_default();
    let record: Record = map.side(source).selection.key.iter().cloned().zip(values).collect();
    GuestChange { operation: Operation::Delete, record }
}

fn wish(
    map: &MapContext,
    mode: Mode,
    work: Work,
    answer: TransformResult,
    done: &mut Vec<Done>,
) -> Option<(Work, Wish)> {
    match answer {
        Ok(Outcome::Upsert(cells)) => match coerce(map, mode, &cells) {
            Ok(desired) => Some((work, Wish::Upsert(desired))),
            Err(violation) => {
                done.push(refused(map, work, &[violation], Some(cells)));
                None
            }
        },
        Ok(Outcome::Delete) => Some((work, Wish::Delete)),
        Ok(Outcome::Skip(_)) => {
            done.push(skipped(map, mode, work));
            None
        }
        Ok(Outcome::Reject(violations)) => {
            done.push(refused(map, work, &violations, None));
            None
        }
        Err(fault) => {
            done.push(faulty(map, work, fault));
            None
        }
    }
}

/// The guest failed on this record.
pub(crate) fn faulty(map: &MapContext, work: Work, fault: GuestFault) -> Done {
    let code = match fault.kind {
        GuestFaultKind::Trap => "trap",
        GuestFaultKind::TimedOut => "timed-out",
        GuestFaultKind::OutOfMemory => "out-of-memory",
        GuestFaultKind::BadAnswer => "bad-answer",
    };
    settle::dead(map, work.item, Class::Guest, code, fault.message, None, None)
}

/// After a skipped deletion of a linked record (the map ignores deletions) the other side's row lives on by itself. The
/// link keeps what is known of that row, so that reading it again, unchanged, does not bring the deleted one back.
fn skipped(map: &MapContext, mode: Mode, work: Work) -> Done {
    let deleted = work.item.entry.change.operation == Operation::Delete;
    let mut done = Done::resolved(work.item, Resolution::Skipped);
    if let Some(link) = work.link {
        let mut link = settle::seen_by_source(map, mode, &done.item, link);
        if deleted {
            *link.side_mut(mode.leg.source()) = LinkSide::default();
        }
        let lives =
            [mode.leg.source(), mode.leg.target()].iter().any(|system| link.side(*system).id.is_some());
        done.link = if lives { LinkEffect::Set(Box::new(link)) } else { LinkEffect::Forget(link.lane_key) };
    }
    done
}

/// The record is refused, for these reasons.
pub(crate) fn refused(
    map: &MapContext,
    work: Work,
    violations: &[Violation],
    intended: Option<Record>,
) -> Done {
    let message =
        violations.iter().map(|violation| violation.message.as_str()).collect::<Vec<_>>().join("; ");
    let first = violations.first();
    let code = first.map_or("rejected", |violation| violation.code.as_str()).to_owned();
    let column = violations.iter().find_map(|violation| violation.field.as_ref()).map(ToString::to_string);
    let message = if message.is_empty() { "the map refused the record".to_owned() } else { message };
    let mut done = settle::dead(map, work.item, Class::Data, &code, message, column, intended);
    if let Ending::Dead(letter) = &mut done.ending {
        letter.violations = violations.iter().map(reason).collect();
    }
    done
}

fn reason(violation: &Violation) -> dualwright_store::Violation {
    dualwright_store::Violation {
        field: violation.field.as_ref().map(ToString::to_string),
        code: violation.code.clone(),
        message: violation.message.clone(),
    }
}

/// Turns what the map wrote into what the target's columns will read back as.
pub(crate) fn coerce(map: &MapContext, mode: Mode, cells: &Record) -> Result<Record, Violation> {
    map.side(mode.leg.target()).fitted(cells)
}

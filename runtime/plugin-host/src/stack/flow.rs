//! A batch on its way through a map and its layers.

use dualwright_model::{Leg, Operation, Record};

use super::{Inner, Placed};
use crate::caller::Answers;
use crate::layer::Extended;
use crate::rows::Rows;
use crate::{GuestChange, GuestFault, LayerRole, Outcome, Stage, TransformResult, Violation};

/// What a call is about, the same for all parts.
#[derive(Clone, Copy)]
struct Call<'a> {
    leg: Leg,
    initial: bool,
    rehearsal: bool,
    batch: &'a [GuestChange],
}

pub(super) async fn run(
    stack: &Inner,
    leg: Leg,
    initial: bool,
    batch: &[GuestChange],
    rehearsal: bool,
) -> Vec<TransformResult> {
    let call = Call { leg, initial, rehearsal, batch };
    let layers: Vec<&Placed> =
        stack.placed.iter().filter(|placed| placed.layer.description().leg == leg).collect();
    if layers.is_empty() {
        return map(stack, call, batch).await;
    }
    let validators = |stage: Stage| {
        let role = LayerRole::Validator { stage };
        layers.iter().copied().filter(move |placed| placed.layer.description().role == role)
    };
    // `None` stands for a record that nobody has answered for yet.
    let mut answers: Vec<Option<TransformResult>> = batch.iter().map(|_| None).collect();
    let everything: Vec<(usize, Operation, &Record)> =
        batch.iter().enumerate().map(|(place, change)| (place, change.operation, &change.record)).collect();
    for (place, answer) in judge(call, validators(Stage::Captured), &everything).await {
        set(&mut answers, place, answer);
    }
    let accepted: Vec<usize> =
        (0..batch.len()).filter(|place| answers.get(*place).is_some_and(Option::is_none)).collect();
    let changes: Vec<GuestChange> = accepted.iter().filter_map(|place| batch.get(*place).cloned()).collect();
    for (place, answer) in accepted.into_iter().zip(map(stack, call, &changes).await) {
        set(&mut answers, place, answer);
    }
    let is_extension =
        |placed: &&&Placed| matches!(placed.layer.description().role, LayerRole::Extension { .. });
    for extension in layers.iter().filter(is_extension) {
        extend(call, extension, &mut answers).await;
    }
    let written = upserts(&answers);
    let about_to_be_written: Vec<(usize, Operation, &Record)> =
        written.iter().map(|(place, record)| (*place, Operation::Upsert, record)).collect();
    for (place, answer) in judge(call, validators(Stage::Mapped), &about_to_be_written).await {
        set(&mut answers, place, answer);
    }
    answers.into_iter().flatten().collect()
}

async fn map(stack: &Inner, call: Call<'_>, changes: &[GuestChange]) -> Vec<TransformResult> {
    if call.rehearsal {
        stack.base.rehearse(call.leg, call.initial, changes).await
    } else {
        stack.base.transform(call.leg, call.initial, changes).await
    }
}

/// Asks all validators of a stage about all records; answers for those that one of them refuses, or fails on. What
/// several say of one record is put together.
async fn judge(
    call: Call<'_>,
    validators: impl Iterator<Item = &Placed>,
    records: &[(usize, Operation, &Record)],
) -> Vec<(usize, TransformResult)> {
    let mut refused: Vec<Result<Vec<Violation>, GuestFault>> =
        records.iter().map(|_| Ok(Vec::new())).collect();
    for validator in validators {
        let mut rows = Rows::with_room(records.len(), validator.layer.description().reads.len());
        for (_, operation, record) in records {
            rows.push(*operation, &[(&validator.reads, record)]);
        }
        let verdicts = validator.layer.validate(call.initial, call.rehearsal, rows).await;
        for (known, verdict) in refused.iter_mut().zip(verdicts) {
            match (known.as_mut(), verdict) {
                (Ok(violations), Ok(more)) => {
                    violations.extend(more.into_iter().map(|one| named(validator, one)))
                }
                (Ok(_), Err(fault)) => *known = Err(faulty(validator, fault)),
                (Err(_), _) => {}
            }
        }
    }
    let places = records.iter().map(|(place, _, _)| *place);
    let bad = places.zip(refused).filter(|(_, verdict)| verdict.as_ref().map_or(true, |all| !all.is_empty()));
    bad.map(|(place, verdict)| (place, verdict.map(Outcome::Reject))).collect()
}

/// Lets an extension answer for its columns of every record that is still to be written.
async fn extend(call: Call<'_>, extension: &Placed, answers: &mut [Option<TransformResult>]) {
    let written = upserts(answers);
    let mut rows =
        Rows::with_room(written.len(), extension.layer.description().reads.len() + extension.owns.len());
    for (place, record) in &written {
        if let Some(change) = call.batch.get(*place) {
            rows.push(change.operation, &[(&extension.reads, &change.record), (&extension.owned, record)]);
        }
    }
    let owns = extension.owns.clone();
    let extended: Answers<Extended> = extension.layer.extend(call.initial, call.rehearsal, rows, owns).await;
    for ((place, record), answer) in written.into_iter().zip(extended) {
        set(answers, place, after(extension, record, answer));
    }
}

fn after(extension: &Placed, mut record: Record, answer: Result<Extended, GuestFault>) -> TransformResult {
    match answer {
        Ok(Extended::Cells(cells)) => {
            for column in extension.owns.iter() {
                record.set(column.clone(), cells.get(column.as_str()).clone());
            }
            Ok(Outcome::Upsert(record))
        }
        Ok(Extended::Reject(mut violations)) => {
            if violations.is_empty() {
                violations.push(Violation {
                    field: None,
                    code: "rejected".to_owned(),
                    message: "the record was refused without a reason".to_owned(),
                });
            }
            Ok(Outcome::Reject(violations.into_iter().map(|one| named(extension, one)).collect()))
        }
        Err(fault) => Err(faulty(extension, fault)),
    }
}

/// What is to be written, and of which records.
fn upserts(answers: &[Option<TransformResult>]) -> Vec<(usize, Record)> {
    let written = answers.iter().enumerate().filter_map(|(place, answer)| match answer {
        Some(Ok(Outcome::Upsert(record))) => Some((place, record.clone())),
        _ => None,
    });
    written.collect()
}

fn set(answers: &mut [Option<TransformResult>], place: usize, answer: TransformResult) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}

/// A violation that says whose it is.
fn named(placed: &Placed, mut violation: Violation) -> Violation {
    violation.message = format!("{} ({})", violation.message, placed.layer.description());
    violation
}

/// A fault that says whose it is.
fn faulty(placed: &Placed, mut fault: GuestFault) -> GuestFault {
    fault.message = format!("the {}: {}", placed.layer.description(), fault.message);
    fault
}

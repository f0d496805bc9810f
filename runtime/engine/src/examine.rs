//! What would become of a record, asked by somebody who waits for the answer: a form that is about to be saved, a
//! synchronous step of Dataverse, an import that wants to know before it runs. Nothing is written or remembered.

use dualwright_model::{Leg, Operation, Record};
use dualwright_plugin_host::{GuestChange, GuestFault, Outcome, Violation};

use crate::EngineError;
use crate::batch::Mode;
use crate::map::MapContext;
use crate::transform::coerce;

/// What would become of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Examined {
    /// It would be written, with these cells.
    Written(Record),
    /// It would be deleted on the other side.
    Deleted,
    /// Nothing would be done, for this reason.
    Skipped(String),
    /// It would become a dead letter, for these reasons.
    Refused(Vec<Violation>),
    /// The map, or what is stacked on it, failed on it.
    Failed(GuestFault),
}

/// Runs a record through the map as it is now, whose columns are the source's own: one answer.
pub(crate) async fn examine(map: &MapContext, leg: Leg, record: Record) -> Result<Examined, EngineError> {
    let name = || map.name.to_string();
    let Some(reads) = map.description().leg(leg).map(|leg| leg.reads.clone()) else {
        let reason = format!("it has no leg {leg}");
        return Err(EngineError::Map { map: name(), reason });
    };
    let side = map.side(leg.source());
    let mode = Mode { leg, initial: false };
    let record = match side.fitted(&record) {
        Ok(record) => record,
        Err(violation) => return Ok(Examined::Refused(vec![violation])),
    };
    let inside = |column: &str| record.get(column).clone();
    if side.filter.as_ref().is_some_and(|filter| !filter.matches(&inside)) {
        return Ok(Examined::Skipped("it is outside of the map's filter".to_owned()));
    }
    let seen: Record = record
        .iter()
        .filter(|(path, _)| reads.contains(*path))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    let change = GuestChange { operation: Operation::Upsert, record: seen };
    let answer = map.logic.rehearse(leg, false, &[change]).await.into_iter().next();
    Ok(match answer {
        Some(Ok(Outcome::Upsert(cells))) => match coerce(map, mode, &cells) {
            Ok(cells) => Examined::Written(cells),
            Err(violation) => Examined::Refused(vec![violation]),
        },
        Some(Ok(Outcome::Delete)) => Examined::Deleted,
        Some(Ok(Outcome::Skip(reason))) => Examined::Skipped(reason),
        Some(Ok(Outcome::Reject(violations))) => Examined::Refused(violations),
        Some(Err(fault)) => Examined::Failed(fault),
        None => return Err(EngineError::Map { map: name(), reason: "it gave no answer".to_owned() }),
    })
}

//! Images that may be out of date are read again, and what was read is remembered before anything follows from it.

use dualwright_connect::ReadKey;
use dualwright_model::{Operation, System};
use dualwright_store::{Resolution, Settlement};

use crate::batch::{Done, Mode, Work};
use crate::judge::put_all_back;
use crate::map::MapContext;
use crate::settle::has_key;

/// Reads rows again whose captured image may predate our own last write.
pub(crate) async fn read_again(
    map: &MapContext,
    mode: Mode,
    stale: Vec<Work>,
    done: &mut Vec<Done>,
) -> Vec<Work> {
    if stale.is_empty() {
        return stale;
    }
    let source = mode.leg.source();
    let side = map.side(source);
    let keys: Vec<_> = stale
        .iter()
        .map(|work| {
            let change = &work.item.entry.change;
            let linked = work.link.as_ref().filter(|_| change.operation == Operation::Delete);
            // What a crash kept from being linked on this side is known by its event only.
            match linked.map(|link| link.side(source)).filter(|side| has_key(&side.key)) {
                Some(linked) => map.read_key(source, linked.id.as_ref(), &linked.key),
                None => map.read_key(source, Some(&change.id), &map.key_values(source, &change.record)),
            }
        })
        .collect();
    let observed_at = map.clock.now();
    let rows = match side.connector.read(&side.selection, &keys).await {
        Ok(rows) => rows,
        Err(error) => {
            put_all_back(stale.into_iter().map(|work| work.item), error.class(), &error.to_string(), done);
            return Vec::new();
        }
    };
    let mut rows = rows.into_iter();
    let read: Vec<Work> = stale
        .into_iter()
        .zip(keys)
        .filter_map(|(mut work, key)| {
            let row = rows.next().flatten();
            if row.is_none() && !is_linked(&work, source, &key) {
                // It is gone, and another row has its key and its link by now: nothing can be said of that one.
                done.push(Done::resolved(work.item, Resolution::Skipped));
                return None;
            }
            work.item.revised = true;
            let change = &mut work.item.entry.change;
            change.observed_at = observed_at;
            match row {
                Some(existing) => {
                    change.operation = Operation::Upsert;
                    change.id = existing.id;
                    change.version = existing.version;
                    change.record = existing.record;
                    change.modified_at = existing.modified_at;
                }
                None => change.operation = Operation::Delete,
            }
            Some(work)
        })
        .collect();
    keep(map, read, done).await
}

/// Whether the row that was read by this key is the one that the link knows, as far as that can be told.
fn is_linked(work: &Work, source: System, key: &ReadKey) -> bool {
    let linked = work.link.as_ref().and_then(|link| link.side(source).id.as_ref());
    !matches!((key, linked), (ReadKey::Id(read), Some(linked)) if read != linked)
}

/// I4: what is tried must be what is tried again after a crash. Something newer still would take our own write, which
/// nothing remembers yet, for an edit of the other side. A row of an initial sync is not journalled, and need not be:
/// there the master wins.
async fn keep(map: &MapContext, read: Vec<Work>, done: &mut Vec<Done>) -> Vec<Work> {
    let revised: Vec<_> =
        read.iter().filter_map(|work| Some((work.item.sequence?, work.item.entry.change.clone()))).collect();
    if revised.is_empty() {
        return read;
    }
    match map.store.settle(Settlement { revised, ..Settlement::default() }).await {
        Ok(()) => read,
        Err(error) => {
            put_all_back(read.into_iter().map(|work| work.item), error.class(), &error.to_string(), done);
            Vec::new()
        }
    }
}

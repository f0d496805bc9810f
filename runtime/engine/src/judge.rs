//! What is this change: our own echo, out of date, none of this map's business, or real?

use dualwright_model::{Operation, System, Timestamp};
use dualwright_plugin_host::LeavePolicy;
use dualwright_store::{Link, LinkKey, Resolution, StoreError};
use dualwright_sync::echo::{self, Image, Known, Verdict};

use crate::batch::{Done, Ending, Item, LinkEffect, Mode, Work};
use crate::map::MapContext;
use crate::read_again::read_again;
use crate::settle;

/// Sorts a batch: what ends here goes to `done`, what is real is returned.
pub(crate) async fn judge(map: &MapContext, mode: Mode, items: Vec<Item>, done: &mut Vec<Done>) -> Vec<Work> {
    let mut work = Vec::with_capacity(items.len());
    let mut stale = Vec::new();
    for linked in find_links(map, mode, items, done).await {
        match first_look(map, mode, linked) {
            Seen::Done(ended) => done.push(*ended),
            Seen::Real(real) => work.push(*real),
            Seen::Stale(again) => stale.push(*again),
        }
    }
    for linked in read_again(map, mode, stale, done).await {
        // The image is younger than every write of ours, so it cannot be stale once more; and a row that was just
        // seen to be gone is gone.
        match first_look(map, mode, linked) {
            Seen::Done(ended) => done.push(*ended),
            Seen::Real(real) | Seen::Stale(real) => work.push(*real),
        }
    }
    work.into_iter().filter_map(|real| belongs(map, mode, real, done)).collect()
}

enum Seen {
    Done(Box<Done>),
    Real(Box<Work>),
    Stale(Box<Work>),
}

async fn find_links(map: &MapContext, mode: Mode, items: Vec<Item>, done: &mut Vec<Done>) -> Vec<Work> {
    let source = mode.leg.source();
    let keys: Vec<LinkKey> = items
        .iter()
        .flat_map(|item| {
            let entry = &item.entry;
            [
                LinkKey::Id(source, entry.change.id.clone()),
                LinkKey::Key(entry.key.clone()),
                LinkKey::Lane(entry.key.to_string()),
            ]
        })
        .collect();
    let links = match map.store.links(&map.name, &keys).await {
        Ok(links) => links,
        Err(error) => {
            put_all_back(items, error.class(), &error.to_string(), done);
            return Vec::new();
        }
    };
    let mut found = links.into_iter();
    let mut work: Vec<Work> = items
        .into_iter()
        .map(|item| {
            let by_id = found.next().flatten();
            let by_key = found.next().flatten().filter(|_| !item.entry.key.is_blank());
            let lane_taken = found.next().flatten();
            let link = by_id.or(by_key);
            let key_text = item.entry.key.to_string();
            // The lane of a link is for ever: a record that takes over the former key of a renamed one needs its own.
            let new_lane_key = match lane_taken {
                Some(other) if link.as_ref().is_none_or(|link| link.lane_key != other.lane_key) => {
                    format!("{key_text}#{}", item.entry.change.id)
                }
                _ => key_text,
            };
            Work { item, link, new_lane_key, buried_at: None, near_miss: false, edited: true }
        })
        .collect();
    match find_tombstones(map, &mut work).await {
        Ok(()) => work,
        Err(error) => {
            put_all_back(work.into_iter().map(|work| work.item), error.class(), &error.to_string(), done);
            Vec::new()
        }
    }
}

/// Records without a link may have had one: when it was forgotten tells ghosts from newcomers.
async fn find_tombstones(map: &MapContext, work: &mut [Work]) -> Result<(), StoreError> {
    let mut unlinked: Vec<&mut Work> = work.iter_mut().filter(|work| work.link.is_none()).collect();
    let lane_keys: Vec<String> = unlinked
        .iter()
        .flat_map(|work| [work.item.entry.lane_key.clone(), work.item.entry.key.to_string()])
        .collect();
    let tombstones = map.store.tombstones(&map.name, &lane_keys).await?;
    for (work, moments) in unlinked.iter_mut().zip(tombstones.chunks(2)) {
        work.buried_at = moments.iter().copied().flatten().max();
    }
    Ok(())
}

pub(crate) fn put_all_back(
    items: impl IntoIterator<Item = Item>,
    class: dualwright_diagnostics::Class,
    reason: &str,
    done: &mut Vec<Done>,
) {
    done.extend(items.into_iter().map(|item| Done::new(item, Ending::PutBack(class, reason.to_owned()))));
}

fn first_look(map: &MapContext, mode: Mode, mut work: Work) -> Seen {
    let source = mode.leg.source();
    let change = &work.item.entry.change;
    if change.observed_at == Timestamp::default() {
        // A dead letter that is replayed: much may have happened to the row since.
        return Seen::Stale(Box::new(work));
    }
    let Some(link) = &work.link else {
        if change.operation == Operation::Delete {
            let ours = map.deleted_by_us(source, &change.id);
            let resolution = if ours { Resolution::Echo } else { Resolution::Skipped };
            return Seen::Done(Box::new(Done::resolved(work.item, resolution)));
        }
        if work.buried_at.is_some_and(|buried_at| change.observed_at <= buried_at) {
            // The image of a row that was deleted since must not bring it back.
            return Seen::Stale(Box::new(work));
        }
        return Seen::Real(Box::new(work));
    };
    if change.operation == Operation::Delete {
        // Deletions cannot be undone, and the row may have come back under the same key since: look before leaping.
        let confirmed = work.item.revised;
        return if confirmed { Seen::Real(Box::new(work)) } else { Seen::Stale(Box::new(work)) };
    }
    let side = link.side(source);
    let image = Image {
        record: &change.record,
        key: &map.side(source).selection.key,
        version: change.version.as_ref(),
        observed_at: change.observed_at,
    };
    let known =
        Known { fingerprint: &side.fingerprint, version: side.version.as_ref(), written_at: side.written_at };
    work.edited = side.fingerprint.is_empty() || echo::is_edited(image, known);
    match echo::judge(image, known) {
        // A change that waited for a lookup is not through, although its image is known; nor is one that is to go through
        // another version of the map.
        Verdict::Echo
            if work.item.entry.again
                || work.item.history.as_ref().is_some_and(|wait| wait.lookup.is_some()) =>
        {
            Seen::Real(Box::new(work))
        }
        Verdict::Echo => Seen::Done(Box::new(echo_of(map, source, work))),
        Verdict::Stale => Seen::Stale(Box::new(work)),
        Verdict::Real => Seen::Real(Box::new(work)),
        Verdict::NearMiss => {
            work.near_miss = true;
            Seen::Real(Box::new(work))
        }
    }
}

/// Drops an echo, and learns the row's version from it when the image is younger than our write.
fn echo_of(map: &MapContext, source: System, work: Work) -> Done {
    let Work { item, link, .. } = work;
    let mut done = Done::resolved(item, Resolution::Echo);
    if let Some(mut link) = link {
        let change = &done.item.entry.change;
        let side = link.side_mut(source);
        let young = side.written_at.is_none_or(|written_at| change.observed_at > written_at);
        let columns = &map.side(source).selection.key;
        let complete = side.fingerprint.agrees_with(&change.record, columns);
        let learned = !complete
            || side.id.as_ref() != Some(&change.id)
            || (change.version.is_some() && side.version != change.version);
        if young && learned {
            side.id = Some(change.id.clone());
            side.version.clone_from(&change.version);
            side.key = map.key_values(source, &change.record);
            side.fingerprint.merge(&change.record, columns);
            link.updated_at = map.clock.now();
            done.link = LinkEffect::Set(Box::new(link));
        }
    }
    done
}

/// Applies the map's filter and asks for a usable key.
fn belongs(map: &MapContext, mode: Mode, mut work: Work, done: &mut Vec<Done>) -> Option<Work> {
    let source = mode.leg.source();
    if work.item.entry.change.operation == Operation::Delete {
        return Some(work);
    }
    let record = &work.item.entry.change.record;
    let inside = map
        .side(source)
        .filter
        .as_ref()
        .is_none_or(|filter| filter.matches(&|column: &str| record.get(column).clone()));
    if !inside {
        let policy = map.description().leg(mode.leg).map(|leg| leg.on_leave);
        if work.link.is_some() && policy == Some(LeavePolicy::Delete) {
            work.item.entry.change.operation = Operation::Delete;
            return Some(work);
        }
        done.push(Done::resolved(work.item, Resolution::Skipped));
        return None;
    }
    let key = map.key_of(source, record);
    if key.parts().iter().any(String::is_empty) {
        done.push(without_key(map, mode, work));
        return None;
    }
    work.item.entry.key = key;
    Some(work)
}

/// A row without its full natural key cannot be recognised on the other side: one that never was linked is not this
/// map's business (dual-write calls such rows not eligible), one that was lost its identity and needs a person.
fn without_key(map: &MapContext, mode: Mode, work: Work) -> Done {
    if work.link.is_none() {
        return Done::resolved(work.item, Resolution::Skipped);
    }
    let columns: Vec<&str> = map.side(mode.leg.source()).selection.key.iter().map(|c| c.as_str()).collect();
    let message = format!(
        "the record was synchronised and now has an empty key ({}); fill its key again, then retry",
        columns.join(", ")
    );
    settle::dead(map, work.item, dualwright_diagnostics::Class::Data, "blank-key", message, None, None)
}

/// The link, if the item's record has one, as lanes see it.
pub(crate) fn lane_of(link: Option<&Link>, key_text: &str) -> String {
    link.map_or_else(|| key_text.to_owned(), |link| link.lane_key.clone())
}

//! One record's story, and doing again what a bad version did.

use dualwright_model::{Change, IntegrationKey, Leg, Operation, Record, RecordId, System, Timestamp};
use dualwright_store::{
    Activity, Capture, DeadLetter, DeadLetterFilter, Entry, Link, LinkKey, NewEntry, Sequence, Writer,
};

use crate::EngineError;
use crate::map::MapContext;

/// Links, entries or letters looked at together.
const PAGE: usize = 500;
/// Lines of the activity log that are searched for a record.
const LINES: usize = 5000;

/// Everything that is known of one record.
#[derive(Clone, Debug)]
pub struct RecordStory {
    /// What links its two sides, with who wrote each of them last; `None` when it was never synchronised, or is gone.
    pub link: Option<Link>,
    /// What is captured and not settled.
    pub pending: Vec<Entry>,
    /// What could not be applied.
    pub dead_letters: Vec<DeadLetter>,
    /// What the activity log says of its key, newest first.
    pub activities: Vec<Activity>,
}

pub(crate) async fn story(map: &MapContext, key: &IntegrationKey) -> Result<RecordStory, EngineError> {
    let link = map.store.links(&map.name, &[LinkKey::Key(key.clone())]).await?.into_iter().flatten().next();
    let lane = link.as_ref().map(|link| link.lane_key.clone());
    let is_meant =
        |entry: &NewEntry| entry.key == *key || lane.as_ref().is_some_and(|lane| *lane == entry.lane_key);
    let mut pending = Vec::new();
    let mut after = Sequence(0);
    loop {
        let page = map.store.pending(&map.name, after, PAGE).await?;
        let full = page.len() == PAGE;
        after = page.last().map_or(after, |entry| entry.sequence);
        pending.extend(page.into_iter().filter(|entry| is_meant(&entry.entry)));
        if !full {
            break;
        }
    }
    let mut dead_letters = Vec::new();
    let mut filter = DeadLetterFilter { map: Some(map.name.clone()), ..DeadLetterFilter::default() };
    loop {
        let page = map.store.dead_letters(&filter, PAGE).await?;
        let full = page.len() == PAGE;
        filter.after = page.last().map(|letter| letter.id).or(filter.after);
        dead_letters.extend(page.into_iter().filter(|letter| is_meant(&letter.letter.entry)));
        if !full {
            break;
        }
    }
    let text = key.to_string();
    let mut activities = map.store.activities(Some(&map.name), LINES).await?;
    activities.retain(|line| tells_of(&line.message, &text));
    Ok(RecordStory { link, pending, dead_letters, activities })
}

/// Whether a line of the activity log is about the record with this key, and not about one whose key begins alike.
fn tells_of(message: &str, key: &str) -> bool {
    message.contains(&format!("the record with key {key};"))
}

/// Puts every row that a version wrote last back into the journal, to go through the map as it is now. Answers how many.
pub(crate) async fn reapply(map: &MapContext, which: &str) -> Result<usize, EngineError> {
    let mut count = 0;
    let mut after: Option<String> = None;
    loop {
        let links = map.store.links_after(&map.name, after.as_deref(), PAGE).await?;
        let full = links.len() == PAGE;
        after = links.last().map(|link| link.lane_key.clone());
        let entries: Vec<NewEntry> = links.iter().flat_map(|link| again(map, link, which)).collect();
        count += entries.len();
        if !entries.is_empty() {
            map.store.capture(Capture { entries, checkpoint: None }).await?;
            map.captured.notify_one();
        }
        if !full {
            return Ok(count);
        }
    }
}

/// The entries for those sides of a record that the version wrote last.
fn again<'a>(map: &'a MapContext, link: &'a Link, which: &'a str) -> impl Iterator<Item = NewEntry> + 'a {
    Leg::ALL.into_iter().filter(move |leg| wrote(link.side(leg.target()).writer.as_ref(), which)).map(
        move |leg| NewEntry {
            map: map.name.clone(),
            leg,
            lane_key: link.lane_key.clone(),
            key: link.key.clone(),
            change: unread(map, link, leg.source()),
            again: true,
        },
    )
}

/// By version, or by the beginning of the digest, which must be long enough to mean one component.
fn wrote(writer: Option<&Writer>, which: &str) -> bool {
    writer.is_some_and(|writer| {
        // With layers it names every part: `1.0.0 + customer-loyalty 1.2.0`.
        let is_part = writer.map_version.split(" + ").any(|part| part == which);
        is_part
            || writer.map_version == which
            || (which.len() >= 8 && writer.digest.as_str().starts_with(which))
    })
}

/// A change that was never observed: whoever takes it up reads the row first.
fn unread(map: &MapContext, link: &Link, source: System) -> Change {
    let side = link.side(source);
    let key = map.side(source).selection.key.iter().cloned().zip(side.key.iter().cloned());
    Change {
        operation: Operation::Upsert,
        id: side.id.clone().unwrap_or_else(|| RecordId(link.key.to_string())),
        version: None,
        record: key.collect::<Record>(),
        modified_at: None,
        observed_at: Timestamp::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::tells_of;

    #[test]
    fn a_line_tells_of_one_record() {
        let line = "both sides changed the record with key usmf|v-10; name stays as Dataverse has it";
        assert!(tells_of(line, "usmf|v-10"));
        assert!(!tells_of(line, "usmf|v-1"));
        assert!(!tells_of(line, "v-10"));
    }
}

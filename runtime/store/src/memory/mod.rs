//! A store in memory, for tests and simulation. Nothing survives the process; everything else is as in the real one.

mod link;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dualwright_model::{Change, Leg, MapName, Operation, Timestamp};

use self::link::Links;
use crate::{
    Activity, Capture, Checkpoint, DeadLetter, DeadLetterFilter, DeadLetterId, Entry, EntryState, FeedId,
    Link, LinkKey, MapCounters, MapStateRecord, NewEntry, RECORDED, Resolution, Sequence, Settlement, Store,
    StoreError, Unlinked,
};

/// The whole store behind one lock, which makes every call atomic.
#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last_sequence: u64,
    last_letter: u64,
    journal: BTreeMap<Sequence, Entry>,
    recorded: BTreeMap<(MapName, Leg), BTreeMap<Sequence, Change>>,
    checkpoints: BTreeMap<FeedId, String>,
    links: Links,
    tombstones: BTreeMap<(MapName, String), Timestamp>,
    letters: BTreeMap<DeadLetterId, DeadLetter>,
    counters: BTreeMap<(MapName, Leg), MapCounters>,
    states: BTreeMap<MapName, MapStateRecord>,
    activities: Vec<Activity>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn counter(&mut self, map: &MapName, leg: Leg) -> &mut MapCounters {
        self.counters.entry((map.clone(), leg)).or_default()
    }

    fn append(&mut self, entries: Vec<NewEntry>) -> Vec<Sequence> {
        entries
            .into_iter()
            .map(|entry| {
                self.last_sequence += 1;
                let sequence = Sequence(self.last_sequence);
                let counter = self.counter(&entry.map, entry.leg);
                counter.captured += 1;
                counter.pending += 1;
                self.journal
                    .insert(sequence, Entry { sequence, entry, state: EntryState::Ready, revised: false });
                sequence
            })
            .collect()
    }

    fn set_checkpoint(&mut self, checkpoint: Checkpoint) {
        match checkpoint.position {
            Some(position) => self.checkpoints.insert(checkpoint.feed, position),
            None => self.checkpoints.remove(&checkpoint.feed),
        };
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn capture(&self, capture: Capture) -> Result<Vec<Sequence>, StoreError> {
        let mut inner = self.lock();
        let sequences = inner.append(capture.entries);
        if let Some(checkpoint) = capture.checkpoint {
            inner.set_checkpoint(checkpoint);
        }
        Ok(sequences)
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for (sequence, resolution) in settlement.resolved {
            if let Some(entry) = inner.journal.remove(&sequence) {
                let counter = inner.counter(&entry.entry.map, entry.entry.leg);
                counter.pending -= 1;
                *counter.resolved.entry(resolution).or_default() += 1;
                if resolution != Resolution::Echo {
                    let NewEntry { map, leg, change, .. } = entry.entry;
                    let recorded = inner.recorded.entry((map, leg)).or_default();
                    recorded.insert(sequence, change);
                    if recorded.len() > RECORDED {
                        recorded.pop_first();
                    }
                }
            }
        }
        for (sequence, wait) in settlement.waiting {
            if let Some(entry) = inner.journal.get_mut(&sequence) {
                entry.state = EntryState::Waiting(wait);
            }
        }
        for (sequence, change) in settlement.revised {
            if let Some(entry) = inner.journal.get_mut(&sequence) {
                entry.entry.change = change;
                entry.revised = true;
            }
        }
        for Unlinked { map, lane_key, at } in settlement.unlinked {
            inner.links.forget(&map, &lane_key);
            let tombstone = inner.tombstones.entry((map, lane_key)).or_insert(at);
            *tombstone = at.max(*tombstone);
        }
        for link in settlement.links {
            inner.links.set(link);
        }
        for letter in settlement.dead_letters {
            inner.last_letter += 1;
            let id = DeadLetterId(inner.last_letter);
            inner.letters.insert(id, DeadLetter { id, letter });
        }
        for checkpoint in settlement.checkpoints {
            inner.set_checkpoint(checkpoint);
        }
        for (map, leg, resolution, count) in settlement.counted {
            *inner.counter(&map, leg).resolved.entry(resolution).or_default() += count;
        }
        for (map, leg, count) in settlement.near_misses {
            inner.counter(&map, leg).near_misses += count;
        }
        inner.activities.extend(settlement.activities);
        Ok(())
    }

    async fn pending(&self, map: &MapName, after: Sequence, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let inner = self.lock();
        let later = inner.journal.range(Sequence(after.0.saturating_add(1))..).map(|(_, entry)| entry);
        Ok(later.filter(|entry| entry.entry.map == *map).take(limit).cloned().collect())
    }

    async fn recorded(&self, map: &MapName, leg: Leg, limit: usize) -> Result<Vec<Change>, StoreError> {
        let inner = self.lock();
        let of_leg = inner.recorded.get(&(map.clone(), leg)).into_iter().flatten().rev();
        let upserts = of_leg.map(|(_, change)| change).filter(|change| change.operation == Operation::Upsert);
        Ok(upserts.take(limit).cloned().collect())
    }

    async fn links(&self, map: &MapName, keys: &[LinkKey]) -> Result<Vec<Option<Link>>, StoreError> {
        let inner = self.lock();
        Ok(keys.iter().map(|key| inner.links.find(map, key).cloned()).collect())
    }

    async fn tombstones(
        &self,
        map: &MapName,
        lane_keys: &[String],
    ) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let inner = self.lock();
        let find = |lane_key: &String| inner.tombstones.get(&(map.clone(), lane_key.clone())).copied();
        Ok(lane_keys.iter().map(find).collect())
    }

    async fn links_after(
        &self,
        map: &MapName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        Ok(self.lock().links.after(map, after, limit))
    }

    async fn checkpoint(&self, feed: &FeedId) -> Result<Option<String>, StoreError> {
        Ok(self.lock().checkpoints.get(feed).cloned())
    }

    async fn counters(&self, map: &MapName) -> Result<BTreeMap<Leg, MapCounters>, StoreError> {
        let inner = self.lock();
        let of_map = inner.counters.iter().filter(|((of, _), _)| of == map);
        Ok(of_map.map(|((_, leg), counters)| (*leg, counters.clone())).collect())
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let inner = self.lock();
        let wanted = |dead: &&DeadLetter| {
            filter.after.is_none_or(|after| dead.id > after)
                && filter.map.as_ref().is_none_or(|map| dead.letter.entry.map == *map)
                && filter.code.as_ref().is_none_or(|code| dead.letter.code == *code)
        };
        Ok(inner.letters.values().filter(wanted).take(limit).cloned().collect())
    }

    async fn replay(&self, ids: &[DeadLetterId]) -> Result<usize, StoreError> {
        let mut inner = self.lock();
        let entries: Vec<NewEntry> = ids
            .iter()
            .filter_map(|id| inner.letters.remove(id))
            .map(|dead| dead.letter.into_replay())
            .collect();
        Ok(inner.append(entries).len())
    }

    async fn discard(&self, ids: &[DeadLetterId]) -> Result<usize, StoreError> {
        let mut inner = self.lock();
        Ok(ids.iter().filter_map(|id| inner.letters.remove(id)).count())
    }

    async fn map_states(&self) -> Result<Vec<MapStateRecord>, StoreError> {
        Ok(self.lock().states.values().cloned().collect())
    }

    async fn set_map_state(&self, state: MapStateRecord, activity: Activity) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.states.insert(state.map.clone(), state);
        inner.activities.push(activity);
        Ok(())
    }

    async fn activities(&self, map: Option<&MapName>, limit: usize) -> Result<Vec<Activity>, StoreError> {
        let inner = self.lock();
        let of_map = inner.activities.iter().rev().filter(|line| map.is_none() || line.map.as_ref() == map);
        Ok(of_map.take(limit).cloned().collect())
    }
}

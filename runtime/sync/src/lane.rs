//! What may be in flight, and what is held back.
//!
//! A lane is all entries of one record, in journal order. At most one entry of a lane is in flight, and a waiting
//! entry holds back its own lane only (I2).

use std::collections::{BTreeSet, HashMap, VecDeque};

use dualwright_model::Timestamp;

/// The place of an entry in the journal.
pub type Place = u64;

#[derive(Debug)]
enum Head {
    Ready,
    InFlight,
    Waiting(Timestamp),
}

#[derive(Debug)]
struct Lane {
    queue: VecDeque<Place>,
    head: Head,
}

/// The lanes of one map.
#[derive(Debug, Default)]
pub struct Lanes {
    lanes: HashMap<String, Lane>,
    lane_of: HashMap<Place, String>,
    ready: BTreeSet<Place>,
    waiting: BTreeSet<(Timestamp, Place)>,
}

impl Lanes {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an entry in at the end of its lane. Entries must be admitted in journal order. `not_before` is the wait
    /// that was stored for it, if any. An entry that is in already is left alone.
    pub fn admit(&mut self, place: Place, lane_key: &str, not_before: Option<Timestamp>) {
        if self.lane_of.contains_key(&place) {
            return;
        }
        self.lane_of.insert(place, lane_key.to_owned());
        if let Some(lane) = self.lanes.get_mut(lane_key) {
            lane.queue.push_back(place);
            return;
        }
        let head = match not_before {
            Some(moment) => {
                self.waiting.insert((moment, place));
                Head::Waiting(moment)
            }
            None => {
                self.ready.insert(place);
                Head::Ready
            }
        };
        self.lanes.insert(lane_key.to_owned(), Lane { queue: VecDeque::from([place]), head });
    }

    /// Up to `limit` entries that may run now, oldest first, each from another lane. They are in flight until
    /// [`finish`](Self::finish), [`postpone`](Self::postpone) or [`put_back`](Self::put_back).
    pub fn take(&mut self, now: Timestamp, limit: usize) -> Vec<Place> {
        self.wake_due(now);
        let places: Vec<Place> = self.ready.iter().copied().take(limit).collect();
        for place in &places {
            self.ready.remove(place);
            if let Some(lane) = self.lane_mut(*place) {
                lane.head = Head::InFlight;
            }
        }
        places
    }

    /// The entry has ended: the next of its lane may run.
    pub fn finish(&mut self, place: Place) {
        let Some(key) = self.lane_of.remove(&place) else { return };
        self.ready.remove(&place);
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        if let Head::Waiting(moment) = lane.head {
            self.waiting.remove(&(moment, place));
        }
        lane.queue.retain(|queued| *queued != place);
        match lane.queue.front() {
            Some(next) => {
                lane.head = Head::Ready;
                self.ready.insert(*next);
            }
            None => {
                self.lanes.remove(&key);
            }
        }
    }

    /// The entry must wait; it stays the head of its lane and holds back only that lane.
    pub fn postpone(&mut self, place: Place, until: Timestamp) {
        self.ready.remove(&place);
        if let Some(lane) = self.lane_mut(place) {
            lane.head = Head::Waiting(until);
            self.waiting.insert((until, place));
        }
    }

    /// The entry was not tried after all: it may run again at once.
    pub fn put_back(&mut self, place: Place) {
        if let Some(lane) = self.lane_mut(place) {
            lane.head = Head::Ready;
            self.ready.insert(place);
        }
    }

    /// Ends the wait of an entry early, when it is waiting.
    pub fn wake(&mut self, place: Place) {
        let Some(lane) = self.lane_mut(place) else { return };
        if let Head::Waiting(moment) = lane.head {
            lane.head = Head::Ready;
            self.waiting.remove(&(moment, place));
            self.ready.insert(place);
        }
    }

    /// The moment at which the next wait ends.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(moment, _)| *moment)
    }

    /// How many entries could run now if waits that are over were counted.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// How many entries are in.
    pub fn len(&self) -> usize {
        self.lane_of.len()
    }

    /// Whether no entry is in.
    pub fn is_empty(&self) -> bool {
        self.lane_of.is_empty()
    }

    fn wake_due(&mut self, now: Timestamp) {
        while let Some((moment, place)) = self.waiting.first().copied() {
            if moment > now {
                return;
            }
            self.wake(place);
            self.waiting.remove(&(moment, place));
        }
    }

    fn lane_mut(&mut self, place: Place) -> Option<&mut Lane> {
        let key = self.lane_of.get(&place)?;
        self.lanes.get_mut(key).filter(|lane| lane.queue.front() == Some(&place))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use dualwright_model::Timestamp;
    use proptest::prelude::*;

    use super::Lanes;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn a_waiting_entry_holds_back_only_its_own_key() {
        let mut lanes = Lanes::new();
        lanes.admit(1, "a", None);
        lanes.admit(2, "a", None);
        lanes.admit(3, "b", None);
        assert_eq!(lanes.take(at(0), 10), vec![1, 3]);
        lanes.postpone(1, at(100));
        lanes.finish(3);
        assert_eq!(lanes.take(at(50), 10), Vec::<u64>::new());
        assert_eq!(lanes.take(at(100), 10), vec![1]);
        lanes.finish(1);
        assert_eq!(lanes.take(at(100), 10), vec![2]);
    }

    proptest! {
        /// I2: whatever happens, each lane ends in order, one at a time, and nothing is forgotten.
        #[test]
        fn every_lane_ends_in_order(
            keys in prop::collection::vec(0_u8..5, 1..60),
            moves in prop::collection::vec((0_u8..4, 1_usize..8), 0..200),
        ) {
            let mut lanes = Lanes::new();
            let mut now = 0;
            let mut flight: Vec<u64> = Vec::new();
            let mut ended: HashMap<u8, Vec<u64>> = HashMap::new();
            let key_of = |place: u64| keys[usize::try_from(place).unwrap()];
            for (place, key) in keys.iter().enumerate() {
                lanes.admit(place as u64, &key.to_string(), None);
            }
            let mut script = moves.into_iter();
            let mut rounds = 0;
            while !lanes.is_empty() {
                rounds += 1;
                prop_assert!(rounds < 10_000, "an entry was forgotten");
                let (action, count) = script.next().unwrap_or((0, 8));
                now += 1;
                flight.extend(lanes.take(at(now), count));
                let distinct: HashSet<u8> = flight.iter().map(|place| key_of(*place)).collect();
                prop_assert_eq!(distinct.len(), flight.len(), "two of one lane in flight");
                let Some(place) = flight.pop() else { continue };
                match action {
                    1 => lanes.postpone(place, at(now + 3)),
                    2 => lanes.put_back(place),
                    3 => { lanes.postpone(place, at(now + 100)); lanes.wake(place); }
                    _ => { lanes.finish(place); ended.entry(key_of(place)).or_default().push(place); }
                }
            }
            for places in ended.values() {
                prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
            }
            prop_assert_eq!(ended.values().map(Vec::len).sum::<usize>(), keys.len());
        }
    }
}

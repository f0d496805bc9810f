//! One map's worker: takes ready entries from its lanes, runs them, settles them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use dualwright_model::{Leg, RecordId, Timestamp};
use dualwright_store::{Activity, Entry, EntryState, LinkKey, Sequence};
use dualwright_sync::lane::Lanes;
use dualwright_sync::map_state::Request;
use dualwright_sync::park::{Parking, Target};
use tokio::sync::{broadcast, watch};

use crate::backoff::Backoff;
use crate::batch::{self, Done, Item, Mode};
use crate::judge::lane_of;
use crate::map::MapContext;
use crate::settle::{self, Aftermath};
use crate::shadow::Shadow;
use crate::versions::Versions;
use crate::{EngineError, supervisor};

/// How many entries are held ready in memory, in batches.
const WINDOW_BATCHES: usize = 4;
/// How long without anything to do before the state is looked at again.
const IDLE: Duration = Duration::from_secs(5);
/// The window in which dead letters are counted, in microseconds.
const DEAD_WINDOW_MICROS: i64 = 5 * 60 * 1_000_000;

pub(crate) struct Worker {
    versions: Arc<Versions>,
    /// The version at work, since the last batch began.
    map: Arc<MapContext>,
    lanes: Lanes,
    items: HashMap<u64, Item>,
    /// Lanes of records whose entries are in, by side and id: a record whose link is not made yet keeps its lane.
    lane_by_id: HashMap<(Leg, RecordId), (String, usize)>,
    parking: Parking,
    admitted: Sequence,
    drained: bool,
    backoff: Backoff,
    /// Until when a system that does not answer is left alone.
    resting_until: Option<Timestamp>,
    dead: VecDeque<(Timestamp, u32)>,
}

impl Worker {
    pub(crate) fn new(versions: Arc<Versions>) -> Self {
        Self {
            map: versions.now(),
            versions,
            lanes: Lanes::new(),
            items: HashMap::new(),
            lane_by_id: HashMap::new(),
            parking: Parking::default(),
            admitted: Sequence(0),
            drained: false,
            backoff: Backoff::default(),
            resting_until: None,
            dead: VecDeque::new(),
        }
    }

    /// Works until told to stop; finishes the batch in flight first.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), EngineError> {
        let captured = Arc::clone(&self.map.captured);
        let mut arrivals = self.map.arrivals.subscribe();
        let mut state = self.map.state.subscribe();
        while !*stop.borrow() {
            self.hear_arrivals(&mut arrivals);
            // I8: here, between batches, and nowhere else.
            self.map = self.versions.now();
            let applies = state.borrow().0.applies();
            if applies && !self.rests() {
                self.fill().await?;
                if self.step().await? {
                    continue;
                }
                self.caught_up().await?;
            }
            let pause = self.pause();
            tokio::select! {
                () = captured.notified() => self.drained = false,
                heard = arrivals.recv() => self.wake(heard.ok()),
                _ = state.changed() => {}
                _ = stop.changed() => {}
                () = tokio::time::sleep(pause) => self.drained = false,
            }
        }
        Ok(())
    }

    fn rests(&mut self) -> bool {
        self.resting_until = self.resting_until.filter(|until| *until > self.map.clock.now());
        self.resting_until.is_some()
    }

    fn pause(&self) -> Duration {
        let now = self.map.clock.now();
        let Some(wake) = self.resting_until.or_else(|| self.lanes.next_wake()) else { return IDLE };
        let micros = u64::try_from(wake.as_micros().saturating_sub(now.as_micros())).unwrap_or(0);
        Duration::from_micros(micros.max(1000)).min(IDLE)
    }

    /// Admits journal entries until the window is full.
    async fn fill(&mut self) -> Result<(), EngineError> {
        let batch = self.map.settings.batch_rows;
        while !self.drained && self.lanes.ready() < batch * WINDOW_BATCHES {
            let entries = self.map.store.pending(&self.map.name, self.admitted, batch * 2).await?;
            self.drained = entries.len() < batch * 2;
            self.admit(entries).await?;
        }
        Ok(())
    }

    async fn admit(&mut self, entries: Vec<Entry>) -> Result<(), EngineError> {
        let keys: Vec<LinkKey> = entries
            .iter()
            .flat_map(|entry| {
                let (leg, entry) = (entry.entry.leg, &entry.entry);
                [LinkKey::Id(leg.source(), entry.change.id.clone()), LinkKey::Key(entry.key.clone())]
            })
            .collect();
        let mut links = self.map.store.links(&self.map.name, &keys).await?.into_iter();
        for entry in entries {
            let by_id = links.next().flatten();
            let by_key = links.next().flatten().filter(|_| !entry.entry.key.is_blank());
            self.admitted = self.admitted.max(entry.sequence);
            let known_as = (entry.entry.leg, entry.entry.change.id.clone());
            let lane = match self.lane_by_id.get(&known_as) {
                Some((lane, _)) => lane.clone(),
                None => lane_of(by_id.or(by_key).as_ref(), &entry.entry.lane_key),
            };
            self.hold_lane(known_as, lane.clone());
            let history = match entry.state {
                EntryState::Ready => None,
                EntryState::Waiting(wait) => Some(wait),
            };
            let place = entry.sequence.0;
            self.lanes.admit(place, &lane, history.as_ref().map(|wait| wait.not_before));
            let sequence = Some(entry.sequence);
            self.items.insert(place, Item { sequence, entry: entry.entry, revised: entry.revised, history });
        }
        Ok(())
    }

    /// Runs one batch of each leg; answers whether there was one.
    async fn step(&mut self) -> Result<bool, EngineError> {
        let places = self.lanes.take(self.map.clock.now(), self.map.settings.batch_rows);
        if places.is_empty() {
            return Ok(false);
        }
        let mut legs: [Vec<Item>; 2] = [Vec::new(), Vec::new()];
        for place in places {
            if let Some(item) = self.items.get(&place) {
                self.parking.leave(place);
                let [to_dataverse, to_finops] = &mut legs;
                match item.entry.leg {
                    Leg::ToDataverse => to_dataverse.push(item.clone()),
                    Leg::ToFinops => to_finops.push(item.clone()),
                }
            }
        }
        let [to_dataverse, to_finops] = legs;
        let map = Arc::clone(&self.map);
        let shadow = self.versions.shadow();
        let (one, two) = tokio::join!(
            run_leg(&map, Leg::ToDataverse, to_dataverse, shadow.as_deref()),
            run_leg(&map, Leg::ToFinops, to_finops, shadow.as_deref())
        );
        let mut trouble = None;
        for (leg, done) in [(Leg::ToDataverse, one), (Leg::ToFinops, two)] {
            if done.is_empty() {
                continue;
            }
            let places: Vec<u64> = done.iter().filter_map(|done| done.item.sequence).map(|s| s.0).collect();
            let mode = Mode { leg, initial: false };
            let aftermath = settle::settle(&self.map, mode, done, Vec::new()).await?;
            trouble = self.after(&places, aftermath).await?.or(trouble);
        }
        match trouble {
            Some(reason) => {
                let pause = self.backoff.next_pause();
                tracing::warn!(map = %self.map.name, ?pause, reason, "a system is not answering; trying again");
                let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                self.resting_until = Some(self.map.clock.now().plus_millis(millis));
            }
            None => self.backoff.succeeded(),
        }
        self.versions.watch().await?;
        Ok(true)
    }

    async fn after(&mut self, places: &[u64], aftermath: Aftermath) -> Result<Option<String>, EngineError> {
        let mut still: HashMap<u64, ()> = HashMap::new();
        for (item, wait, target) in aftermath.waiting {
            let Some(sequence) = item.sequence else { continue };
            still.insert(sequence.0, ());
            self.lanes.postpone(sequence.0, wait.not_before);
            if let Some(target) = target {
                self.parking.park(sequence.0, target);
            }
            self.keep(sequence, item);
            if let Some(item) = self.items.get_mut(&sequence.0) {
                item.history = Some(wait);
            }
        }
        let mut trouble = None;
        for (item, _, reason) in aftermath.put_back {
            let Some(sequence) = item.sequence else { continue };
            still.insert(sequence.0, ());
            self.lanes.put_back(sequence.0);
            self.keep(sequence, item);
            trouble = Some(reason);
        }
        for place in places.iter().filter(|place| !still.contains_key(place)) {
            self.finish(*place);
        }
        if aftermath.dead > 0 {
            self.count_dead(aftermath.dead).await?;
        }
        Ok(trouble)
    }

    /// An item that was read again stays as it was read, as it does in the journal: a write whose answer was lost may
    /// have been done, and is tried again as it was, not as something newer that would take it for somebody else's.
    fn keep(&mut self, sequence: Sequence, tried: Item) {
        let Some(kept) = self.items.get_mut(&sequence.0).filter(|_| tried.revised) else { return };
        let before = (kept.entry.leg, kept.entry.change.id.clone());
        let after = (kept.entry.leg, tried.entry.change.id.clone());
        kept.entry.change = tried.entry.change;
        kept.revised = true;
        if let Some(lane) = self.release_lane(&before) {
            self.hold_lane(after, lane);
        }
    }

    fn hold_lane(&mut self, known_as: (Leg, RecordId), lane: String) {
        self.lane_by_id.entry(known_as).or_insert((lane, 0)).1 += 1;
    }

    /// Answers the lane that the record had.
    fn release_lane(&mut self, known_as: &(Leg, RecordId)) -> Option<String> {
        let (lane, count) = self.lane_by_id.get_mut(known_as)?;
        let lane = lane.clone();
        *count -= 1;
        if *count == 0 {
            self.lane_by_id.remove(known_as);
        }
        Some(lane)
    }

    fn finish(&mut self, place: u64) {
        self.lanes.finish(place);
        self.parking.leave(place);
        if let Some(item) = self.items.remove(&place) {
            self.release_lane(&(item.entry.leg, item.entry.change.id));
        }
    }

    async fn count_dead(&mut self, count: u32) -> Result<(), EngineError> {
        let limit = self.map.settings.stop_after_dead_letters;
        let now = self.map.clock.now();
        self.dead.push_back((now, count));
        while self.dead.front().is_some_and(|(at, _)| now.as_micros() - at.as_micros() > DEAD_WINDOW_MICROS) {
            self.dead.pop_front();
        }
        let sum: u32 = self.dead.iter().map(|(_, count)| count).sum();
        if limit > 0 && sum >= limit {
            let reason = format!(
                "{sum} dead letters within five minutes; GET /v1/dead-letters shows them; mend the cause, then POST /v1/maps/{}/resume",
                self.map.name
            );
            supervisor::change_state(&self.map, Request::TooManyErrors, "engine", &reason).await?;
            self.dead.clear();
        }
        Ok(())
    }

    /// Nothing is ready: whoever was catching up has caught up.
    async fn caught_up(&mut self) -> Result<(), EngineError> {
        let catching_up = self.map.state.borrow().0 == dualwright_sync::map_state::MapState::CatchingUp;
        if catching_up && self.drained {
            supervisor::change_state(&self.map, Request::CaughtUp, "engine", "the backlog is applied")
                .await?;
        }
        Ok(())
    }

    fn hear_arrivals(&mut self, arrivals: &mut broadcast::Receiver<Vec<Target>>) {
        loop {
            match arrivals.try_recv() {
                Ok(targets) => self.wake(Some(targets)),
                // Missed some: the retry table looks again by itself.
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return,
            }
        }
    }

    fn wake(&mut self, targets: Option<Vec<Target>>) {
        for target in targets.unwrap_or_default() {
            for place in self.parking.arrived(&target) {
                self.lanes.wake(place);
            }
        }
    }
}

async fn run_leg(map: &MapContext, leg: Leg, items: Vec<Item>, shadow: Option<&Shadow>) -> Vec<Done> {
    if items.is_empty() {
        return Vec::new();
    }
    batch::run(map, Mode { leg, initial: false }, items, shadow).await
}

/// A line for the activity log.
pub(crate) fn activity(map: &MapContext, kind: &str, actor: &str, message: &str) -> Activity {
    Activity {
        at: map.clock.now(),
        map: Some(map.name.clone()),
        kind: kind.to_owned(),
        actor: actor.to_owned(),
        message: message.to_owned(),
    }
}

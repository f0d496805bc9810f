//! Record links with an index for every name they are asked by.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use dualwright_model::{IntegrationKey, MapName, RecordId, System};

use crate::{Link, LinkKey};

type LaneKeys = BTreeSet<String>;

/// The links of all maps. Where two links of a map share a name, the first in lane-key order answers to it.
#[derive(Default)]
pub(super) struct Links {
    by_lane: BTreeMap<(MapName, String), Link>,
    by_key: BTreeMap<(MapName, IntegrationKey), LaneKeys>,
    by_id: BTreeMap<(MapName, System, RecordId), LaneKeys>,
}

impl Links {
    /// Sets a link in the place of the one with its lane key.
    pub(super) fn set(&mut self, link: Link) {
        self.forget(&link.map, &link.lane_key);
        let lane_key = || link.lane_key.clone();
        self.by_key.entry((link.map.clone(), link.key.clone())).or_default().insert(lane_key());
        for (system, id) in ids(&link) {
            self.by_id.entry((link.map.clone(), system, id)).or_default().insert(lane_key());
        }
        self.by_lane.insert((link.map.clone(), lane_key()), link);
    }

    /// Forgets a link; one that is not there is passed over.
    pub(super) fn forget(&mut self, map: &MapName, lane_key: &str) {
        let Some(link) = self.by_lane.remove(&(map.clone(), lane_key.to_owned())) else { return };
        drop_name(&mut self.by_key, (map.clone(), link.key.clone()), lane_key);
        for (system, id) in ids(&link) {
            drop_name(&mut self.by_id, (map.clone(), system, id), lane_key);
        }
    }

    /// The link of a map by one of its names.
    pub(super) fn find(&self, map: &MapName, key: &LinkKey) -> Option<&Link> {
        let first = |lane_keys: Option<&LaneKeys>| lane_keys.and_then(|keys| keys.first().cloned());
        let lane_key = match key {
            LinkKey::Lane(lane_key) => Some(lane_key.clone()),
            LinkKey::Key(key) => first(self.by_key.get(&(map.clone(), key.clone()))),
            LinkKey::Id(system, id) => first(self.by_id.get(&(map.clone(), *system, id.clone()))),
        };
        self.by_lane.get(&(map.clone(), lane_key?))
    }

    /// Links of a map in lane-key order, after a lane key.
    pub(super) fn after(&self, map: &MapName, after: Option<&str>, limit: usize) -> Vec<Link> {
        let start = match after {
            Some(after) => Bound::Excluded((map.clone(), after.to_owned())),
            None => Bound::Included((map.clone(), String::new())),
        };
        let later = self.by_lane.range((start, Bound::Unbounded)).map(|(_, link)| link);
        later.take_while(|link| link.map == *map).take(limit).cloned().collect()
    }
}

fn ids(link: &Link) -> impl Iterator<Item = (System, RecordId)> {
    let of = |system| link.side(system).id.clone().map(|id| (system, id));
    [of(System::Finops), of(System::Dataverse)].into_iter().flatten()
}

fn drop_name<K: Ord>(index: &mut BTreeMap<K, LaneKeys>, name: K, lane_key: &str) {
    if let Some(lane_keys) = index.get_mut(&name) {
        lane_keys.remove(lane_key);
        if lane_keys.is_empty() {
            index.remove(&name);
        }
    }
}

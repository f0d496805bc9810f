//! Waiting for a lookup's target.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dualwright_model::{IntegrationKey, TableName};

use crate::lane::Place;

/// A row that others may be waiting for. The parts are compared as a set: two keys over the same columns may list
/// them in another order (company first, company last).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    table: String,
    parts: Vec<String>,
}

impl Target {
    /// A row of a table by the values that identify it.
    pub fn new(table: &TableName, key: &IntegrationKey) -> Self {
        let mut parts = key.parts().to_vec();
        parts.sort();
        Self { table: table.as_str().to_lowercase(), parts }
    }
}

/// The entries of one map that wait for lookup targets.
#[derive(Debug, Default)]
pub struct Parking {
    waiting: BTreeMap<Target, BTreeSet<Place>>,
    target_of: HashMap<Place, Target>,
}

impl Parking {
    /// The entry waits for this row.
    pub fn park(&mut self, place: Place, target: Target) {
        self.leave(place);
        self.waiting.entry(target.clone()).or_default().insert(place);
        self.target_of.insert(place, target);
    }

    /// The entry waits no more.
    pub fn leave(&mut self, place: Place) {
        if let Some(target) = self.target_of.remove(&place)
            && let Some(places) = self.waiting.get_mut(&target)
        {
            places.remove(&place);
            if places.is_empty() {
                self.waiting.remove(&target);
            }
        }
    }

    /// A row has arrived: the entries that waited for it, in journal order.
    pub fn arrived(&mut self, target: &Target) -> Vec<Place> {
        let places = self.waiting.remove(target).unwrap_or_default();
        for place in &places {
            self.target_of.remove(place);
        }
        places.into_iter().collect()
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.target_of.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.target_of.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{IntegrationKey, Value};

    use super::{Parking, Target};

    #[test]
    fn an_arrival_wakes_those_who_wait_for_just_that_row() {
        let key = |parts: [&str; 2]| IntegrationKey::new(&parts.map(Value::text));
        let mut parking = Parking::default();
        parking.park(1, Target::new(&"groups".into(), &key(["10", "usmf"])));
        parking.park(2, Target::new(&"groups".into(), &key(["20", "usmf"])));
        parking.park(3, Target::new(&"Groups".into(), &key(["10", "USMF"])));
        assert_eq!(parking.arrived(&Target::new(&"groups".into(), &key(["usmf", "10"]))), vec![1, 3]);
        parking.leave(2);
        assert!(parking.is_empty());
    }
}

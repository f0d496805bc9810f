//! The order in which maps run their initial sync.

use std::collections::{BTreeMap, BTreeSet};

use dualwright_model::MapName;

/// Groups maps into waves: a map comes after everything it needs. Real sets contain cycles (a customer names a
/// vendor, the vendor a customer): when nothing is free of unmet needs, the map with the fewest goes next, by name,
/// and the rows that miss a lookup wait for the second pass.
///
/// Needs that name no map of the set are ignored.
pub fn waves(needs: &BTreeMap<MapName, BTreeSet<MapName>>) -> Vec<Vec<MapName>> {
    let mut left: BTreeMap<&MapName, BTreeSet<&MapName>> = needs
        .iter()
        .map(|(map, wants)| {
            (map, wants.iter().filter(|want| *want != map && needs.contains_key(*want)).collect())
        })
        .collect();
    let mut waves = Vec::new();
    while !left.is_empty() {
        let fewest = left.values().map(BTreeSet::len).min().unwrap_or(0);
        let mut wave: Vec<&MapName> =
            left.iter().filter(|(_, wants)| wants.len() == fewest).map(|(map, _)| *map).collect();
        if fewest > 0 {
            wave.truncate(1);
        }
        for map in &wave {
            left.remove(*map);
        }
        for wants in left.values_mut() {
            wants.retain(|want| !wave.contains(want));
        }
        waves.push(wave.into_iter().cloned().collect());
    }
    waves
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use dualwright_model::MapName;

    use super::waves;

    fn check(needs: &[(&str, &[&str])], expect: &[&[&str]]) {
        let needs: BTreeMap<MapName, BTreeSet<MapName>> = needs
            .iter()
            .map(|(map, wants)| {
                (MapName::from(*map), wants.iter().map(|want| MapName::from(*want)).collect())
            })
            .collect();
        let expect: Vec<Vec<MapName>> =
            expect.iter().map(|wave| wave.iter().map(|map| MapName::from(*map)).collect()).collect();
        assert_eq!(waves(&needs), expect);
    }

    #[test]
    fn what_is_needed_comes_first() {
        check(
            &[("accounts", &["groups", "companies"]), ("groups", &["companies"]), ("companies", &[])],
            &[&["companies"], &["groups"], &["accounts"]],
        );
        check(&[("a", &[]), ("b", &["elsewhere"]), ("c", &["c"])], &[&["a", "b", "c"]]);
    }

    #[test]
    fn a_cycle_is_entered_where_least_is_missing() {
        check(
            &[("accounts", &["vendors"]), ("vendors", &["accounts", "groups"]), ("groups", &[])],
            &[&["groups"], &["accounts"], &["vendors"]],
        );
    }
}

//! The laws of the ledger, under any sequence of requests.

use std::collections::BTreeMap;

use dualwright_model::{Digest, MapName, Timestamp};
use proptest::prelude::*;

use super::{By, Ledger};
use crate::registry::{Evidence, Installed, RegistryError, Role};

const MAPS: u8 = 2;

#[derive(Clone, Debug)]
enum Request {
    Install(u8),
    Activate(u8, u8),
    RollBack(u8),
    Quarantine(u8),
    Release(u8),
}

fn request() -> impl Strategy<Value = Request> {
    let digest = 0..6_u8;
    prop_oneof![
        2 => digest.clone().prop_map(Request::Install),
        // One map more than there are, so that unknown ones are asked for too.
        4 => (0..=MAPS, digest.clone()).prop_map(|(map, digest)| Request::Activate(map, digest)),
        3 => (0..=MAPS).prop_map(Request::RollBack),
        2 => digest.clone().prop_map(Request::Quarantine),
        1 => digest.prop_map(Request::Release),
    ]
}

fn map(number: u8) -> MapName {
    MapName::new(format!("map-{number}"))
}

fn digest(number: u8) -> Digest {
    Digest::new(format!("{number:064x}"))
}

fn component(number: u8, at: i64) -> Installed {
    Installed {
        digest: digest(number),
        name: map(number % MAPS),
        version: format!("1.0.{number}"),
        role: Role::Map,
        map: None,
        at: Timestamp::from_micros(at),
        actor: "somebody".to_owned(),
        file: format!("{number}.wasm"),
        size: 1,
        signed_by: None,
    }
}

fn evidence() -> Evidence {
    Evidence { text: "it trapped".to_owned(), counters: BTreeMap::from([("traps".to_owned(), 3)]) }
}

fn by(at: i64) -> By<'static> {
    By { at: Timestamp::from_micros(at), actor: "somebody" }
}

fn perform(ledger: &mut Ledger, request: &Request, at: i64) -> Result<(), RegistryError> {
    match request {
        Request::Install(number) => {
            // As the registry does: the same digest twice is not installed twice.
            if !ledger.installed.contains_key(&digest(*number)) {
                ledger.install(component(*number, at));
            }
            Ok(())
        }
        Request::Activate(name, number) => ledger.activate(&map(*name), &digest(*number), by(at)).map(drop),
        Request::RollBack(name) => ledger.roll_back(&map(*name), by(at)).map(drop),
        Request::Quarantine(number) => ledger.quarantine(&digest(*number), evidence(), by(at)).map(drop),
        Request::Release(number) => ledger.release(&digest(*number), by(at)).map(drop),
    }
}

fn check_sound(ledger: &Ledger) {
    for (name, line) in &ledger.maps {
        for digest in line.live.iter().chain(&line.previous) {
            assert_eq!(&ledger.installed[digest].name, name);
        }
        if let Some(live) = &line.live {
            assert!(!ledger.quarantined.contains_key(live), "a quarantined version is live");
            assert_ne!(line.previous.as_ref(), Some(live), "live and previous are the same");
        }
        let sequences: Vec<u64> = line.history.iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequences, (1..=u64::try_from(sequences.len()).unwrap()).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked(requests in prop::collection::vec(request(), 0..60)) {
        let mut ledger = Ledger::default();
        for (at, request) in (0..).zip(&requests) {
            let before = ledger.clone();
            let done = perform(&mut ledger, request, at);
            check_sound(&ledger);
            if done.is_err() {
                prop_assert_eq!(&ledger, &before, "what is refused changes nothing");
            }
            for (name, line) in &before.maps {
                let now = &ledger.maps[name].history;
                prop_assert!(now.starts_with(&line.history), "the history lost or changed an entry");
                prop_assert!(now.len() <= line.history.len() + 1);
            }
            let text = serde_json::to_vec(&ledger).unwrap();
            prop_assert_eq!(&serde_json::from_slice::<Ledger>(&text).unwrap(), &ledger);
        }
    }

    #[test]
    fn rolled_back_twice_is_where_it_was(requests in prop::collection::vec(request(), 0..60)) {
        let mut ledger = Ledger::default();
        for (at, request) in (0..).zip(&requests) {
            // Refusals are part of the game.
            let _ = perform(&mut ledger, request, at);
        }
        for number in 0..MAPS {
            let name = map(number);
            let Some(before) = ledger.maps.get(&name).cloned() else { continue };
            if before.live.is_none() || ledger.roll_back(&name, by(100)).is_err() {
                continue;
            }
            prop_assert_eq!(&ledger.maps[&name].live, &before.previous);
            ledger.roll_back(&name, by(101)).unwrap();
            prop_assert_eq!(&ledger.maps[&name].live, &before.live);
            prop_assert_eq!(&ledger.maps[&name].previous, &before.previous);
        }
    }
}

fn two_versions() -> Ledger {
    let mut ledger = Ledger::default();
    for number in [0, 2] {
        ledger.install(component(number, 1));
        ledger.activate(&map(0), &digest(number), by(2)).unwrap();
    }
    ledger
}

#[test]
fn a_quarantined_live_version_gives_way_to_the_one_before() {
    let mut ledger = two_versions();
    let switch = ledger.quarantine(&digest(2), evidence(), by(3)).unwrap();
    assert_eq!((switch.from, switch.to), (Some(digest(2)), Some(digest(0))));
    assert!(matches!(ledger.roll_back(&map(0), by(4)), Err(RegistryError::Quarantined { .. })));
    assert!(matches!(ledger.activate(&map(0), &digest(2), by(4)), Err(RegistryError::Quarantined { .. })));

    // Then nothing sound is left, so nothing runs; and a released one comes back by hand only.
    let switch = ledger.quarantine(&digest(0), evidence(), by(5)).unwrap();
    assert_eq!(switch.to, None);
    ledger.release(&digest(0), by(6)).unwrap();
    assert_eq!(ledger.maps[&map(0)].live, None);
    assert_eq!(ledger.roll_back(&map(0), by(7)).unwrap().to, Some(digest(0)));
}

#[test]
fn what_cannot_be_done_says_why() {
    let mut ledger = Ledger::default();
    assert!(matches!(ledger.roll_back(&map(0), by(1)), Err(RegistryError::UnknownMap { .. })));
    assert!(matches!(ledger.activate(&map(0), &digest(0), by(1)), Err(RegistryError::NotInstalled { .. })));
    ledger.install(component(0, 1));
    assert!(matches!(ledger.roll_back(&map(0), by(1)), Err(RegistryError::NoPrevious { .. })));
    assert!(matches!(ledger.activate(&map(1), &digest(0), by(1)), Err(RegistryError::WrongMap { .. })));
    assert!(matches!(ledger.release(&digest(0), by(1)), Err(RegistryError::NotQuarantined { .. })));
    ledger.activate(&map(0), &digest(0), by(1)).unwrap();
    ledger.install(Installed { role: Role::Validator, ..component(2, 1) });
    assert!(matches!(ledger.activate(&map(0), &digest(2), by(1)), Err(RegistryError::WrongRole { .. })));
}

#[test]
fn what_is_live_already_is_not_switched() {
    let mut ledger = two_versions();
    let before = ledger.clone();
    assert!(!ledger.activate(&map(0), &digest(2), by(9)).unwrap().changed());
    assert_eq!(ledger, before);
}

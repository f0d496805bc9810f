//! The registry as a folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use dualwright_model::{Digest, MapName};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use tempfile::tempdir;

use super::{
    Act, Event, Evidence, Examine, PublicKey, RefusalKind, Refused, Registry, RegistryError, State, Switch,
    Trust,
};
use support::{Counting, Dying, component, config, open, open_trusting};

mod condemned;
pub(crate) mod support;

fn refused(result: Result<super::Installation, RegistryError>) -> (Refused, bool) {
    match result {
        Err(RegistryError::Refused { refused, again }) => (*refused, again),
        other => panic!("not refused: {other:?}"),
    }
}

fn install(registry: &Registry, map: &str, version: &str) -> Digest {
    registry.install(&format!("{map}.wasm"), component(map, version), None, "anna").unwrap().component.digest
}

fn evidence(text: &str) -> Evidence {
    Evidence { text: text.to_owned(), counters: BTreeMap::from([("traps".to_owned(), 3)]) }
}

fn states(registry: &Registry) -> Vec<(String, String)> {
    let name = |state: &State| match state {
        State::Live => "live".to_owned(),
        State::Previous => "previous".to_owned(),
        State::Candidate => "candidate".to_owned(),
        State::Quarantined(why) => format!("quarantined: {}", why.evidence.text),
    };
    registry.list().iter().map(|one| (one.component.version.clone(), name(&one.state))).collect()
}

#[test]
fn a_version_comes_goes_and_is_remembered() {
    let folder = tempdir().unwrap();
    let examine = Counting::new();
    let registry = open(folder.path(), &examine);
    let mut events = registry.subscribe();
    let (customers, anna) = (MapName::from("customers"), "anna".to_owned());

    let first = install(&registry, "customers", "1.0.0");
    let second = install(&registry, "customers", "1.1.0");
    let again = registry.install("copy.wasm", component("customers", "1.0.0"), None, "bo").unwrap();
    assert!(again.already && again.component.digest == first);
    assert_eq!(examine.examined().len(), 2);

    let switch = registry.activate(&customers, &first, "anna").unwrap();
    assert_eq!(switch, Switch { map: customers.clone(), from: None, to: Some(first.clone()) });
    registry.activate(&customers, &second, "anna").unwrap();
    let switch = registry.quarantine(&second, evidence("it trapped"), "host").unwrap();
    assert_eq!(switch.to, Some(first.clone()));
    let told: Vec<Event> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    assert_eq!(told.len(), 5);
    assert!(matches!(&told[0], Event::Installed(one) if one.digest == first && one.actor == "anna"));
    assert_eq!(
        told[3],
        Event::Activated {
            map: customers.clone(),
            from: Some(first.clone()),
            to: second.clone(),
            actor: anna
        }
    );
    assert!(matches!(&told[4], Event::Quarantined { live, .. } if *live == Some(first.clone())));

    drop(registry);
    let registry = open(folder.path(), &examine);
    let expected = [("1.0.0", "live"), ("1.1.0", "quarantined: it trapped")];
    assert_eq!(states(&registry), expected.map(|(one, two)| (one.to_owned(), two.to_owned())));
    assert_eq!(registry.bytes(&second).unwrap(), component("customers", "1.1.0"));
    assert_eq!(registry.live().len(), 1);
    let acts: Vec<Act> = registry.history(&customers).unwrap().into_iter().map(|entry| entry.act).collect();
    assert!(matches!(
        acts.as_slice(),
        [
            Act::Installed { .. },
            Act::Installed { .. },
            Act::Activated { .. },
            Act::Activated { .. },
            Act::Quarantined { .. }
        ]
    ));
    registry.release(&second, "anna").unwrap();
    registry.rollback(&customers, "anna").unwrap();
    assert_eq!(registry.map(&customers).unwrap().live.unwrap().digest, second);
    assert_eq!(examine.examined().len(), 2, "nothing is compiled by opening");
}

#[test]
fn a_version_is_found_by_what_people_call_it() {
    let folder = tempdir().unwrap();
    let registry = open(folder.path(), &Counting::new());
    let digest = install(&registry, "customers", "1.0.0");
    let customers = MapName::from("customers");
    assert_eq!(registry.find(&customers, "1.0.0").unwrap().digest, digest);
    assert_eq!(registry.find(&customers, &digest.as_str()[..8]).unwrap().digest, digest);
    for text in ["2.0.0", "", "zz"] {
        let missing = registry.find(&customers, text);
        assert!(matches!(missing, Err(RegistryError::NoSuchVersion { count: 0, .. })));
    }
    // The same version from two builds is for a person to tell apart.
    registry.install("other", b"map customers  1.0.0".to_vec(), None, "anna").unwrap();
    assert!(matches!(registry.find(&customers, "1.0.0"), Err(RegistryError::NoSuchVersion { count: 2, .. })));
}

#[test]
fn i7_refused_bytes_are_never_compiled_twice() {
    let folder = tempdir().unwrap();
    let examine = Counting::new();
    let registry = open(folder.path(), &examine);
    let mut events = registry.subscribe();
    for (bytes, kind) in [
        (b"#!/bin/sh".to_vec(), RefusalKind::NotAComponent),
        (b"wrong-world".to_vec(), RefusalKind::WrongWorld),
        (vec![b'x'; 65], RefusalKind::TooLarge),
    ] {
        let (first, again) = refused(registry.install("a.wasm", bytes.clone(), None, "anna"));
        assert_eq!((first.kind, again), (kind, false));
        assert!(first.to_string().contains("a.wasm") && !first.next.is_empty(), "{first}");
        assert!(matches!(events.try_recv(), Ok(Event::Refused(told)) if told == first));
        let (second, again) = refused(registry.install("b.wasm", bytes, None, "anna"));
        assert_eq!((second, again), (first, true));
        assert!(events.try_recv().is_err());
    }
    assert_eq!(examine.examined().len(), 2, "too large is not compiled at all");
    drop(registry);
    let registry = open(folder.path(), &examine);
    assert!(refused(registry.install("c.wasm", b"wrong-world".to_vec(), None, "anna")).1);
    assert_eq!(registry.refused().len(), 3);
    assert_eq!(examine.examined().len(), 2);

    // Other rules are another question.
    examine.allow(128);
    let (large, again) = refused(registry.install("a.wasm", vec![b'x'; 65], None, "anna"));
    assert_eq!((large.kind, again), (RefusalKind::NotAComponent, false));
}

#[test]
fn a_sandbox_that_fails_is_not_held_against_the_file() {
    let folder = tempdir().unwrap();
    let examine = Counting::new();
    let registry = open(folder.path(), &examine);
    for _ in 0..2 {
        let failed = registry.install("a.wasm", b"broken-sandbox".to_vec(), None, "anna");
        assert!(matches!(failed, Err(RegistryError::Sandbox { .. })));
    }
    assert_eq!(examine.examined().len(), 2);
    assert!(registry.refused().is_empty());
}

fn signer() -> (Ed25519KeyPair, Trust) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let text: String = pair.public_key().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let key = PublicKey::parse("partner", &text).unwrap();
    (pair, Trust { keys: vec![key], required: true })
}

#[test]
fn where_signatures_are_required_nothing_unsigned_is_compiled_or_goes_live() {
    let folder = tempdir().unwrap();
    let examine = Counting::new();
    let customers = MapName::from("customers");
    let old = {
        let registry = open(folder.path(), &examine);
        install(&registry, "customers", "1.0.0")
    };
    let (pair, trust) = signer();
    let registry = open_trusting(folder.path(), &examine, trust);
    let bytes = component("customers", "2.0.0");
    let wrong = pair.sign(b"something else");
    let (missing, _) = refused(registry.install("a.wasm", bytes.clone(), None, "anna"));
    assert_eq!(missing.kind, RefusalKind::Unsigned);
    assert!(refused(registry.install("a.wasm", bytes.clone(), None, "anna")).1);
    let (bad, again) = refused(registry.install("a.wasm", bytes.clone(), Some(wrong.as_ref()), "anna"));
    assert_eq!((bad.kind, again), (RefusalKind::BadSignature, false));
    assert_eq!(examine.examined().len(), 1);

    // The right signature comes late, and what was refused for the lack of it is let in.
    let signature = pair.sign(&bytes);
    let new = registry.install("a.wasm", bytes, Some(signature.as_ref()), "anna").unwrap().component;
    assert_eq!(new.signed_by.as_deref(), Some("partner"));
    assert!(registry.refused().is_empty());
    registry.activate(&customers, &new.digest, "anna").unwrap();

    let unsigned = registry.activate(&customers, &old, "anna");
    assert!(matches!(unsigned, Err(RegistryError::Unsigned { .. })));
    let late = pair.sign(&component("customers", "1.0.0"));
    let again = registry.install("a.wasm", component("customers", "1.0.0"), Some(late.as_ref()), "anna");
    assert!(again.unwrap().already);
    registry.activate(&customers, &old, "anna").unwrap();
    assert_eq!(examine.examined().len(), 2);
}

#[test]
fn a_folder_belongs_to_one_at_a_time() {
    let folder = tempdir().unwrap();
    let examine = Counting::new();
    let registry = open(folder.path(), &examine);
    let second =
        Registry::open(config(folder.path(), Trust::default()), Arc::clone(&examine) as Arc<dyn Examine>);
    assert!(matches!(second, Err(RegistryError::InUse { .. })));
    drop(registry);
    open(folder.path(), &examine);
}

#[test]
fn damage_is_not_taken_for_emptiness() {
    let folder = tempdir().unwrap();
    let examine = Counting::new();
    let registry = open(folder.path(), &examine);
    let digest = install(&registry, "customers", "1.0.0");
    std::fs::write(folder.path().join(format!("components/{digest}.wasm")), b"map customers").unwrap();
    assert!(matches!(registry.bytes(&digest), Err(RegistryError::Damaged { .. })));
    drop(registry);
    let path = folder.path().join("registry.json");
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 1, whole.len() / 2, whole.len() - 2] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let opened =
            Registry::open(config(folder.path(), Trust::default()), Arc::clone(&examine) as Arc<dyn Examine>);
        assert!(matches!(opened, Err(RegistryError::Damaged { .. })), "{length} bytes");
    }
}

/// What a story does, step by step; each returns whether it was acknowledged.
fn story(registry: &Registry) -> Vec<bool> {
    let customers = MapName::from("customers");
    let bytes = |version: &str| component("customers", version);
    let digest = |version: &str| crate::cache::digest_of(&bytes(version));
    vec![
        registry.install("a.wasm", bytes("1.0.0"), None, "anna").is_ok(),
        registry.activate(&customers, &digest("1.0.0"), "anna").is_ok(),
        matches!(
            registry.install("b.wasm", b"nonsense".to_vec(), None, "anna"),
            Err(RegistryError::Refused { .. })
        ),
        registry.install("a.wasm", bytes("2.0.0"), None, "anna").is_ok(),
        registry.activate(&customers, &digest("2.0.0"), "anna").is_ok(),
        registry.rollback(&customers, "anna").is_ok(),
        registry.quarantine(&digest("2.0.0"), evidence("it trapped"), "host").is_ok(),
    ]
}

/// How much of the story a registry knows: the acts of the map, and the refusal.
fn told(registry: &Registry) -> Vec<bool> {
    let history = registry.history(&MapName::from("customers")).unwrap_or_default();
    let acts = history.len();
    vec![acts >= 1, acts >= 2, registry.refused().len() == 1, acts >= 3, acts >= 4, acts >= 5, acts >= 6]
}

#[test]
fn what_was_acknowledged_survives_death_at_any_step() {
    let steps = {
        let folder = tempdir().unwrap();
        let (disk, left) = Dying::after(1000);
        let registry =
            Registry::open_on(Box::new(disk), config(folder.path(), Trust::default()), Counting::new())
                .unwrap();
        assert_eq!(story(&registry), [true; 7]);
        1000 - left.load(std::sync::atomic::Ordering::SeqCst)
    };
    assert!(steps >= 27, "nine files are replaced in three steps each, and {steps} were counted");
    for step in 0..steps {
        let folder = tempdir().unwrap();
        let (disk, _) = Dying::after(step);
        let acknowledged = {
            let registry =
                Registry::open_on(Box::new(disk), config(folder.path(), Trust::default()), Counting::new())
                    .unwrap();
            story(&registry)
        };
        let examine = Counting::new();
        let registry = open(folder.path(), &examine);
        let known = told(&registry);
        for (index, (acknowledged, known)) in acknowledged.iter().zip(&known).enumerate() {
            assert!(*known || !acknowledged, "step {step}: act {index} was acknowledged and is lost");
        }
        let surplus = known.iter().filter(|known| **known).count()
            - acknowledged.iter().filter(|acknowledged| **acknowledged).count();
        assert!(surplus <= 1, "step {step}: at most the act that died may be there unacknowledged");
        for listing in registry.list() {
            registry.bytes(&listing.component.digest).unwrap();
        }
        // And it goes on from there to the same end.
        story(&registry);
        let expected = [("1.0.0", "live"), ("2.0.0", "quarantined: it trapped")];
        assert_eq!(
            states(&registry),
            expected.map(|(one, two)| (one.to_owned(), two.to_owned())),
            "step {step}"
        );
        assert!(examine.examined().len() <= 3);
    }
}

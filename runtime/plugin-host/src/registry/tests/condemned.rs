//! A version that was undone is out after the next start, with or without room to write that down.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dualwright_model::{Digest, MapName};
use tempfile::tempdir;

use super::support::{Counting, Dying, Full, component, config, open};
use super::{evidence, install, states};
use crate::registry::disk::Disk;
use crate::registry::{Condemned, Registry, RegistryError, Trust};

fn customers() -> MapName {
    MapName::from("customers")
}

fn on(disk: impl Disk + 'static, folder: &Path) -> Registry {
    Registry::open_on(Box::new(disk), config(folder, Trust::default()), Counting::new()).unwrap()
}

/// 1.0.0 is behind 1.1.0, which is live; answers the digest of that.
fn two_versions(registry: &Registry) -> Digest {
    for version in ["1.0.0", "1.1.0"] {
        let digest = install(registry, "customers", version);
        registry.activate(&customers(), &digest, "anna").unwrap();
    }
    registry.map(&customers()).unwrap().live.unwrap().digest
}

fn aside(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder.join("components")).unwrap();
    files
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "condemned"))
        .count()
}

fn is_out(registry: &Registry, bad: &Digest, why: &str) {
    let expected = [("1.0.0", "live".to_owned()), ("1.1.0", format!("quarantined: {why}"))];
    assert_eq!(states(registry), expected.map(|(version, state)| (version.to_owned(), state)));
    let refused = registry.activate(&customers(), bad, "anna");
    assert!(matches!(refused, Err(RegistryError::Quarantined { .. })), "{refused:?}");
}

#[test]
fn a_full_disk_does_not_bring_an_undone_version_back() {
    let folder = tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let bad = {
        let registry = on(Full(Arc::clone(&full)), folder.path());
        let bad = two_versions(&registry);
        full.store(true, Ordering::SeqCst);
        let condemned = registry.condemn(&bad, evidence("it trapped"), "engine").unwrap();
        assert!(
            matches!(condemned, Condemned::PutAside(switch, RegistryError::Disk { .. }) if switch.changed())
        );
        is_out(&registry, &bad, "it trapped");
        assert!(matches!(registry.write_down(), Err(RegistryError::Disk { .. })));
        bad
    };
    assert_eq!(aside(folder.path()), 1);
    let unwritten = "it was undone when the registry could not be written";
    // Killed, and started while there is still no room; then killed again, and started with some.
    for room in [false, true] {
        full.store(!room, Ordering::SeqCst);
        let registry = on(Full(Arc::clone(&full)), folder.path());
        is_out(&registry, &bad, unwritten);
        assert_eq!(aside(folder.path()), usize::from(!room));
        let (_, why) = registry.map(&customers()).unwrap().quarantined.pop().unwrap();
        assert!(why.evidence.is_unwritten() && why.actor == "engine");
    }
    let registry = open(folder.path(), &Counting::new());
    is_out(&registry, &bad, unwritten);
    assert_eq!(registry.bytes(&bad).unwrap(), component("customers", "1.1.0"));
    // Who knows better says so; and an operator may let it run again.
    registry.condemn(&bad, evidence("it trapped"), "engine").unwrap();
    is_out(&registry, &bad, "it trapped");
    registry.release(&bad, "anna").unwrap();
    registry.activate(&customers(), &bad, "anna").unwrap();
}

#[test]
fn with_room_again_the_evidence_is_written_down() {
    let folder = tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let bad = {
        let registry = on(Full(Arc::clone(&full)), folder.path());
        let bad = two_versions(&registry);
        full.store(true, Ordering::SeqCst);
        registry.condemn(&bad, evidence("it trapped"), "engine").unwrap();
        full.store(false, Ordering::SeqCst);
        registry.write_down().unwrap();
        registry.write_down().unwrap();
        bad
    };
    assert_eq!(aside(folder.path()), 0);
    let registry = open(folder.path(), &Counting::new());
    is_out(&registry, &bad, "it trapped");
    let told = registry.history(&customers()).unwrap();
    assert_eq!(told.len(), 5, "it is told once: {told:#?}");
}

/// Whatever else is written first writes it down too, and lets an operator's release hold.
#[test]
fn a_release_takes_the_mark_away() {
    let folder = tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let bad = {
        let registry = on(Full(Arc::clone(&full)), folder.path());
        let bad = two_versions(&registry);
        full.store(true, Ordering::SeqCst);
        registry.condemn(&bad, evidence("it trapped"), "engine").unwrap();
        full.store(false, Ordering::SeqCst);
        registry.release(&bad, "anna").unwrap();
        registry.activate(&customers(), &bad, "anna").unwrap();
        bad
    };
    let registry = open(folder.path(), &Counting::new());
    assert_eq!(registry.map(&customers()).unwrap().live.unwrap().digest, bad);
}

#[test]
fn a_death_at_any_step_leaves_it_out_or_unanswered() {
    let mut answered = Vec::new();
    for steps in 0..5 {
        let folder = tempdir().unwrap();
        let bad = two_versions(&open(folder.path(), &Counting::new()));
        let done = {
            let (disk, _) = Dying::after(steps);
            on(disk, folder.path()).condemn(&bad, evidence("it trapped"), "engine").is_ok()
        };
        answered.push(done);
        let registry = open(folder.path(), &Counting::new());
        let live = registry.map(&customers()).unwrap().live.unwrap().version;
        assert!(live == "1.0.0" || !done, "step {steps}: {live}");
    }
    assert!(!answered[0] && answered[4], "{answered:?}");
}

//! Every backend passes the battery; SQLite also survives what a file must survive.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use dualwright_model::{Leg, MapName};
use dualwright_store::conformance::{self, entry, link};
use dualwright_store::memory::MemoryStore;
use dualwright_store::sqlite::SqliteStore;
use dualwright_store::{Capture, LinkKey, Resolution, Sequence, Settlement, Store, StoreError};

#[tokio::test]
async fn memory_passes_the_battery() {
    conformance::run(&MemoryStore::new()).await;
}

#[tokio::test]
async fn sqlite_passes_the_battery() {
    let folder = tempfile::tempdir().unwrap();
    conformance::run(&SqliteStore::open(&folder.path().join("store.sqlite")).unwrap()).await;
}

#[tokio::test]
async fn everything_is_there_after_reopening_and_in_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let store = SqliteStore::open(&path).unwrap();
    let first = store
        .capture(Capture { entries: vec![entry("m", Leg::ToFinops, "a")], checkpoint: None })
        .await
        .unwrap();
    store.settle(Settlement { links: vec![link("m", "a", "a")], ..Settlement::default() }).await.unwrap();
    let copy = folder.path().join("copy.sqlite");
    store.backup_to(copy.clone()).await.unwrap();
    store.close();
    for path in [path, copy] {
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.pending(&"m".into(), Sequence(0), 9).await.unwrap()[0].sequence, first[0]);
        assert!(store.links(&"m".into(), &[LinkKey::Lane("a".into())]).await.unwrap()[0].is_some());
        store
            .settle(Settlement {
                resolved: vec![(first[0], dualwright_store::Resolution::Dead)],
                ..Settlement::default()
            })
            .await
            .unwrap();
        let next = store
            .capture(Capture { entries: vec![entry("m", Leg::ToFinops, "b")], checkpoint: None })
            .await
            .unwrap();
        assert!(next[0] > first[0], "a sequence is never used again");
    }
}

#[test]
fn one_runtime_a_file_and_clear_words_for_what_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let store = SqliteStore::open(&path).unwrap();
    let second = SqliteStore::open(&path).err().unwrap().to_string();
    assert!(second.contains("another dualwright is using it"), "{second}");
    store.close();

    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::TooNew { found: 99, known: 4, .. })));

    std::fs::write(&path, b"this is not a database, whatever its name says, and it is long enough to tell")
        .unwrap();
    let damaged = SqliteStore::open(&path).err().unwrap().to_string();
    assert!(damaged.contains("not a database") && damaged.contains("store.sqlite"), "{damaged}");
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(SqliteStore::open(&folder.path().join("store.sqlite")).unwrap());
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move {
                let entries = vec![entry("m", Leg::ToFinops, &number.to_string()); 5];
                store.capture(Capture { entries, checkpoint: None }).await.unwrap()
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        let sequences = task.await.unwrap();
        assert!(sequences.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "a capture stays together");
        all.extend(sequences);
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 1000);
    assert_eq!(store.pending(&"m".into(), Sequence(0), 2000).await.unwrap().len(), 1000);
}

/// Not a test of its own: the body of the process that gets killed.
#[tokio::test]
async fn append_until_killed() {
    let Ok(path) = std::env::var("STORE_TO_FILL") else { return };
    let store = SqliteStore::open(path.as_ref()).unwrap();
    for number in 0.. {
        let entries = (0..10).map(|part| entry("m", Leg::ToFinops, &format!("{number}-{part}"))).collect();
        let sequences = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
        println!("acknowledged {}", sequences.last().unwrap().0);
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    for captures in [1, 7, 40] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["append_until_killed", "--exact", "--nocapture"])
            .env("STORE_TO_FILL", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let acknowledged: Vec<u64> = lines
            .map_while(Result::ok)
            .filter_map(|line| line.split("acknowledged ").nth(1)?.trim().parse().ok())
            .take(captures)
            .collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let store = SqliteStore::open(&path).unwrap();
        let map = MapName::from("m");
        let pending = store.pending(&map, Sequence(0), usize::MAX).await.unwrap();
        let last = pending.last().unwrap().sequence.0;
        assert_eq!(acknowledged.len(), captures);
        assert!(last >= *acknowledged.last().unwrap(), "an acknowledged entry is missing");
        assert_eq!(pending.len() % 10, 0, "a capture is there whole or not at all");
        let counters = store.counters(&map).await.unwrap().remove(&Leg::ToFinops).unwrap();
        assert_eq!(counters.captured, u64::try_from(pending.len()).unwrap());
        store.close();
    }
}

/// Another process looks at what was recorded while the runtime has the file, and writes nothing.
#[tokio::test]
async fn what_is_recorded_is_read_beside_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let recorded = async || {
        let found = SqliteStore::recorded_in(path.clone(), "m".into(), Leg::ToFinops, 9).await.unwrap();
        found.into_iter().map(|change| change.id.0).collect::<Vec<_>>()
    };
    assert!(recorded().await.is_empty());
    assert!(!path.exists(), "looking makes no file");
    let settle = async |store: &SqliteStore, keys: &[&str]| {
        let entries = keys.iter().map(|key| entry("m", Leg::ToFinops, key)).collect();
        let sequences = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
        let resolved = sequences.into_iter().map(|sequence| (sequence, Resolution::Applied)).collect();
        store.settle(Settlement { resolved, ..Settlement::default() }).await.unwrap();
    };
    let store = SqliteStore::open_recording(&path, 2).unwrap();
    settle(&store, &["a", "b", "c"]).await;
    assert_eq!(recorded().await, ["c", "b"]);
    settle(&store, &["d"]).await;
    assert_eq!(recorded().await, ["d", "c"]);
    store.close();
    assert_eq!(recorded().await, ["d", "c"], "and when nobody has it");
    // Who wants none keeps none, not even those of before.
    let store = SqliteStore::open_recording(&path, 0).unwrap();
    settle(&store, &["e"]).await;
    assert!(recorded().await.is_empty());
    store.close();

    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch("DROP TABLE recorded; PRAGMA user_version = 3").unwrap();
    drop(old);
    assert!(recorded().await.is_empty(), "a file from before");
}

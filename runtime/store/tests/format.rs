//! Files as they are found on disks: written by an older release, damaged, cut short.

#![allow(clippy::unwrap_used, reason = "what tests share may fail as tests do")]

use std::path::{Path, PathBuf};

use dualwright_model::{Leg, MapName};
use dualwright_store::conformance::{awkward_record, entry, link};
use dualwright_store::sqlite::SqliteStore;
use dualwright_store::{
    Capture, Checkpoint, DeadLetterFilter, EntryState, FeedId, LinkKey, Resolution, Sequence, Settlement,
    Store, StoreError,
};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/format-1.store")
}

/// What the file of format 1 was filled with. Where the file is missing, `WRITE_TESTDATA=1` writes it; that of a
/// released format is never written again.
async fn fill(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    let entries = vec![entry("m", Leg::ToFinops, "a"), entry("m", Leg::ToDataverse, "ü")];
    let feed = FeedId { map: "m".into(), leg: Leg::ToFinops, purpose: "changes".into() };
    let checkpoint = Some(Checkpoint { feed, position: Some("delta-token".into()) });
    let sequences = store.capture(Capture { entries, checkpoint }).await.unwrap();
    let settlement = Settlement {
        resolved: vec![(sequences[0], Resolution::Applied)],
        links: vec![link("m", "a", "a")],
        ..Settlement::default()
    };
    store.settle(settlement).await.unwrap();
    store.close();
}

#[tokio::test]
async fn a_file_of_format_1_is_read_and_written_on() {
    if std::env::var_os("WRITE_TESTDATA").is_some() {
        assert!(!testdata().exists(), "a released file is never written again");
        let folder = tempfile::tempdir().unwrap();
        fill(&folder.path().join("new.sqlite")).await;
        std::fs::copy(folder.path().join("new.sqlite"), testdata()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    std::fs::copy(testdata(), &path).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let map = MapName::from("m");
    let pending = store.pending(&map, Sequence(0), 10).await.unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].sequence, &pending[0].state), (Sequence(2), &EntryState::Ready));
    assert_eq!(pending[0].entry.change.record, awkward_record());
    let found = store.links(&map, &[LinkKey::Lane("a".into())]).await.unwrap();
    assert_eq!(found, [Some(link("m", "a", "a"))]);
    let feed = FeedId { map: map.clone(), leg: Leg::ToFinops, purpose: "changes".into() };
    assert_eq!(store.checkpoint(&feed).await.unwrap().as_deref(), Some("delta-token"));
    let entries = vec![entry("m", Leg::ToFinops, "b")];
    let next = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
    assert_eq!(next, [Sequence(3)]);
}

/// Asks the store everything; a damaged file must answer with an error, never with a panic.
async fn first_error(path: &Path) -> Option<StoreError> {
    let store = match SqliteStore::open(path) {
        Ok(store) => store,
        Err(error) => return Some(error),
    };
    let map = MapName::from("m");
    let pending = store.pending(&map, Sequence(0), usize::MAX).await.err();
    let links = store.links_after(&map, None, usize::MAX).await.err();
    let letters = store.dead_letters(&DeadLetterFilter::default(), 9).await.err();
    let counters = store.counters(&map).await.err();
    pending.or(links).or(letters).or(counters)
}

#[tokio::test]
async fn a_damaged_file_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let store = SqliteStore::open(&path).unwrap();
    let entries = (0..500).map(|number| entry("m", Leg::ToFinops, &number.to_string())).collect();
    store.capture(Capture { entries, checkpoint: None }).await.unwrap();
    store.close();
    let whole = std::fs::read(&path).unwrap();
    assert!(whole.len() > 100_000 && first_error(&path).await.is_none());

    let mut holed = whole.clone();
    holed[4096..whole.len()].fill(0x5A);
    let cut = whole[..whole.len() / 2].to_vec();
    let mut no_header = whole.clone();
    no_header[..100].fill(0);
    for (what, bytes) in [("holed", holed), ("cut", cut), ("no header", no_header)] {
        std::fs::write(&path, bytes).unwrap();
        let error = first_error(&path).await.map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains("store.sqlite")), "{what}: {error:?}");
    }
}

#[tokio::test]
async fn a_row_that_is_not_ours_is_told_by_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    fill(&path).await;
    let tool = rusqlite::Connection::open(&path).unwrap();
    tool.execute_batch("UPDATE journal SET change = x'7B'; UPDATE link SET finops_fingerprint = x'010203'")
        .unwrap();
    drop(tool);
    let store = SqliteStore::open(&path).unwrap();
    let pending = store.pending(&"m".into(), Sequence(0), 9).await.err().unwrap();
    assert!(matches!(pending, StoreError::Unreadable { table: "journal", .. }), "{pending}");
    let link = store.links_after(&"m".into(), None, 9).await.err().unwrap();
    assert!(matches!(link, StoreError::Unreadable { table: "link", .. }), "{link}");
    store.close();
    let tool = rusqlite::Connection::open(&path).unwrap();
    tool.execute_batch("UPDATE journal SET change = 'a text, not bytes'").unwrap();
    drop(tool);
    let store = SqliteStore::open(&path).unwrap();
    let pending = store.pending(&"m".into(), Sequence(0), 9).await.err().unwrap();
    assert!(matches!(pending, StoreError::Unreadable { table: "journal", .. }), "{pending}");
}

/// The log beside the file is written back into it and does not grow for ever.
#[tokio::test]
async fn the_log_beside_the_file_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let store = SqliteStore::open(&path).unwrap();
    let log = folder.path().join("store.sqlite-wal");
    let mut written = 0;
    for round in 0..80 {
        let entries: Vec<_> =
            (0..1000).map(|number| entry("m", Leg::ToFinops, &format!("{round}-{number}"))).collect();
        written +=
            entries.iter().map(|entry| serde_json::to_vec(&entry.change).unwrap().len()).sum::<usize>();
        let sequences = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
        // A reader beside the writer, as in life.
        store.pending(&"m".into(), Sequence(0), 1).await.unwrap();
        let resolved = sequences.into_iter().map(|sequence| (sequence, Resolution::Applied)).collect();
        store.settle(Settlement { resolved, ..Settlement::default() }).await.unwrap();
    }
    let log = usize::try_from(std::fs::metadata(&log).unwrap().len()).unwrap();
    let file = usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
    // Every byte went in once and was touched again when it was settled; the log is turned round at 16 MB.
    assert!(written > 25_000_000 && log < 20_000_000, "{written} bytes went through, and the log has {log}");
    assert!(
        written > 2 * file,
        "what is settled makes room: {written} bytes went through, the file has {file}"
    );
}

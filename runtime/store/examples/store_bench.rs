//! Records a second through capture and settle, in batches of 100, and link look-ups in batches of 1000:
//!
//!     cargo run --release -p dualwright-store --example store_bench -- [records]

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark is run by hand, and one that fails should say so at once"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dualwright_model::{Leg, RecordId, System};
use dualwright_store::conformance::{entry, link};
use dualwright_store::memory::MemoryStore;
use dualwright_store::sqlite::SqliteStore;
use dualwright_store::{Capture, Link, LinkKey, Resolution, Settlement, Store};

const BATCH: usize = 100;
const LOOKUPS: usize = 1000;

fn main() {
    let records = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(50_000);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        println!("{records} records in durable batches of {BATCH}; look-ups in batches of {LOOKUPS}\n");
        println!("                          capture/s    settle/s   links of {LOOKUPS} (ms)");
        measure("memory", Arc::new(MemoryStore::new()), records, 1).await;
        let folder = tempfile::tempdir().unwrap();
        for at_once in [1, 8] {
            let path = folder.path().join(format!("{at_once}.sqlite"));
            let store = Arc::new(SqliteStore::open(&path).unwrap());
            measure(&format!("sqlite, {at_once} at once"), store, records, at_once).await;
            println!("    file {}, log {}", size(&path), size(&path.with_extension("sqlite-wal")));
        }
    });
}

fn size(path: &Path) -> String {
    let bytes = std::fs::metadata(path).map_or(0, |data| data.len());
    format!("{} kB", bytes / 1000)
}

async fn measure(name: &str, store: Arc<dyn Store>, records: usize, at_once: usize) {
    let keys: Vec<String> = (0..records).map(|number| format!("usmf|C-{number:06}")).collect();
    let parts: Vec<Vec<Vec<String>>> = (0..at_once)
        .map(|worker| keys.chunks(BATCH).skip(worker).step_by(at_once).map(<[String]>::to_vec).collect())
        .collect();
    let mut capturing = Duration::ZERO;
    let mut settling = Duration::ZERO;
    let workers = parts.into_iter().map(|batches| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let (mut capturing, mut settling) = (Duration::ZERO, Duration::ZERO);
            for batch in batches {
                let entries = batch.iter().map(|key| entry("bench", Leg::ToDataverse, key)).collect();
                let links: Vec<Link> = batch.iter().map(|key| link("bench", key, key)).collect();
                let began = Instant::now();
                let sequences = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
                capturing += began.elapsed();
                let resolved =
                    sequences.into_iter().map(|sequence| (sequence, Resolution::Applied)).collect();
                let began = Instant::now();
                store.settle(Settlement { resolved, links, ..Settlement::default() }).await.unwrap();
                settling += began.elapsed();
            }
            (capturing, settling)
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        let (one, two) = worker.await.unwrap();
        capturing += one;
        settling += two;
    }
    let lookups: Vec<LinkKey> = (0..LOOKUPS)
        .map(|number| {
            let key = &keys[number * 7919 % keys.len()];
            match number % 3 {
                0 => LinkKey::Lane(key.clone()),
                1 => LinkKey::Id(System::Finops, RecordId(format!("f-{key}"))),
                _ => LinkKey::Id(System::Dataverse, RecordId(format!("d-{key}"))),
            }
        })
        .collect();
    store.links(&"bench".into(), &lookups).await.unwrap();
    let began = Instant::now();
    let found = store.links(&"bench".into(), &lookups).await.unwrap();
    let looking = began.elapsed();
    assert!(found.iter().all(Option::is_some));
    // Each worker waits for its own: the time on the wall is a share of the sum.
    let rate = |spent: Duration| (records * at_once) as f64 / spent.as_secs_f64();
    println!(
        "{name:<22} {:>12.0} {:>11.0} {:>12.1}",
        rate(capturing),
        rate(settling),
        looking.as_secs_f64() * 1e3
    );
}

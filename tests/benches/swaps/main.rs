//! What it costs to put another version of a map to work while changes flow:
//!
//!     cargo bench -p dualwright-tests --bench swaps -- [--swaps 1000] [--rows 120]
//!
//! The engine, the sandbox, the registry and the watched folder are the real ones, and so are the components, of
//! `dualwright map build`; the two systems and the journal are in memory, so that what is measured is the runtime.
//!
//! 1. Lost, doubled, out of order: counted in the systems' own log of writes.
//! 2. How long batches take, from the map's call to the last answer of the target, with a swap going on (or as the first
//!    on a new version) and without, in the same run.
//! 3. How often each file was compiled that was copied into the watched folder, good and bad.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark is run by hand, and one that fails should say so at once"
)]

mod compiled;
mod figures;
#[allow(dead_code, reason = "the simulation uses all of it")]
#[path = "../../simulation/map.rs"]
mod map;
#[allow(dead_code, reason = "the simulation uses all of it")]
#[path = "../../simulation/system.rs"]
mod system;
mod timed;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dualwright_engine::{Clock, Engine, EngineSettings, MapLogic, MapSettings, Pair};
use dualwright_model::{MapName, System, Value};
use dualwright_plugin_host::registry::{Installed, Registry, RegistryConfig, Watch, WatchConfig};
use dualwright_plugin_host::{Grants, Host, HostConfig};
use dualwright_store::Store;
use dualwright_store::memory::MemoryStore;
use dualwright_sync::conflict::Policy;

use compiled::Counted;
use figures::Swap;
use system::{FakeSystem, VirtualClock};
use timed::{Recorder, TimedMap, TimedSystem};

const MAP: &str = r#"
[map]
name = "copy"
version = "1.0.VERSION"
finops = "Rows"
dataverse = "rows"
key = [{ finops = "key", dataverse = "key" }]
field = [{ finops = "name", dataverse = "name" }, { finops = "memo", dataverse = "memo" }]
"#;
/// Versions that take turns.
const VERSIONS: usize = 8;
/// The journal is kept about so full.
const BACKLOG: u64 = 600;
/// Between the end of a swap and the beginning of the next.
const BREATH: Duration = Duration::from_millis(15);
/// How long anything may take that has to come.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let argument = |name: &str, default: usize| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    // Under `--` cargo adds arguments of its own; what is unknown is passed over.
    let (swaps, rows) = (argument("--swaps", 1000), argument("--rows", 120));
    tokio::runtime::Runtime::new().unwrap().block_on(run(swaps, rows));
}

fn copy() -> MapName {
    "copy".into()
}

async fn run(swaps: usize, rows: usize) {
    let home = tempfile::tempdir().unwrap();
    let cache_folder = Some(home.path().join("compiled"));
    let host = Host::new(HostConfig { cache_folder, ..HostConfig::default() }).unwrap();
    let counted = Counted::new(host.clone());
    let registry =
        Registry::open(RegistryConfig::new(home.path().join("registry")), Arc::clone(&counted) as _);
    let registry = registry.unwrap();
    let folder = home.path().join("plugins-in");
    let settings = WatchConfig { settle: Duration::from_millis(200), ..WatchConfig::new(&folder) };
    let watch = Watch::start(registry.clone(), settings).unwrap();
    for number in 0..VERSIONS {
        build(home.path(), number, &folder);
    }
    wait_until("every version to be installed", || registry.list().len() == VERSIONS).await;
    let versions: Vec<Installed> = registry.list().into_iter().map(|one| one.component).collect();

    let clock = Arc::new(VirtualClock::default());
    let finops = FakeSystem::new(System::Finops, 1, Arc::clone(&clock));
    let dataverse = FakeSystem::new(System::Dataverse, 2, Arc::clone(&clock));
    let clock: Arc<dyn Clock> = clock;
    finops.hurry();
    dataverse.hurry();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let recorder = Arc::new(Recorder::default());
    for row in 0..rows {
        dataverse.user_set(&format!("r{row:04}"), "name", Value::text("0000000"));
    }
    let pair =
        Pair { finops: TimedSystem::around(finops.connector(), &recorder), dataverse: dataverse.connector() };
    let first = load(&host, &registry, &versions[0], &recorder).await;
    registry.activate(&copy(), &versions[0].digest, "bench").unwrap();
    let maps = vec![MapSettings {
        logic: first,
        policy: Policy::LatestWins,
        master: System::Dataverse,
        initial_sync: true,
    }];
    let settings = EngineSettings { batch_rows: 50, ..EngineSettings::default() };
    let engine = Engine::start(pair, Arc::clone(&store), clock, maps, settings).await.unwrap();
    let engine = Arc::new(engine);
    finops.attach(&engine);
    dataverse.attach(&engine);
    settled(&finops, &dataverse, &store).await;
    let before = finops.writes();

    let stop = Arc::new(AtomicBool::new(false));
    let people = tokio::spawn(people(Arc::clone(&dataverse), Arc::clone(&store), rows, Arc::clone(&stop)));
    let began = Instant::now();
    let mut done = Vec::new();
    for number in 0..swaps {
        if number % 50 == 0 {
            // The same half of a component, under another name each time.
            let whole = registry.bytes(&versions[0].digest).unwrap();
            std::fs::write(folder.join(format!("half-{number}.wasm")), &whole[..whole.len() / 2]).unwrap();
        }
        let next = &versions[(number + 1) % VERSIONS];
        let began = Instant::now();
        let logic = load(&host, &registry, next, &recorder).await;
        let switched = engine.switch(&copy(), logic, "bench").await.unwrap();
        assert_eq!(switched.from, versions[number % VERSIONS].digest, "nobody else switches");
        let (keeper, digest) = (registry.clone(), next.digest.clone());
        let activated = tokio::task::spawn_blocking(move || keeper.activate(&copy(), &digest, "bench"));
        activated.await.unwrap().unwrap();
        done.push(Swap { began, ended: Instant::now() });
        tokio::time::sleep(BREATH).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    stop.store(true, Ordering::SeqCst);
    let edits = people.await.unwrap();
    settled(&finops, &dataverse, &store).await;
    engine.shutdown().await;
    watch.stop();

    println!(
        "{swaps} swaps among {VERSIONS} versions in {seconds:.1} s, {edits} edits, {} writes",
        finops.writes() - before
    );
    let lost = differing(&finops, &dataverse);
    let dead = store.dead_letters(&Default::default(), 100).await.unwrap().len();
    println!("  lost            {:>6}  rows whose last word is not on the other side", lost + dead);
    println!("  doubled         {:>6}  writes that said what was said before", finops.written_twice().len());
    let back = finops.written_back("name").len() + finops.written_back("memo").len();
    println!("  out of order    {back:>6}  writes of an older value over a newer one");
    figures::print(&recorder.take(), &done);
    counted.print(&registry);
    assert_eq!((lost, dead, finops.written_twice().len(), back), (0, 0, 0, 0));
    counted.assert_once();
}

/// Another version, by the same command as authors use, into the watched folder.
fn build(home: &Path, number: usize, folder: &Path) {
    let file = home.join(format!("copy-{number}.toml"));
    std::fs::write(&file, MAP.replace("VERSION", &number.to_string())).unwrap();
    let component = home.join(format!("copy-{number}.wasm"));
    let mut command = support::command().unwrap();
    let output = command.args(["map", "build"]).arg(&file).arg("-o").arg(&component).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(&component, folder.join(format!("copy-{number}.wasm"))).unwrap();
}

async fn load(
    host: &Host,
    registry: &Registry,
    version: &Installed,
    recorder: &Arc<Recorder>,
) -> Arc<dyn MapLogic> {
    let (keeper, digest) = (registry.clone(), version.digest.clone());
    let bytes = tokio::task::spawn_blocking(move || keeper.bytes(&digest)).await.unwrap().unwrap();
    let plugin = host.load_async(&version.file, bytes, Grants::default()).await.unwrap();
    Arc::new(TimedMap::around(plugin, recorder))
}

/// Edits row after row, as long as the journal takes it; answers how many edits that were.
async fn people(
    dataverse: Arc<FakeSystem>,
    store: Arc<dyn Store>,
    rows: usize,
    stop: Arc<AtomicBool>,
) -> usize {
    let mut edits = 0;
    while !stop.load(Ordering::SeqCst) {
        let waiting: u64 = store.counters(&copy()).await.unwrap().values().map(|leg| leg.pending).sum();
        if waiting < BACKLOG {
            for row in 0..rows {
                edits += 1;
                let column = if edits % 2 == 0 { "name" } else { "memo" };
                dataverse.user_set(&format!("r{row:04}"), column, Value::text(format!("{edits:07}")));
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    edits
}

fn differing(finops: &FakeSystem, dataverse: &FakeSystem) -> usize {
    let (here, there) = (dataverse.rows(), finops.rows());
    here.iter().filter(|(key, row)| there.get(*key) != Some(row)).count()
}

async fn settled(finops: &FakeSystem, dataverse: &FakeSystem, store: &Arc<dyn Store>) {
    let until = Instant::now() + PATIENCE;
    loop {
        let waiting: u64 = store.counters(&copy()).await.unwrap().values().map(|leg| leg.pending).sum();
        if waiting == 0 && differing(finops, dataverse) == 0 {
            return;
        }
        // What is lost is counted at the end.
        if Instant::now() > until {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn wait_until(what: &str, is: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

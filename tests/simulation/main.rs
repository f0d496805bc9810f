//! Seeded schedules of edits, faults and crashes against the engine, with systems and time of our own.
//!
//! The oracle: once people stop editing and faults stop, both sides hold the same records (that is the promise of
//! the whole product), and nothing stays in the journal. A failing seed is printed and can be run alone:
//! `SEED=17 cargo test -p dualwright-tests --test simulation`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails says so by panicking"
)]

mod conflict;
mod control;
mod map;
mod records;
mod swap;
mod system;
mod undo;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dualwright_engine::{Clock, Engine, EngineSettings, MapSettings, Pair};
use dualwright_model::{Leg, System, Value};
use dualwright_store::Store;
use dualwright_store::memory::MemoryStore;
use dualwright_sync::conflict::Policy;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::map::CopyMap;
use crate::system::{FakeSystem, Faults, VirtualClock};

pub(crate) struct World {
    pub(crate) finops: Arc<FakeSystem>,
    pub(crate) dataverse: Arc<FakeSystem>,
    pub(crate) store: Arc<MemoryStore>,
    clock: Arc<VirtualClock>,
    policy: Policy,
    master: System,
}

impl World {
    pub(crate) fn new(seed: u64, policy: Policy, master: System) -> Self {
        let clock = Arc::new(VirtualClock::default());
        Self {
            finops: FakeSystem::new(System::Finops, seed, Arc::clone(&clock)),
            dataverse: FakeSystem::new(System::Dataverse, seed + 1, Arc::clone(&clock)),
            store: Arc::new(MemoryStore::new()),
            clock,
            policy,
            master,
        }
    }

    pub(crate) fn pair(&self) -> Pair {
        Pair { finops: self.finops.connector(), dataverse: self.dataverse.connector() }
    }

    pub(crate) async fn start(&self) -> Arc<Engine> {
        let pair = self.pair();
        let settings = EngineSettings {
            batch_rows: 7,
            page_rows: 5,
            sweep_interval: Duration::from_secs(60),
            poll_interval: Duration::from_secs(10),
            ..EngineSettings::default()
        };
        let maps = vec![MapSettings {
            logic: Arc::new(CopyMap::new()),
            policy: self.policy,
            master: self.master,
            initial_sync: true,
        }];
        let store: Arc<dyn Store> = Arc::clone(&self.store) as Arc<dyn Store>;
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        loop {
            match Engine::start(
                pair.clone(),
                Arc::clone(&store),
                Arc::clone(&clock),
                maps.clone(),
                settings.clone(),
            )
            .await
            {
                Ok(engine) => {
                    let engine = Arc::new(engine);
                    self.finops.attach(&engine);
                    self.dataverse.attach(&engine);
                    return engine;
                }
                Err(error) => assert_eq!(error.class(), dualwright_diagnostics::Class::Transient, "{error}"),
            }
        }
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.finops.set_faults(faults);
        self.dataverse.set_faults(faults);
    }

    pub(crate) async fn pending(&self) -> u64 {
        let counters = self.store.counters(&"copy".into()).await.unwrap();
        counters.values().map(|leg| leg.pending).sum()
    }

    async fn converged(&self) -> bool {
        self.finops.rows() == self.dataverse.rows() && self.pending().await == 0
    }
}

pub(crate) async fn settle_down(world: &World, seed: u64) {
    for _ in 0..2000 {
        if world.converged().await {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let (finops, dataverse) = (world.finops.rows(), world.dataverse.rows());
    let differ: BTreeMap<_, _> = finops
        .keys()
        .chain(dataverse.keys())
        .filter(|key| finops.get(*key) != dataverse.get(*key))
        .map(|key| (key.clone(), (finops.get(key), dataverse.get(key))))
        .collect();
    let letters = world.store.dead_letters(&Default::default(), 10).await.unwrap();
    panic!("seed {seed}: not converged; pending {}; {differ:#?}; dead {letters:#?}", world.pending().await);
}

fn edit(world: &World, random: &mut StdRng, counter: &mut i64) {
    let system = if random.random_bool(0.5) { &world.finops } else { &world.dataverse };
    let key = format!("c{}", random.random_range(0..12));
    *counter += 1;
    match random.random_range(0..10) {
        0 => system.user_delete(&key),
        1 => system.user_touch_unmapped(&key),
        2 => system.user_set(&key, "memo", Value::Null),
        3..=5 => system.user_set(&key, "memo", Value::text(format!("memo {counter}"))),
        _ => system.user_set(&key, "name", Value::text(format!("name {counter}"))),
    }
}

async fn run(seed: u64, faults: Faults, crashes: bool) {
    let mut random = StdRng::seed_from_u64(seed);
    let policies = [Policy::FinopsWins, Policy::DataverseWins, Policy::LatestWins, Policy::AskMap];
    let policy = policies[random.random_range(0..4)];
    let master = if random.random_bool(0.5) { System::Finops } else { System::Dataverse };
    let world = World::new(seed, policy, master);
    let mut counter = 0;
    for _ in 0..random.random_range(0..30) {
        edit(&world, &mut random, &mut counter);
    }
    world.set_faults(faults);
    let mut engine = world.start().await;
    for _ in 0..random.random_range(50..300) {
        edit(&world, &mut random, &mut counter);
        if random.random_bool(0.5) {
            tokio::time::sleep(Duration::from_millis(random.random_range(0..400))).await;
        }
        if crashes && random.random_bool(0.03) {
            world.finops.detach();
            world.dataverse.detach();
            // What a kill does: every task ends wherever it stands, with the store as it was.
            engine.abandon();
            tokio::time::sleep(Duration::from_millis(random.random_range(0..2000))).await;
            engine = world.start().await;
        }
    }
    world.set_faults(Faults::none());
    settle_down(&world, seed).await;
    engine.shutdown().await;
    world.finops.assert_log_is_sane(seed);
    world.dataverse.assert_log_is_sane(seed);
}

pub(crate) fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..count).map(|seed| seed * 7919 + 13).collect(),
    }
}

fn block_on_all(count: u64, faults: Faults, crashes: bool) {
    for seed in seeds(count) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(run(seed, faults, crashes));
    }
}

#[test]
fn calm_weather() {
    block_on_all(60, Faults::none(), false);
}

#[test]
fn lost_answers_and_refusals() {
    block_on_all(60, Faults { refuse: 0.1, lose_answer: 0.1, lose_push: 0.2, double_push: 0.2 }, false);
}

#[test]
fn crashes_at_any_await() {
    block_on_all(60, Faults { refuse: 0.05, lose_answer: 0.1, lose_push: 0.2, double_push: 0.1 }, true);
}

/// Where each side edits a column of its own there is no conflict, whatever dies: no older value is ever written after
/// a newer one (I2), and everybody's last word stands.
#[test]
fn everybodys_last_word_stands() {
    for seed in seeds(150) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut random = StdRng::seed_from_u64(seed);
            let policy = [Policy::FinopsWins, Policy::DataverseWins][random.random_range(0..2)];
            let world = World::new(seed, policy, System::Finops);
            let mut words = BTreeMap::new();
            for key in 0..4 {
                world.finops.user_set(&format!("c{key}"), "name", Value::text("00000"));
            }
            world.set_faults(Faults { refuse: 0.05, lose_answer: 0.1, lose_push: 0.1, double_push: 0.2 });
            let mut engine = world.start().await;
            settle_down(&world, seed).await;
            for edit in 1..300 {
                let key = format!("c{}", random.random_range(0..4));
                let value = Value::text(format!("{edit:05}"));
                let (side, column) = if random.random_bool(0.5) {
                    (&world.finops, "name")
                } else {
                    (&world.dataverse, "memo")
                };
                side.user_set(&key, column, value.clone());
                words.insert((key, column), value);
                tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
                if random.random_bool(0.02) {
                    world.finops.detach();
                    world.dataverse.detach();
                    engine.abandon();
                    engine = world.start().await;
                }
            }
            world.set_faults(Faults::none());
            settle_down(&world, seed).await;
            engine.shutdown().await;
            world.finops.assert_never_older(seed, "memo");
            world.dataverse.assert_never_older(seed, "name");
            let rows = world.finops.rows();
            for ((key, column), word) in words {
                assert_eq!(rows[&key].get(column), Some(&word), "seed {seed}: {column} of {key}");
            }
        });
    }
}

/// Where each side makes, edits and deletes records of its own there is no conflict either: what their side said last
/// is what both sides say.
#[test]
fn what_was_deleted_last_stays_deleted() {
    for seed in seeds(150) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut random = StdRng::seed_from_u64(seed);
            let policy = [Policy::FinopsWins, Policy::DataverseWins][random.random_range(0..2)];
            let world = World::new(seed, policy, System::Finops);
            world.set_faults(Faults { refuse: 0.05, lose_answer: 0.1, lose_push: 0.1, double_push: 0.2 });
            let mut engine = world.start().await;
            let mut words = BTreeMap::new();
            for edit in 1..250 {
                let (side, key) = match random.random_range(0..6) {
                    number @ 0..3 => (&world.finops, format!("f{number}")),
                    number => (&world.dataverse, format!("d{number}")),
                };
                if random.random_bool(0.3) {
                    side.user_delete(&key);
                    words.insert(key, None);
                } else {
                    let value = Value::text(format!("{edit:05}"));
                    side.user_set(&key, "name", value.clone());
                    words.insert(key, Some(value));
                }
                tokio::time::sleep(Duration::from_millis(random.random_range(0..150))).await;
                if random.random_bool(0.03) {
                    world.finops.detach();
                    world.dataverse.detach();
                    engine.abandon();
                    engine = world.start().await;
                }
            }
            world.set_faults(Faults::none());
            settle_down(&world, seed).await;
            engine.shutdown().await;
            let rows = world.dataverse.rows();
            for (key, word) in words {
                let stands = rows.get(&key).map(|row| row["name"].clone());
                assert_eq!(stands, word, "seed {seed}: {key}");
            }
        });
    }
}

/// What an initial sync had just created when it died is not the other side's word against the row it came from.
#[test]
fn an_initial_sync_that_dies_knows_what_it_made() {
    for seed in seeds(100) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut random = StdRng::seed_from_u64(seed);
            let world = World::new(seed, Policy::FinopsWins, System::Finops);
            for number in 0..12 {
                world.dataverse.user_set(&format!("d{number}"), "name", Value::text("new"));
            }
            let engine = world.start().await;
            tokio::time::sleep(Duration::from_millis(random.random_range(0..400))).await;
            world.finops.detach();
            world.dataverse.detach();
            engine.abandon();
            for number in 0..12 {
                world.dataverse.user_set(&format!("d{number}"), "memo", Value::text("meanwhile"));
            }
            let engine = world.start().await;
            settle_down(&world, seed).await;
            engine.shutdown().await;
            world.finops.assert_log_is_sane(seed);
            let rows = world.finops.rows();
            for (key, row) in rows {
                assert_eq!(row["memo"], Value::text("meanwhile"), "seed {seed}: {key}");
            }
        });
    }
}

#[test]
fn a_renamed_key_stays_one_record() {
    for seed in seeds(20) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::new(seed, Policy::FinopsWins, System::Finops);
            world.finops.user_set("old", "name", Value::text("one"));
            let engine = world.start().await;
            settle_down(&world, seed).await;
            let renamer = if seed % 2 == 0 { &world.dataverse } else { &world.finops };
            renamer.user_rename("old", "new");
            settle_down(&world, seed).await;
            assert_eq!(world.finops.rows().keys().collect::<Vec<_>>(), ["new"], "seed {seed}");
            let counters = engine.status().await.unwrap();
            assert!(counters.iter().all(|map| map.legs.contains_key(&Leg::ToDataverse)));
            // I8: the link of every written record names the map's version and component.
            let links = world.store.links_after(&"copy".into(), None, 10).await.unwrap();
            assert_eq!((links[0].map_version.as_str(), links[0].digest.as_str()), ("1.0.0", "native"));
            engine.shutdown().await;
        });
    }
}

//! Versions that come and go while changes flow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dualwright_engine::{Engine, Event};
use dualwright_model::{IntegrationKey, MapName, System, Value};
use dualwright_store::Store;
use dualwright_sync::conflict::Policy;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::map::{CopyMap, Flaw};
use crate::system::Faults;
use crate::{World, seeds, settle_down};

fn paused(story: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(story);
}

fn map() -> MapName {
    "copy".into()
}

async fn switch(engine: &Engine, version: &str, digest: &str, flaw: Flaw) {
    engine.switch(&map(), Arc::new(CopyMap::version(version, digest, flaw)), "test").await.unwrap();
}

/// A hundred switches a seed while both sides edit, answers are lost and the runtime dies: everybody's last word stands,
/// nothing is written twice, no older value follows a newer one.
#[test]
fn switches_under_load_lose_nothing() {
    for seed in seeds(10) {
        paused(async {
            let mut random = StdRng::seed_from_u64(seed);
            let world = World::new(seed, Policy::FinopsWins, System::Finops);
            for key in 0..6 {
                world.finops.user_set(&format!("c{key}"), "name", Value::text("00000"));
            }
            world.set_faults(Faults { refuse: 0.02, lose_answer: 0.05, lose_push: 0.1, double_push: 0.2 });
            let mut engine = world.start().await;
            settle_down(&world, seed).await;
            let mut words = BTreeMap::new();
            let mut switches = 0;
            for edit in 1..400 {
                let key = format!("c{}", random.random_range(0..6));
                let value = Value::text(format!("{edit:05}"));
                let (side, column) = if random.random_bool(0.5) {
                    (&world.finops, "name")
                } else {
                    (&world.dataverse, "memo")
                };
                side.user_set(&key, column, value.clone());
                words.insert((key, column), value);
                tokio::time::sleep(Duration::from_millis(random.random_range(0..60))).await;
                if random.random_bool(0.25) {
                    switches += 1;
                    let next = Arc::new(CopyMap::version("1.1.0", &format!("v{switches}"), Flaw::None));
                    // A system that does not answer leaves the version that is there.
                    let _ = engine.switch(&map(), next, "test").await;
                }
                if random.random_bool(0.01) {
                    world.finops.detach();
                    world.dataverse.detach();
                    engine.abandon();
                    engine = world.start().await;
                }
            }
            assert!(switches > 50, "only {switches} switches");
            world.set_faults(Faults::none());
            settle_down(&world, seed).await;
            engine.shutdown().await;
            world.finops.assert_log_is_sane(seed);
            world.dataverse.assert_log_is_sane(seed);
            world.finops.assert_never_older(seed, "memo");
            world.dataverse.assert_never_older(seed, "name");
            let rows = world.finops.rows();
            for ((key, column), word) in words {
                assert_eq!(rows[&key].get(column), Some(&word), "seed {seed}: {column} of {key}");
            }
        });
    }
}

/// Waits for the engine to undo a switch; answers the evidence.
async fn undone(events: &mut tokio::sync::broadcast::Receiver<Event>) -> String {
    let wait = async {
        loop {
            if let Event::Undone { digest, evidence, .. } = events.recv().await.unwrap() {
                assert_eq!(digest.as_str(), "bad");
                return evidence;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(3600), wait).await.unwrap()
}

async fn keep_editing(world: &World, from: i64, edits: i64) {
    for edit in from..from + edits {
        world.finops.user_set(&format!("c{}", edit % 20), "name", Value::text(format!("{edit:05}")));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_version_that_traps_is_undone_and_its_records_arrive() {
    paused(async {
        let world = World::new(1, Policy::FinopsWins, System::Finops);
        let engine = world.start().await;
        keep_editing(&world, 0, 100).await;
        settle_down(&world, 1).await;
        let mut events = engine.events();
        switch(&engine, "1.1.0", "bad", Flaw::Traps).await;
        keep_editing(&world, 100, 100).await;
        let evidence = undone(&mut events).await;
        assert!(
            evidence.contains("failed on") && evidence.contains("go through the version before"),
            "{evidence}"
        );
        settle_down(&world, 1).await;
        assert_eq!(engine.digest(&map()).unwrap().as_str(), "native");
        assert!(world.store.dead_letters(&Default::default(), 10).await.unwrap().is_empty());
        let lines = world.store.activities(Some(&map()), 50).await.unwrap();
        let told = lines.iter().any(|line| line.kind == "switch" && line.message.contains("was undone"));
        assert!(told, "{lines:#?}");
        engine.shutdown().await;
    });
}

#[test]
fn a_version_that_refuses_more_is_undone() {
    paused(async {
        let world = World::new(2, Policy::FinopsWins, System::Finops);
        let engine = world.start().await;
        keep_editing(&world, 0, 100).await;
        settle_down(&world, 2).await;
        let mut events = engine.events();
        switch(&engine, "1.1.0", "bad", Flaw::Refuses).await;
        keep_editing(&world, 100, 200).await;
        let evidence = undone(&mut events).await;
        assert!(evidence.contains("refused"), "{evidence}");
        // What it refused is for a person to look at: a refusal may be right.
        assert!(!world.store.dead_letters(&Default::default(), 1).await.unwrap().is_empty());
        engine.shutdown().await;
    });
}

#[test]
fn a_candidate_is_compared_and_writes_nothing() {
    paused(async {
        let world = World::new(3, Policy::FinopsWins, System::Finops);
        world.finops.user_set("before", "memo", Value::text("quiet"));
        let engine = world.start().await;
        settle_down(&world, 3).await;
        let candidate = Arc::new(CopyMap::version("2.0.0", "candidate", Flaw::Shouts));
        engine.shadow(&map(), candidate, 10).await.unwrap();
        let (digest, report) = engine.shadow_report(&map()).unwrap().unwrap();
        assert_eq!(digest.as_str(), "candidate");
        assert_eq!((report.rows, report.same), (2, 0), "the row is on both sides by now: {report:#?}");
        world.finops.user_set("after", "memo", Value::text("soft"));
        world.finops.user_set("silent", "name", Value::text("no memo"));
        settle_down(&world, 3).await;
        let report = engine.end_shadow(&map()).unwrap().unwrap();
        assert!(engine.shadow_report(&map()).unwrap().is_none());
        let memo = &report.differences["memo"];
        assert!(memo.rows >= 3, "{report:#?}");
        assert_eq!(
            (memo.samples[0].live.as_str(), memo.samples[0].candidate.as_str()),
            ("\"quiet\"", "\"QUIET\"")
        );
        assert!(
            report.same >= 1 && report.faults == 0 && !report.differences.contains_key("name"),
            "{report:#?}"
        );
        assert_eq!(world.dataverse.rows()["after"]["memo"], Value::text("soft"));
        engine.shutdown().await;
    });
}

#[test]
fn a_map_of_another_table_is_no_version_of_this_one() {
    paused(async {
        let world = World::new(4, Policy::FinopsWins, System::Finops);
        let engine = world.start().await;
        let other = Arc::new(CopyMap::of_another_table());
        let error = engine.switch(&map(), other, "test").await.unwrap_err().to_string();
        assert!(error.contains("others") && error.contains("another map"), "{error}");
        let error = engine.switch(&"nobody".into(), Arc::new(CopyMap::new()), "test").await.unwrap_err();
        assert!(error.to_string().contains("no map named nobody"), "{error}");
        engine.shutdown().await;
    });
}

/// Waits until Dataverse says this of a record's memo.
async fn memo_is(world: &World, key: &str, memo: &str) {
    for _ in 0..2000 {
        let rows = world.dataverse.rows();
        if rows.get(key).is_some_and(|row| row["memo"] == Value::text(memo)) && world.pending().await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("{key} is {:?}", world.dataverse.rows().get(key));
}

#[test]
fn what_a_bad_version_wrote_is_written_again() {
    paused(async {
        let world = World::new(5, Policy::FinopsWins, System::Finops);
        world.finops.user_set("good", "memo", Value::text("quiet"));
        let engine = world.start().await;
        settle_down(&world, 5).await;
        switch(&engine, "2.0.0", "bad-digest", Flaw::Shouts).await;
        world.finops.user_set("harmed", "memo", Value::text("soft"));
        memo_is(&world, "harmed", "SOFT").await;
        let key = IntegrationKey::new([&Value::text("harmed")]);
        let link = engine.story(&map(), &key).await.unwrap().link.unwrap();
        let writer = link.dataverse.writer.unwrap();
        assert_eq!((writer.map_version.as_str(), writer.digest.as_str()), ("2.0.0", "bad-digest"));
        assert_eq!(link.finops.writer, None, "nobody but its people ever wrote there");
        switch(&engine, "1.0.1", "mended", Flaw::None).await;
        assert_eq!(engine.reapply(&map(), "3.0.0").await.unwrap(), 0);
        assert_eq!(engine.reapply(&map(), "2.0.0").await.unwrap(), 1, "only what it wrote");
        memo_is(&world, "harmed", "soft").await;
        settle_down(&world, 5).await;
        let link = engine.story(&map(), &key).await.unwrap().link.unwrap();
        assert_eq!(link.dataverse.writer.unwrap().digest.as_str(), "mended");
        assert_eq!(engine.reapply(&map(), "bad-dige").await.unwrap(), 0, "it is done");
        engine.shutdown().await;
        world.dataverse.assert_log_is_sane(5);
    });
}

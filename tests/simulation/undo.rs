//! A version that is undone stays undone, wherever the process dies.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dualwright_engine::{Engine, Event, Keeper, Undone};
use dualwright_model::{MapName, System, Value};
use dualwright_store::Store;
use dualwright_sync::conflict::Policy;
use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::map::{CopyMap, Flaw};
use crate::{World, settle_down};

/// What a keeper does when it is told.
#[derive(Clone, Copy)]
enum Answer {
    /// It is durable.
    Kept,
    /// The disk is full.
    Failed,
    /// It is durable, and the process dies before anybody hears so.
    Dies,
}

/// Notes what it is told, and which version was at work at that moment.
struct Witness {
    engine: Mutex<Option<Arc<Engine>>>,
    told: UnboundedSender<(Undone, String)>,
    answer: Answer,
    /// What an operator puts to work just then.
    meanwhile: Option<&'static str>,
}

fn map() -> MapName {
    "copy".into()
}

impl Witness {
    fn before(
        engine: &Arc<Engine>,
        answer: Answer,
        meanwhile: Option<&'static str>,
    ) -> UnboundedReceiver<(Undone, String)> {
        let (told, heard) = unbounded_channel();
        let keeper: Arc<dyn Keeper> =
            Arc::new(Self { engine: Mutex::new(Some(Arc::clone(engine))), told, answer, meanwhile });
        engine.set_keeper(&keeper);
        heard
    }
}

#[async_trait]
impl Keeper for Witness {
    async fn condemn(&self, undone: &Undone) -> Result<(), String> {
        let engine = self.engine.lock().unwrap().take().unwrap();
        let at_work = engine.digest(&map()).unwrap().to_string();
        if let Some(digest) = self.meanwhile {
            let next = Arc::new(CopyMap::version("2.0.0", digest, Flaw::None));
            engine.switch(&map(), next, "anna").await.unwrap();
        }
        self.told.send((undone.clone(), at_work)).unwrap();
        match self.answer {
            Answer::Kept => Ok(()),
            Answer::Failed => Err("no space left on device".to_owned()),
            Answer::Dies => std::future::pending().await,
        }
    }
}

fn paused(story: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(story);
}

async fn edit(world: &World, edits: std::ops::Range<i64>) {
    for edit in edits {
        world.finops.user_set(&format!("c{}", edit % 20), "name", Value::text(format!("{edit:05}")));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A world in which a bad version has just been put to work, and what its keeper is told.
async fn tried(
    answer: Answer,
    meanwhile: Option<&'static str>,
) -> (World, Arc<Engine>, UnboundedReceiver<(Undone, String)>, Receiver<Event>) {
    let world = World::new(11, Policy::FinopsWins, System::Finops);
    let engine = world.start().await;
    edit(&world, 0..60).await;
    settle_down(&world, 11).await;
    let heard = Witness::before(&engine, answer, meanwhile);
    let events = engine.events();
    let bad = Arc::new(CopyMap::version("1.1.0", "bad", Flaw::Traps));
    engine.switch(&map(), bad, "anna").await.unwrap();
    edit(&world, 60..160).await;
    (world, engine, heard, events)
}

async fn heard(told: &mut UnboundedReceiver<(Undone, String)>) -> (Undone, String) {
    tokio::time::timeout(Duration::from_secs(3600), told.recv()).await.unwrap().unwrap()
}

/// I7: what must not run is remembered before anything else, with how both versions had fared.
#[test]
fn the_keeper_knows_before_the_version_before_is_back() {
    paused(async {
        let (world, engine, mut told, _) = tried(Answer::Kept, None).await;
        let (undone, at_work) = heard(&mut told).await;
        assert_eq!(at_work, "bad", "it was told first");
        assert_eq!((undone.digest.as_str(), undone.back_to.as_str()), ("bad", "native"));
        let counters = &undone.counters;
        assert!(counters["undone-faults"] >= 3 && counters["undone-faults"] == counters["undone-rows"]);
        assert!(counters["before-rows"] >= 20 && counters["before-faults"] == 0, "{counters:?}");
        settle_down(&world, 11).await;
        assert_eq!(engine.digest(&map()).unwrap().as_str(), "native");
        engine.shutdown().await;
    });
}

/// Killed right after the keeper knew: the next start brings the version before, and what the bad one failed on arrives.
#[test]
fn a_death_in_the_middle_of_an_undo_costs_nothing() {
    paused(async {
        let (world, engine, mut told, _) = tried(Answer::Dies, None).await;
        let (undone, _) = heard(&mut told).await;
        world.finops.detach();
        world.dataverse.detach();
        engine.abandon();
        let dead = world.store.dead_letters(&Default::default(), 500).await.unwrap();
        assert!(dead.iter().any(|letter| letter.letter.digest == undone.digest), "it failed on something");
        // What the registry says is live by now is `back_to`: that is what the world starts.
        let engine = world.start().await;
        assert_eq!(engine.digest(&map()).unwrap(), undone.back_to);
        assert!(engine.replay_faults(&undone.map, &undone.digest).await.unwrap() > 0);
        assert_eq!(engine.replay_faults(&undone.map, &undone.digest).await.unwrap(), 0, "once");
        settle_down(&world, 11).await;
        assert!(world.store.dead_letters(&Default::default(), 1).await.unwrap().is_empty());
        engine.shutdown().await;
        world.dataverse.assert_log_is_sane(11);
        world.dataverse.assert_never_older(11, "name");
    });
}

#[test]
fn a_bad_version_goes_even_if_nobody_can_remember_it() {
    paused(async {
        let (world, engine, mut told, mut events) = tried(Answer::Failed, None).await;
        heard(&mut told).await;
        let wait = async {
            loop {
                if let Event::Undone { counters, .. } = events.recv().await.unwrap() {
                    return counters;
                }
            }
        };
        let counters = tokio::time::timeout(Duration::from_secs(3600), wait).await.unwrap();
        assert!(counters["undone-faults"] >= 3);
        settle_down(&world, 11).await;
        assert_eq!(engine.digest(&map()).unwrap().as_str(), "native");
        engine.shutdown().await;
    });
}

/// An operator who is quicker has the last word: the version before does not take over from theirs.
#[test]
fn another_version_that_was_put_to_work_meanwhile_stays() {
    paused(async {
        let (world, engine, mut told, _) = tried(Answer::Kept, Some("mended")).await;
        heard(&mut told).await;
        edit(&world, 160..200).await;
        assert_eq!(engine.digest(&map()).unwrap().as_str(), "mended");
        engine.replay_faults(&map(), &"bad".into()).await.unwrap();
        settle_down(&world, 11).await;
        assert_eq!(engine.digest(&map()).unwrap().as_str(), "mended");
        engine.shutdown().await;
    });
}

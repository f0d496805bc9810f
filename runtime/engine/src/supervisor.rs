//! Assembles the engine, starts its tasks in the right order, stops them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dualwright_connect::{Connector, Nudge};
use dualwright_model::{Digest, IntegrationKey, Leg, MapName, Record, System};
use dualwright_store::{MapStateRecord, Store};
use dualwright_sync::map_state::{MapState, Request};
use dualwright_sync::wave;
use futures::future::join_all;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::capture::{CaptureTask, NudgeMessage};
use crate::map::MapContext;
use crate::shadow::Shadow;
use crate::versions::{Versions, replay_faults_of};
use crate::worker::{Worker, activity};
use crate::{
    Clock, EngineError, EngineSettings, Event, Examined, Keeper, MapLogic, MapSettings, MapStatus,
    RecordStory, ShadowReport, Switched, examine, initial_sync, preview, record,
};

/// Nudges that may wait for one capture task; more are refused and sent again by the system.
const NUDGES_QUEUED: usize = 10_000;
/// Events an onlooker may lag behind.
const EVENTS_QUEUED: usize = 4096;
/// How long a push may wait for its change to become durable.
const NUDGE_PATIENCE: Duration = Duration::from_secs(30);

/// Two linked environments.
#[derive(Clone)]
pub struct Pair {
    /// The F&O side.
    pub finops: Arc<dyn Connector>,
    /// The Dataverse side.
    pub dataverse: Arc<dyn Connector>,
}

impl Pair {
    /// One side.
    pub fn connector(&self, system: System) -> &Arc<dyn Connector> {
        match system {
            System::Finops => &self.finops,
            System::Dataverse => &self.dataverse,
        }
    }
}

struct RunningMap {
    versions: Arc<Versions>,
    inlets: BTreeMap<Leg, mpsc::Sender<NudgeMessage>>,
}

/// A running pair. Dropping it abandons its tasks; [`shutdown`](Engine::shutdown) lets them finish their batches.
pub struct Engine {
    maps: BTreeMap<MapName, RunningMap>,
    store: Arc<dyn Store>,
    events: broadcast::Sender<Event>,
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<Result<(), EngineError>>>,
    failure: watch::Receiver<Option<String>>,
}

impl Engine {
    /// Checks every map against both systems, then starts them in the background: initial syncs in waves, changes as
    /// soon as a map's own initial sync is through.
    ///
    /// # Errors
    /// When a system cannot be reached, a map does not fit its tables, two maps have one name, or the store fails.
    pub async fn start(
        pair: Pair,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        maps: Vec<MapSettings>,
        settings: EngineSettings,
    ) -> Result<Self, EngineError> {
        let (events, _) = broadcast::channel(EVENTS_QUEUED);
        let (arrivals, _) = broadcast::channel(EVENTS_QUEUED);
        let stored: BTreeMap<MapName, MapStateRecord> =
            store.map_states().await?.into_iter().map(|state| (state.map.clone(), state)).collect();
        let built = join_all(maps.iter().map(|map| {
            let (store, clock) = (Arc::clone(&store), Arc::clone(&clock));
            MapContext::build(map, &settings, &pair, store, clock, arrivals.clone(), events.clone())
        }))
        .await;
        let mut running = BTreeMap::new();
        let mut captures = BTreeMap::new();
        for context in built {
            let context = context?;
            if let Some(state) = stored.get(&context.name) {
                let word = MapState::from_word(&state.state).unwrap_or_default();
                context.state.send_replace((word, state.reason.clone()));
            }
            let name = context.name.clone();
            let versions = Arc::new(Versions::new(context));
            let (inlets, tasks) = capture_tasks(&versions);
            captures.insert(name.clone(), tasks);
            if running.insert(name.clone(), RunningMap { versions, inlets }).is_some() {
                return Err(EngineError::Map {
                    map: name.to_string(),
                    reason: "two maps have this name".into(),
                });
            }
        }
        let (stop, stopped) = watch::channel(false);
        let (failed, failure) = watch::channel(None);
        let versions: BTreeMap<MapName, Arc<Versions>> =
            running.iter().map(|(name, map)| (name.clone(), Arc::clone(&map.versions))).collect();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let result = supervise(versions, captures, stopped).await;
            if let Err(error) = &result {
                tracing::error!(%error, "the engine stopped");
                failed.send_replace(Some(error.to_string()));
            }
            result
        });
        Ok(Self { maps: running, store, events, stop, tasks: Mutex::new(tasks), failure })
    }

    /// What happens from now on, for onlookers.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Becomes `Some` when the engine had to give up (its store failed); the process should end then.
    pub fn failure(&self) -> watch::Receiver<Option<String>> {
        self.failure.clone()
    }

    /// The store, for reading.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The tables whose pushes are of interest on one side.
    pub fn tables(&self, system: System) -> Vec<dualwright_model::TableName> {
        let tables: BTreeSet<_> = self
            .maps
            .values()
            .map(|map| map.versions.now())
            .filter(|context| context.has_leg(system.outgoing()))
            .map(|context| context.description().table(system).clone())
            .collect();
        tables.into_iter().collect()
    }

    /// Hands a push to the maps it concerns. Returns once what it was about is durable in the journal (I1), so that
    /// the caller may acknowledge it then.
    ///
    /// # Errors
    /// [`EngineError::Closing`] when that did not happen in time: the system must send it again.
    pub async fn nudge(&self, nudge: Nudge) -> Result<(), EngineError> {
        let leg = nudge.system.outgoing();
        let mut told = Vec::new();
        for map in self.maps.values() {
            let context = map.versions.now();
            let side = context.side(nudge.system);
            let meant = nudge.table.eq_ignore_ascii_case(side.schema.name.as_str())
                || nudge.table.eq_ignore_ascii_case(&side.schema.logical_name);
            let capturing = !matches!(context.state.borrow().0, MapState::NotRunning);
            let Some(inlet) = map.inlets.get(&leg).filter(|_| meant && capturing) else { continue };
            let feed = side.connector.has_change_feed();
            let (captured, durable) = oneshot::channel();
            let (id, cells) = (nudge.id.clone(), nudge.cells.clone());
            let message = NudgeMessage { id, cells, deleted: nudge.deleted, captured };
            let sent = inlet.try_send(message).is_ok();
            // With a change feed nothing depends on the push: the feed will tell again.
            if feed {
                continue;
            }
            if !sent {
                return Err(EngineError::Closing);
            }
            told.push(durable);
        }
        let durable = tokio::time::timeout(NUDGE_PATIENCE, join_all(told)).await;
        match durable {
            Ok(all) if all.iter().all(Result::is_ok) => Ok(()),
            _ => Err(EngineError::Closing),
        }
    }

    /// How all maps stand.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<Vec<MapStatus>, EngineError> {
        let mut all = Vec::new();
        for (name, map) in &self.maps {
            let context = map.versions.now();
            let (state, reason) = context.state.borrow().clone();
            all.push(MapStatus {
                map: name.clone(),
                version: context.description().version.clone(),
                digest: context.logic.digest().to_string(),
                state,
                reason,
                legs: self.store.counters(name).await?,
            });
        }
        Ok(all)
    }

    /// Pauses or resumes a map. While it is paused, changes go on being captured.
    ///
    /// # Errors
    /// When there is no such map, its state does not allow it, or the store fails.
    pub async fn request(
        &self,
        map: &MapName,
        request: Request,
        actor: &str,
    ) -> Result<MapState, EngineError> {
        change_state(&self.versions(map)?.now(), request, actor, "asked for").await
    }

    fn versions(&self, map: &MapName) -> Result<&Versions, EngineError> {
        let running = self.maps.get(map).ok_or_else(|| EngineError::UnknownMap(map.to_string()))?;
        Ok(&running.versions)
    }

    /// Puts another version of a map to work, from its next batch on: what is in flight ends on the version it began
    /// with. Everything that can fail is done before: the new version is checked against both systems first.
    ///
    /// The new version is on trial until the health policy trusts it; if that says so, the version before comes back by
    /// itself ([`Event::Undone`]).
    ///
    /// # Errors
    /// When there is no such map, the version does not fit its tables and key, a system cannot be asked, or the store
    /// fails.
    pub async fn switch(
        &self,
        map: &MapName,
        logic: Arc<dyn MapLogic>,
        actor: &str,
    ) -> Result<Switched, EngineError> {
        let versions = self.versions(map)?;
        let next = versions.now().with_logic(logic).await?;
        versions.switch(next, actor).await
    }

    /// From now on a version that is undone is first told to the keeper.
    pub fn set_keeper(&self, keeper: &Arc<dyn Keeper>) {
        for map in self.maps.values() {
            map.versions.set_keeper(Arc::clone(keeper));
        }
    }

    /// Puts the records that a version failed on (not those that it refused) back into the journal, to go through the
    /// version that is at work now. An undo does this by itself, unless the process dies in the middle of it. Answers how
    /// many records that are.
    ///
    /// # Errors
    /// When there is no such map, or the store fails.
    pub async fn replay_faults(&self, map: &MapName, digest: &Digest) -> Result<usize, EngineError> {
        replay_faults_of(&self.versions(map)?.now(), digest).await
    }

    /// Puts a candidate beside the live version of a map: it gets what the live one gets, and nothing of its answers is
    /// applied. It begins with up to `sample` rows a leg: the newest captured changes, and rows read now where fewer were
    /// kept. A candidate that was there before is dropped.
    ///
    /// # Errors
    /// When there is no such map, the candidate does not fit its tables and key, or a system cannot be asked.
    pub async fn shadow(
        &self,
        map: &MapName,
        candidate: Arc<dyn MapLogic>,
        sample: usize,
    ) -> Result<(), EngineError> {
        let versions = self.versions(map)?;
        let live = versions.now();
        let context = live.with_logic(Arc::clone(&candidate)).await?;
        let shadow = Arc::new(Shadow::start(candidate));
        for leg in context.legs_master_first().into_iter().filter(|leg| live.has_leg(*leg)) {
            shadow.begin_with(preview::compare(&live, &context, leg, sample).await?);
        }
        versions.set_shadow(Some(shadow));
        Ok(())
    }

    /// What the candidate beside a map found so far, and which it is.
    ///
    /// # Errors
    /// When there is no such map.
    pub fn shadow_report(&self, map: &MapName) -> Result<Option<(Digest, ShadowReport)>, EngineError> {
        let shadow = self.versions(map)?.shadow();
        Ok(shadow.map(|shadow| (shadow.digest().clone(), shadow.report())))
    }

    /// Takes the candidate away; answers what it found.
    ///
    /// # Errors
    /// When there is no such map.
    pub fn end_shadow(&self, map: &MapName) -> Result<Option<ShadowReport>, EngineError> {
        Ok(self.versions(map)?.set_shadow(None).map(|shadow| shadow.report()))
    }

    /// Everything that is known of one record.
    ///
    /// # Errors
    /// When there is no such map, or the store fails.
    pub async fn story(&self, map: &MapName, key: &IntegrationKey) -> Result<RecordStory, EngineError> {
        record::story(&self.versions(map)?.now(), key).await
    }

    /// What would become of a record if one side told of it now: through the map, its validators and extensions as they
    /// are at work, without writing anything. Values are taken as the source's columns hold them.
    ///
    /// # Errors
    /// When there is no such map, or it has no such leg.
    pub async fn examine(&self, map: &MapName, leg: Leg, record: Record) -> Result<Examined, EngineError> {
        examine::examine(&self.versions(map)?.now(), leg, record).await
    }

    /// Puts every record that a version of the map wrote last back into the journal, to go through the version that is
    /// at work now. `which` is a version as the map calls it, or at least eight characters of a component's digest.
    /// Answers how many rows that are.
    ///
    /// # Errors
    /// When there is no such map, or the store fails.
    pub async fn reapply(&self, map: &MapName, which: &str) -> Result<usize, EngineError> {
        record::reapply(&self.versions(map)?.now(), which).await
    }

    /// The component at work.
    ///
    /// # Errors
    /// When there is no such map.
    pub fn digest(&self, map: &MapName) -> Result<Digest, EngineError> {
        Ok(self.versions(map)?.now().logic.digest().clone())
    }

    /// Puts dead letters back into the journal, to go through the map as it is now. Answers how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn replay(&self, ids: &[dualwright_store::DeadLetterId]) -> Result<usize, EngineError> {
        let count = self.store.replay(ids).await?;
        for map in self.maps.values() {
            map.versions.now().captured.notify_one();
        }
        Ok(count)
    }

    /// Ends at once, wherever the tasks stand. Nothing is lost by it: what was not settled is done again after the
    /// next start.
    pub fn abandon(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    /// Lets every task finish the batch it is at, then ends.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
    }
}

type Captures = BTreeMap<MapName, Vec<CaptureTask>>;

fn capture_tasks(versions: &Arc<Versions>) -> (BTreeMap<Leg, mpsc::Sender<NudgeMessage>>, Vec<CaptureTask>) {
    let mut inlets = BTreeMap::new();
    let mut tasks = Vec::new();
    let map = versions.now();
    for leg in map.legs_master_first() {
        let (inlet, nudges) = mpsc::channel(NUDGES_QUEUED);
        inlets.insert(leg, inlet);
        let (versions, map) = (Arc::clone(versions), Arc::clone(&map));
        tasks.push(CaptureTask { versions, map, leg, nudges, sweep_first: false });
    }
    (inlets, tasks)
}

async fn supervise(
    versions: BTreeMap<MapName, Arc<Versions>>,
    mut captures: Captures,
    stop: watch::Receiver<bool>,
) -> Result<(), EngineError> {
    let mut tasks: JoinSet<Result<(), EngineError>> = JoinSet::new();
    let contexts: BTreeMap<MapName, Arc<MapContext>> =
        versions.iter().map(|(name, versions)| (name.clone(), versions.now())).collect();
    for context in contexts.values() {
        prepare(context).await?;
    }
    // Maps that were under way go on at once, with a full comparison where pushes may have been lost meanwhile.
    for (name, versions) in &versions {
        if versions.now().state.borrow().0 != MapState::InitialSync {
            for mut capture in captures.remove(name).unwrap_or_default() {
                capture.sweep_first = true;
                tasks.spawn(capture.run(stop.clone()));
            }
            tasks.spawn(Worker::new(Arc::clone(versions)).run(stop.clone()));
        }
    }
    for wave in wave::waves(&needs(&contexts)) {
        let beginning: Vec<Arc<Versions>> = wave
            .iter()
            .filter_map(|name| versions.get(name))
            .filter(|versions| versions.now().state.borrow().0 == MapState::InitialSync)
            .cloned()
            .collect();
        // Pushes of systems without a feed are captured from the first moment: they wait in the journal.
        let mut followers = Vec::new();
        for context in beginning.iter().map(|versions| versions.now()) {
            for capture in captures.remove(&context.name).unwrap_or_default() {
                if context.side(capture.leg.source()).connector.has_change_feed() {
                    followers.push(capture);
                } else {
                    tasks.spawn(capture.run(stop.clone()));
                }
            }
        }
        let ended = join_all(beginning.iter().map(|versions| initial_sync::run(versions, &stop))).await;
        for (versions, ended) in beginning.iter().zip(ended) {
            if !ended? {
                continue;
            }
            let context = versions.now();
            change_state(&context, Request::InitialSyncDone, "engine", "the initial sync is through").await?;
            tasks.spawn(Worker::new(Arc::clone(versions)).run(stop.clone()));
        }
        for capture in followers {
            tasks.spawn(capture.run(stop.clone()));
        }
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(result) => result?,
            Err(error) if error.is_panic() => {
                return Err(EngineError::Map { map: "?".into(), reason: format!("a task failed: {error}") });
            }
            Err(_) => {}
        }
    }
    Ok(())
}

/// Brings a map into the state in which its tasks may start.
async fn prepare(context: &MapContext) -> Result<(), EngineError> {
    let state = context.state.borrow().0;
    match state {
        MapState::NotRunning if context.initial_sync => {
            change_state(context, Request::StartWithInitialSync, "engine", "first start").await?;
        }
        MapState::NotRunning | MapState::Running => {
            change_state(context, Request::Start, "engine", "the runtime started").await?;
        }
        MapState::InitialSync | MapState::Paused | MapState::CatchingUp | MapState::StoppedByErrors => {}
    }
    Ok(())
}

/// Moves a map to another state, durably, with its line in the activity log.
pub(crate) async fn change_state(
    context: &MapContext,
    request: Request,
    actor: &str,
    reason: &str,
) -> Result<MapState, EngineError> {
    let before = context.state.borrow().0;
    let after = before.after(request)?;
    let record = MapStateRecord {
        map: context.name.clone(),
        state: after.word().to_owned(),
        since: context.clock.now(),
        reason: reason.to_owned(),
    };
    let message = format!("{before} → {after}: {reason}");
    context.store.set_map_state(record, activity(context, "state", actor, &message)).await?;
    context.state.send_replace((after, reason.to_owned()));
    let _ = context.events.send(Event::State { map: context.name.clone(), state: after });
    tracing::info!(map = %context.name, state = %after, reason, "map state");
    Ok(after)
}

/// Which maps each map needs: those it names, and those that fill the tables its lookups point to.
fn needs(contexts: &BTreeMap<MapName, Arc<MapContext>>) -> BTreeMap<MapName, BTreeSet<MapName>> {
    let fills: BTreeMap<String, Vec<&MapName>> =
        contexts.iter().fold(BTreeMap::new(), |mut fills, (name, map)| {
            let table = map.description().table(System::Dataverse).as_str().to_lowercase();
            fills.entry(table).or_insert_with(Vec::new).push(name);
            fills
        });
    contexts
        .iter()
        .map(|(name, map)| {
            let mut wants: BTreeSet<MapName> = map.description().needs.iter().cloned().collect();
            let side = map.side(System::Dataverse);
            for path in &side.selection.columns {
                let lookup = path.split_lookup().and_then(|(column, _)| side.schema.column(column));
                for target in
                    lookup.and_then(|column| column.lookup.as_ref()).into_iter().flat_map(|l| &l.targets)
                {
                    let filled = fills.get(&target.as_str().to_lowercase());
                    wants.extend(filled.into_iter().flatten().map(|name| (*name).clone()));
                }
            }
            wants.remove(name);
            (name.clone(), wants)
        })
        .collect()
}

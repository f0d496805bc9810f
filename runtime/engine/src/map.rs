//! One version of a map at work: what it is, what it reads, who wins, where it stands.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use dualwright_connect::{Connector, ReadKey, Selection};
use dualwright_model::{
    ColumnPath, IntegrationKey, Leg, MapName, Record, RecordId, System, TableSchema, Value,
};
use dualwright_odata::filter::Filter;
use dualwright_plugin_host::{Description, Violation};
use dualwright_store::{Checkpoint, Settlement, Store};
use dualwright_sync::conflict::Policy;
use dualwright_sync::echo::BounceGuard;
use dualwright_sync::health::Tally;
use dualwright_sync::map_state::MapState;
use dualwright_sync::park::Target;
use tokio::sync::{Notify, broadcast, watch};

use crate::capture::{CHANGES, COMPARE, DUE, feed_id};
use crate::{Clock, EngineError, EngineSettings, Event, MapLogic, MapSettings, Pair};

/// One side of a map.
pub(crate) struct Side {
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) schema: Arc<TableSchema>,
    /// Every column of this side that the map reads, writes or filters by, whichever the leg: echoes are judged by
    /// all of them.
    pub(crate) selection: Selection,
    /// The filter of the leg that starts here.
    pub(crate) filter: Option<Filter>,
}

impl Side {
    /// The same cells as this side's columns will read back.
    ///
    /// # Errors
    /// The first column that is unknown, or that cannot hold its value.
    pub(crate) fn fitted(&self, cells: &Record) -> Result<Record, Violation> {
        cells.try_map(|path, value| {
            let column = self.schema.column(path.as_str()).ok_or_else(|| Violation {
                field: Some(path.clone()),
                code: "unknown-column".into(),
                message: format!("table {} has no column {path}", self.schema.name),
            })?;
            column.coerce(value.clone()).map_err(|error| Violation {
                field: Some(path.clone()),
                code: "does-not-fit".into(),
                message: error.to_string(),
            })
        })
    }
}

/// Everything a map's tasks share. What outlives a version is shared between the contexts of all versions.
pub(crate) struct MapContext {
    pub(crate) name: MapName,
    pub(crate) logic: Arc<dyn MapLogic>,
    pub(crate) policy: Policy,
    pub(crate) master: System,
    pub(crate) initial_sync: bool,
    pub(crate) settings: EngineSettings,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) state: watch::Sender<(MapState, String)>,
    /// Rung when entries have been captured.
    pub(crate) captured: Arc<Notify>,
    /// Rows that came into being in Dataverse, for those who wait for them.
    pub(crate) arrivals: broadcast::Sender<Vec<Target>>,
    pub(crate) events: broadcast::Sender<Event>,
    finops: Side,
    dataverse: Side,
    bounces: Arc<Mutex<BounceGuard>>,
    deleted: Arc<Mutex<RecentlyDeleted>>,
    /// How this version has fared.
    tally: Mutex<Tally>,
}

impl MapContext {
    pub(crate) async fn build(
        settings: &MapSettings,
        engine: &EngineSettings,
        pair: &Pair,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        arrivals: broadcast::Sender<Vec<Target>>,
        events: broadcast::Sender<Event>,
    ) -> Result<Self, EngineError> {
        let description = settings.logic.description();
        check_policy(settings.policy, settings.logic.as_ref())?;
        let finops = build_side(description, System::Finops, &pair.finops).await?;
        let dataverse = build_side(description, System::Dataverse, &pair.dataverse).await?;
        Ok(Self {
            name: description.name.clone(),
            logic: Arc::clone(&settings.logic),
            policy: settings.policy,
            master: settings.master,
            initial_sync: settings.initial_sync,
            settings: engine.clone(),
            store,
            clock,
            state: watch::Sender::new((MapState::NotRunning, String::new())),
            captured: Arc::default(),
            arrivals,
            events,
            finops,
            dataverse,
            bounces: Arc::default(),
            deleted: Arc::default(),
            tally: Mutex::default(),
        })
    }

    /// Another version of this map, checked against both systems.
    pub(crate) async fn with_logic(&self, logic: Arc<dyn MapLogic>) -> Result<Self, EngineError> {
        let description = logic.description();
        replaceable(self.description(), description)
            .map_err(|reason| EngineError::Map { map: self.name.to_string(), reason })?;
        check_policy(self.policy, logic.as_ref())?;
        let finops = build_side(description, System::Finops, &self.finops.connector).await?;
        let dataverse = build_side(description, System::Dataverse, &self.dataverse.connector).await?;
        Ok(Self {
            name: self.name.clone(),
            logic,
            policy: self.policy,
            master: self.master,
            initial_sync: self.initial_sync,
            settings: self.settings.clone(),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            state: self.state.clone(),
            captured: Arc::clone(&self.captured),
            arrivals: self.arrivals.clone(),
            events: self.events.clone(),
            finops,
            dataverse,
            bounces: Arc::clone(&self.bounces),
            deleted: Arc::clone(&self.deleted),
            tally: Mutex::default(),
        })
    }

    /// Where this version reads columns that the one before did not, a change feed has to begin anew: its position
    /// speaks of the columns it was begun with. The full read then brings the new columns of all records.
    pub(crate) async fn read_anew_where_more_is_read(&self, before: &Self) -> Result<(), EngineError> {
        let mut checkpoints = Vec::new();
        for leg in self.legs_master_first() {
            let (now, then) = (self.side(leg.source()), before.side(leg.source()));
            let same = now.selection.columns == then.selection.columns
                && now.selection.filter == then.selection.filter;
            if !same && now.connector.has_change_feed() {
                checkpoints.push(Checkpoint { feed: feed_id(self, leg, CHANGES), position: None });
                let due = Some(DUE.to_owned());
                checkpoints.push(Checkpoint { feed: feed_id(self, leg, COMPARE), position: due });
            }
        }
        if !checkpoints.is_empty() {
            self.store.settle(Settlement { checkpoints, ..Settlement::default() }).await?;
        }
        Ok(())
    }

    /// How this version has fared.
    pub(crate) fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_batch(&self, batch: Tally) {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).add(batch);
    }

    pub(crate) fn description(&self) -> &Description {
        self.logic.description()
    }

    pub(crate) fn side(&self, system: System) -> &Side {
        match system {
            System::Finops => &self.finops,
            System::Dataverse => &self.dataverse,
        }
    }

    pub(crate) fn has_leg(&self, leg: Leg) -> bool {
        self.description().leg(leg).is_some()
    }

    /// The legs in the order of an initial sync: the master's first.
    pub(crate) fn legs_master_first(&self) -> Vec<Leg> {
        let first = self.master.outgoing();
        [first, first.target().outgoing()].into_iter().filter(|leg| self.has_leg(*leg)).collect()
    }

    /// The values of the integration key in a row of one side, in key order.
    pub(crate) fn key_values(&self, system: System, record: &Record) -> Vec<Value> {
        self.side(system).selection.key.iter().map(|column| record.get(column.as_str()).clone()).collect()
    }

    /// The integration key of a row of one side.
    pub(crate) fn key_of(&self, system: System, record: &Record) -> IntegrationKey {
        IntegrationKey::new(self.key_values(system, record).iter())
    }

    /// How a row of one side is addressed: Dataverse by id, which never changes; F&O by key, for it has no other.
    pub(crate) fn read_key(&self, system: System, id: Option<&RecordId>, key: &[Value]) -> ReadKey {
        match (system, id) {
            (System::Dataverse, Some(id)) => ReadKey::Id(id.clone()),
            _ => ReadKey::Key(key.to_vec()),
        }
    }

    pub(crate) fn is_bouncing(&self, lane_key: &str, leg: Leg, content: u64) -> bool {
        let now = self.clock.now();
        self.bounces.lock().unwrap_or_else(PoisonError::into_inner).is_bouncing(lane_key, leg, content, now)
    }

    pub(crate) fn note_deleted(&self, system: System, id: &RecordId) {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner).note(system, id);
    }

    /// Whether the deletion of a row that nobody knows any more is the echo of one we made.
    pub(crate) fn deleted_by_us(&self, system: System, id: &RecordId) -> bool {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner).contains(system, id)
    }
}

/// Deletions we made lately: only for counting their echoes as echoes. Forgetting one costs a wrong word in a
/// counter, so it is bounded and not kept over a restart.
#[derive(Default)]
struct RecentlyDeleted {
    young: HashSet<(System, RecordId)>,
    old: HashSet<(System, RecordId)>,
}

const RECENT_MAX: usize = 10_000;

impl RecentlyDeleted {
    fn note(&mut self, system: System, id: &RecordId) {
        if self.young.len() >= RECENT_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert((system, id.clone()));
    }

    fn contains(&self, system: System, id: &RecordId) -> bool {
        let wanted = (system, id.clone());
        self.young.contains(&wanted) || self.old.contains(&wanted)
    }
}

pub(crate) async fn build_side(
    description: &Description,
    system: System,
    connector: &Arc<dyn Connector>,
) -> Result<Side, EngineError> {
    let misfit = |reason: String| EngineError::Map { map: description.name.to_string(), reason };
    let key = description.key_columns(system);
    let mut columns: BTreeSet<ColumnPath> = key.iter().cloned().collect();
    let mut filter_text = None;
    let mut filter = None;
    if let Some(out) = description.leg(system.outgoing()) {
        columns.extend(out.reads.iter().cloned());
        if let Some(text) = &out.filter {
            let parsed = Filter::parse(text)
                .map_err(|error| misfit(format!("its {system} filter cannot be read: {error}")))?;
            columns.extend(parsed.columns().into_iter().map(ColumnPath::from));
            filter_text = Some(text.clone());
            filter = Some(parsed);
        }
    }
    if let Some(into) = description.leg(system.other().outgoing()) {
        columns.extend(into.writes.iter().cloned());
    }
    let table = description.table(system).clone();
    let paths: Vec<ColumnPath> = columns.into_iter().collect();
    let schema = connector
        .describe(&table, &paths)
        .await
        .map_err(|source| EngineError::Connect { map: description.name.to_string(), source })?;
    let unknown: Vec<&str> =
        paths.iter().map(ColumnPath::as_str).filter(|path| schema.column(path).is_none()).collect();
    if !unknown.is_empty() {
        return Err(misfit(format!("{system} table {table} has no {}", unknown.join(", "))));
    }
    let selection = Selection { table, columns: paths, key, filter: filter_text };
    Ok(Side { connector: Arc::clone(connector), schema, selection, filter })
}

/// A map that is to be asked must be able to answer.
fn check_policy(policy: Policy, logic: &dyn MapLogic) -> Result<(), EngineError> {
    if policy != Policy::AskMap || logic.resolves() {
        return Ok(());
    }
    let description = logic.description();
    let reason = format!(
        "its policy is ask-map, and version {} cannot be asked: it does not export the contract's `resolver`. Set another \
         policy, or use a component that exports it",
        description.version
    );
    Err(EngineError::Map { map: description.name.to_string(), reason })
}

/// Whether a version may take the place of another: both must speak of the same records.
pub(crate) fn replaceable(had: &Description, next: &Description) -> Result<(), String> {
    if had.name != next.name {
        return Err(format!("it calls itself {}", next.name));
    }
    for system in [System::Finops, System::Dataverse] {
        if !had.table(system).as_str().eq_ignore_ascii_case(next.table(system).as_str()) {
            return Err(format!(
                "it maps the {system} table {}, not {}; a map of another table is another map",
                next.table(system),
                had.table(system)
            ));
        }
        if had.key_columns(system) != next.key_columns(system) {
            return Err(format!("it has another key in {system}; records could no longer be recognised"));
        }
    }
    Ok(())
}

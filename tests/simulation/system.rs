//! A system in memory that behaves like the real ones where it matters: ids, versions, preconditions, a change feed on
//! the Dataverse side, pushes on both, lost answers, refusals.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use async_trait::async_trait;
use dualwright_connect::{
    ChangePage, ChangePosition, ConnectError, Connector, Existing, Nudge, NudgeSubscription, Precondition,
    ReadKey, ScanPage, ScanPosition, Selection, Write, WriteOutcome, WriteTarget, Written,
};
use dualwright_engine::{Clock, Engine};
use dualwright_model::{
    AlternateKey, Change, ColumnPath, ColumnSchema, ColumnType, Operation, Record, RecordId, System,
    TableName, TableSchema, Timestamp, Value, Version,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::map::COLUMNS;

/// Never tells the same moment twice, and follows the paused clock of the test.
pub(crate) struct VirtualClock {
    start: tokio::time::Instant,
    ticks: AtomicI64,
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self { start: tokio::time::Instant::now(), ticks: AtomicI64::new(0) }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.start.elapsed().as_micros()).unwrap();
        Timestamp::from_micros(1_000_000 + elapsed + self.ticks.fetch_add(1, Ordering::SeqCst))
    }
}

/// How likely each fault is, for each call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// The call fails and does nothing.
    pub(crate) refuse: f64,
    /// The call does its work and the answer is lost.
    pub(crate) lose_answer: f64,
    /// A push is not sent.
    pub(crate) lose_push: f64,
    /// A push is sent twice.
    pub(crate) double_push: f64,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self { refuse: 0.0, lose_answer: 0.0, lose_push: 0.0, double_push: 0.0 }
    }
}

#[derive(Clone, Debug)]
struct Row {
    id: u64,
    version: u64,
    cells: Record,
    modified_at: Timestamp,
}

/// One line of the system's own log of writes by the runtime.
#[derive(Clone, Debug, PartialEq)]
struct Logged {
    id: u64,
    delete: bool,
    cells: Record,
    by_runtime: bool,
}

struct Inner {
    rows: BTreeMap<u64, Row>,
    tombstones: BTreeMap<u64, u64>,
    version: u64,
    faults: Faults,
    /// Each call takes less than so many milliseconds before its work, and less than as many after it.
    pause: Option<u64>,
    random: StdRng,
    engine: Option<Weak<Engine>>,
    log: Vec<Logged>,
}

pub(crate) struct FakeSystem {
    system: System,
    clock: Arc<VirtualClock>,
    inner: Mutex<Inner>,
}

type Rows = BTreeMap<String, BTreeMap<String, Value>>;

impl FakeSystem {
    pub(crate) fn new(system: System, seed: u64, clock: Arc<VirtualClock>) -> Arc<Self> {
        let inner = Inner {
            rows: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            version: 0,
            faults: Faults::none(),
            pause: Some(30),
            random: StdRng::seed_from_u64(seed),
            engine: None,
            log: Vec::new(),
        };
        Arc::new(Self { system, clock, inner: Mutex::new(inner) })
    }

    pub(crate) fn connector(self: &Arc<Self>) -> Arc<dyn Connector> {
        Arc::clone(self) as Arc<dyn Connector>
    }

    pub(crate) fn attach(&self, engine: &Arc<Engine>) {
        self.lock().engine = Some(Arc::downgrade(engine));
    }

    pub(crate) fn detach(&self) {
        self.lock().engine = None;
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    pub(crate) fn rows(&self) -> Rows {
        let inner = self.lock();
        inner
            .rows
            .values()
            .map(|row| {
                let cells = COLUMNS.iter().map(|column| {
                    let value = row.cells.get(column).clone();
                    ((*column).to_owned(), if value.is_absent() { Value::Null } else { value })
                });
                (row.cells.get("key").to_key_text(), cells.collect())
            })
            .collect()
    }

    pub(crate) fn user_set(&self, key: &str, column: &str, value: Value) {
        let mut inner = self.lock();
        let id = inner.find(key).unwrap_or_else(|| {
            inner.insert(self.clock.now(), [("key".into(), Value::text(key))].into_iter().collect())
        });
        inner.update(id, self.clock.now(), &[(ColumnPath::from(column), value)].into_iter().collect());
        inner.log.push(Logged { id, delete: false, cells: Record::new(), by_runtime: false });
        self.push(&mut inner, id, key, false);
    }

    pub(crate) fn user_touch_unmapped(&self, key: &str) {
        let mut inner = self.lock();
        if let Some(id) = inner.find(key) {
            inner.update(id, self.clock.now(), &Record::new());
            self.push(&mut inner, id, key, false);
        }
    }

    pub(crate) fn user_rename(&self, from: &str, to: &str) {
        let mut inner = self.lock();
        if let Some(id) = inner.find(from) {
            inner.update(id, self.clock.now(), &[("key".into(), Value::text(to))].into_iter().collect());
            self.push(&mut inner, id, to, false);
        }
    }

    pub(crate) fn user_delete(&self, key: &str) {
        let mut inner = self.lock();
        if let Some(id) = inner.find(key) {
            inner.remove(id);
            inner.log.push(Logged { id, delete: true, cells: Record::new(), by_runtime: false });
            self.push(&mut inner, id, key, true);
        }
    }

    /// Calls take no time but that of their work.
    #[allow(dead_code, reason = "only the benchmark of swaps has no time")]
    pub(crate) fn hurry(&self) {
        self.lock().pause = None;
    }

    /// Nothing written twice: two writes of the runtime to one row, one right after the other, never say the same.
    pub(crate) fn assert_log_is_sane(&self, seed: u64) {
        let twice = self.written_twice();
        assert!(twice.is_empty(), "seed {seed}: {} was written twice: {twice:?}", self.system);
    }

    /// The runtime's writes of one column of one row never go back.
    pub(crate) fn assert_never_older(&self, seed: u64, column: &str) {
        let back = self.written_back(column);
        assert!(back.is_empty(), "seed {seed}: {} was written older values: {back:?}", self.system);
    }

    /// Writes of the runtime that say what its write just before said.
    pub(crate) fn written_twice(&self) -> Vec<String> {
        let inner = self.lock();
        let mut last: BTreeMap<u64, &Logged> = BTreeMap::new();
        let mut twice = Vec::new();
        for line in &inner.log {
            let before = last.insert(line.id, line);
            if before.is_some_and(|before| line.by_runtime && before.by_runtime && line == before) {
                twice.push(format!("{line:?}"));
            }
        }
        twice
    }

    /// Writes of the runtime by which a column of a row went back.
    pub(crate) fn written_back(&self, column: &str) -> Vec<String> {
        let inner = self.lock();
        let mut newest: BTreeMap<u64, String> = BTreeMap::new();
        let mut back = Vec::new();
        for line in inner.log.iter().filter(|line| line.by_runtime) {
            let value = line.cells.get(column).to_key_text();
            if value.is_empty() {
                continue;
            }
            let before = newest.insert(line.id, value.clone()).unwrap_or_default();
            if before > value {
                back.push(format!("{value} after {before}"));
            }
        }
        back
    }

    /// How many rows the runtime wrote.
    #[allow(dead_code, reason = "only the benchmark of swaps counts them")]
    pub(crate) fn writes(&self) -> usize {
        self.lock().log.iter().filter(|line| line.by_runtime).count()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn push(&self, inner: &mut Inner, id: u64, key: &str, deleted: bool) {
        let Some(engine) = inner.engine.as_ref().and_then(Weak::upgrade) else { return };
        let (lose, double) = (inner.faults.lose_push, inner.faults.double_push);
        if inner.random.random_bool(lose) {
            return;
        }
        let times = if inner.random.random_bool(double) { 2 } else { 1 };
        for _ in 0..times {
            let nudge = Nudge {
                system: self.system,
                table: "rows".into(),
                id: (self.system == System::Dataverse).then(|| RecordId(id.to_string())),
                cells: [("KEY".into(), Value::text(key))].into_iter().collect(),
                deleted,
            };
            let engine = Arc::downgrade(&engine);
            tokio::spawn(async move {
                if let Some(engine) = engine.upgrade() {
                    let _ = engine.nudge(nudge).await;
                }
            });
        }
    }

    /// A pause in which anything may happen, and perhaps a refusal.
    async fn enter(&self) -> Result<(), ConnectError> {
        let (pause, refuse) = {
            let mut inner = self.lock();
            let (refuse, pause) = (inner.faults.refuse, inner.pause);
            (pause.map(|most| inner.random.random_range(0..most)), inner.random.random_bool(refuse))
        };
        rest(pause).await;
        if refuse { Err(self.unavailable("refused")) } else { Ok(()) }
    }

    async fn leave(&self) -> Result<(), ConnectError> {
        let (pause, lose) = {
            let mut inner = self.lock();
            let (lose, pause) = (inner.faults.lose_answer, inner.pause);
            (pause.map(|most| inner.random.random_range(0..most)), inner.random.random_bool(lose))
        };
        rest(pause).await;
        if lose { Err(self.unavailable("the answer was lost")) } else { Ok(()) }
    }

    fn unavailable(&self, reason: &str) -> ConnectError {
        ConnectError::Unavailable { system: self.system.to_string(), reason: reason.to_owned() }
    }

    fn change(&self, row: &Row, observed_at: Timestamp) -> Change {
        Change {
            operation: Operation::Upsert,
            id: RecordId(row.id.to_string()),
            version: Some(Version(row.version.to_string())),
            record: image(row),
            modified_at: Some(row.modified_at),
            observed_at,
        }
    }

    fn write(&self, inner: &mut Inner, write: &Write) -> WriteOutcome {
        let id = match &write.target {
            WriteTarget::Id { id, key } => match self.system {
                System::Dataverse => id.0.parse().ok().filter(|id| inner.rows.contains_key(id)),
                System::Finops => inner.find(&key[0].to_key_text()),
            },
            WriteTarget::Key(key) => inner.find(&key[0].to_key_text()),
        };
        let current = id.and_then(|id| inner.rows.get(&id).cloned());
        match (&write.precondition, &current) {
            (Precondition::Absent, Some(_)) => return WriteOutcome::PreconditionFailed,
            (Precondition::Version(version), Some(row)) if row.version.to_string() != version.0 => {
                return WriteOutcome::PreconditionFailed;
            }
            (Precondition::Version(_) | Precondition::Exists, None) => return WriteOutcome::Missing,
            _ => {}
        }
        let now = self.clock.now();
        let key_taken = |inner: &Inner, own: Option<u64>| {
            let wanted = write.cells.get("key");
            !wanted.is_absent() && inner.find(&wanted.to_key_text()).is_some_and(|id| Some(id) != own)
        };
        if key_taken(inner, id) {
            return WriteOutcome::PreconditionFailed;
        }
        let (id, created) = match (id, write.delete) {
            (Some(id), true) => {
                inner.remove(id);
                (id, false)
            }
            (None, true) => return WriteOutcome::Missing,
            (Some(id), false) => {
                inner.update(id, now, &write.cells);
                (id, false)
            }
            (None, false) => (inner.insert(now, write.cells.clone()), true),
        };
        let line = Logged { id, delete: write.delete, cells: write.cells.clone(), by_runtime: true };
        inner.log.push(line);
        let key = inner.rows.get(&id).or(current.as_ref()).map(|row| row.cells.get("key").to_key_text());
        self.push(inner, id, &key.unwrap_or_default(), write.delete);
        // As F&O does, its side does not tell the version after an update.
        let version = (self.system == System::Dataverse || created)
            .then(|| inner.rows.get(&id).map(|row| Version(row.version.to_string())))
            .flatten();
        WriteOutcome::Written(Written { id: Some(RecordId(id.to_string())), version, created: Some(created) })
    }
}

async fn rest(millis: Option<u64>) {
    if let Some(millis) = millis {
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
    }
}

impl Inner {
    fn find(&self, key: &str) -> Option<u64> {
        self.rows.values().find(|row| row.cells.get("key").to_key_text() == key).map(|row| row.id)
    }

    fn insert(&mut self, now: Timestamp, cells: Record) -> u64 {
        self.version += 1;
        let row = Row { id: self.version, version: self.version, cells, modified_at: now };
        self.rows.insert(row.id, row);
        self.version
    }

    fn update(&mut self, id: u64, now: Timestamp, cells: &Record) {
        self.version += 1;
        let version = self.version;
        if let Some(row) = self.rows.get_mut(&id) {
            row.version = version;
            row.modified_at = now;
            for (column, value) in cells.iter() {
                row.cells.set(column.clone(), value.clone());
            }
        }
    }

    fn remove(&mut self, id: u64) {
        self.version += 1;
        self.rows.remove(&id);
        self.tombstones.insert(id, self.version);
    }
}

fn image(row: &Row) -> Record {
    COLUMNS
        .iter()
        .map(|column| {
            let value = row.cells.get(column).clone();
            ((*column).into(), if value.is_absent() { Value::Null } else { value })
        })
        .collect()
}

#[async_trait]
impl Connector for FakeSystem {
    fn system(&self) -> System {
        self.system
    }

    async fn check_access(&self) -> Result<String, ConnectError> {
        Ok("simulated".into())
    }

    async fn describe(&self, table: &TableName, _: &[ColumnPath]) -> Result<Arc<TableSchema>, ConnectError> {
        let column = |name: &str| ColumnSchema {
            name: name.into(),
            column_type: ColumnType::Text { max_length: None },
            nullable: true,
            required: false,
            creatable: true,
            updatable: true,
            lookup: None,
        };
        Ok(Arc::new(TableSchema {
            name: table.clone(),
            logical_name: "row".into(),
            primary_id: None,
            columns: COLUMNS.iter().map(|name| ((*name).to_owned(), column(name))).collect(),
            keys: vec![AlternateKey { name: String::new(), columns: vec!["key".into()], active: true }],
            tracks_changes: true,
        }))
    }

    async fn scan(
        &self,
        _: &Selection,
        from: Option<&ScanPosition>,
        page_size: usize,
    ) -> Result<ScanPage, ConnectError> {
        let observed_at = self.clock.now();
        self.enter().await?;
        let after: u64 = from.map_or(0, |from| from.0.parse().unwrap());
        let page = {
            let inner = self.lock();
            let rows: Vec<Row> =
                inner.rows.range(after + 1..).map(|(_, row)| row.clone()).take(page_size).collect();
            let next =
                rows.last().filter(|_| rows.len() == page_size).map(|row| ScanPosition(row.id.to_string()));
            let changes = rows.iter().map(|row| self.change(row, observed_at)).collect();
            ScanPage { changes, next, total: None }
        };
        self.leave().await?;
        Ok(page)
    }

    async fn changes(
        &self,
        _: &Selection,
        since: Option<&ChangePosition>,
        page_size: usize,
    ) -> Result<ChangePage, ConnectError> {
        assert!(self.has_change_feed());
        let observed_at = self.clock.now();
        self.enter().await?;
        let after: u64 = since.map_or(0, |since| since.0.parse().unwrap());
        let page = {
            let inner = self.lock();
            // Newest state only, by version: a feed that collapses changes, as delta links do.
            let mut found: Vec<(u64, Change)> = inner
                .rows
                .values()
                .filter(|row| row.version > after)
                .map(|row| (row.version, self.change(row, observed_at)))
                .collect();
            found.extend(
                inner.tombstones.iter().filter(|(_, version)| **version > after && since.is_some()).map(
                    |(id, version)| {
                        let change = Change {
                            operation: Operation::Delete,
                            id: RecordId(id.to_string()),
                            version: None,
                            record: Record::new(),
                            modified_at: None,
                            observed_at,
                        };
                        (*version, change)
                    },
                ),
            );
            found.sort_by_key(|(version, _)| *version);
            let more = found.len() > page_size;
            found.truncate(page_size);
            let next = if more { found.last().map_or(after, |(version, _)| *version) } else { inner.version };
            ChangePage {
                changes: found.into_iter().map(|(_, change)| change).collect(),
                next: ChangePosition(next.to_string()),
                more,
            }
        };
        self.leave().await?;
        Ok(page)
    }

    fn has_change_feed(&self) -> bool {
        self.system == System::Dataverse
    }

    async fn read(&self, _: &Selection, keys: &[ReadKey]) -> Result<Vec<Option<Existing>>, ConnectError> {
        self.enter().await?;
        let rows = {
            let inner = self.lock();
            keys.iter()
                .map(|key| {
                    let id = match key {
                        ReadKey::Id(id) => id.0.parse().ok(),
                        ReadKey::Key(values) => inner.find(&values[0].to_key_text()),
                    };
                    id.and_then(|id| inner.rows.get(&id)).map(|row| Existing {
                        id: RecordId(row.id.to_string()),
                        version: Some(Version(row.version.to_string())),
                        record: image(row),
                        modified_at: Some(row.modified_at),
                    })
                })
                .collect()
        };
        self.leave().await?;
        Ok(rows)
    }

    async fn apply(&self, _: &Selection, writes: &[Write]) -> Result<Vec<WriteOutcome>, ConnectError> {
        self.enter().await?;
        let mut outcomes = Vec::new();
        for write in writes {
            let outcome = {
                let mut inner = self.lock();
                self.write(&mut inner, write)
            };
            outcomes.push(outcome);
            tokio::task::yield_now().await;
        }
        self.leave().await?;
        Ok(outcomes)
    }

    async fn subscribe(&self, _: &NudgeSubscription) -> Result<(), ConnectError> {
        Ok(())
    }

    fn parse_nudge(
        &self,
        _: &http::HeaderMap,
        query: &str,
        body: &[u8],
        secret: &str,
    ) -> Result<Vec<Nudge>, ConnectError> {
        let system = self.system.to_string();
        if query != format!("code={secret}") {
            return Err(ConnectError::Unauthorized { system, reason: "wrong code".into() });
        }
        let key = std::str::from_utf8(body)
            .map_err(|error| ConnectError::Protocol { system, reason: error.to_string() })?;
        Ok(vec![Nudge {
            system: self.system,
            table: "ROWS".into(),
            id: None,
            cells: [("key".into(), Value::text(key))].into_iter().collect(),
            deleted: false,
        }])
    }
}

//! A map and a system that note when a batch begins and ends.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use dualwright_connect::{
    ChangePage, ChangePosition, ConnectError, Connector, Existing, Nudge, NudgeSubscription, ReadKey,
    ScanPage, ScanPosition, Selection, Write, WriteOutcome,
};
use dualwright_engine::MapLogic;
use dualwright_model::{ColumnPath, Digest, Leg, System, TableName, TableSchema};
use dualwright_plugin_host::{Description, GuestChange, Plugin, TransformResult};

/// One batch on its way to F&O.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) rows: usize,
    pub(crate) version: Digest,
}

/// All of them. A map has one at a time in flight in each direction.
#[derive(Default)]
pub(crate) struct Recorder {
    open: Mutex<Option<(Instant, usize, Digest)>>,
    batches: Mutex<Vec<Batch>>,
}

impl Recorder {
    fn begin(&self, rows: usize, version: &Digest) {
        *self.open.lock().unwrap() = Some((Instant::now(), rows, version.clone()));
    }

    fn end(&self) {
        let ended = Instant::now();
        if let Some((began, rows, version)) = self.open.lock().unwrap().take() {
            self.batches.lock().unwrap().push(Batch { began, ended, rows, version });
        }
    }

    pub(crate) fn take(&self) -> Vec<Batch> {
        std::mem::take(&mut *self.batches.lock().unwrap())
    }
}

pub(crate) struct TimedMap {
    plugin: Plugin,
    recorder: Arc<Recorder>,
}

impl TimedMap {
    pub(crate) fn around(plugin: Plugin, recorder: &Arc<Recorder>) -> Self {
        Self { plugin, recorder: Arc::clone(recorder) }
    }
}

#[async_trait]
impl MapLogic for TimedMap {
    fn description(&self) -> &Description {
        self.plugin.description()
    }

    fn digest(&self) -> &Digest {
        self.plugin.digest()
    }

    async fn transform(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        if leg == Leg::ToFinops && !initial {
            self.recorder.begin(batch.len(), self.plugin.digest());
        }
        self.plugin.transform(leg, initial, batch).await
    }
}

pub(crate) struct TimedSystem {
    system: Arc<dyn Connector>,
    recorder: Arc<Recorder>,
}

impl TimedSystem {
    pub(crate) fn around(system: Arc<dyn Connector>, recorder: &Arc<Recorder>) -> Arc<dyn Connector> {
        Arc::new(Self { system, recorder: Arc::clone(recorder) })
    }
}

#[async_trait]
impl Connector for TimedSystem {
    fn system(&self) -> System {
        self.system.system()
    }

    async fn check_access(&self) -> Result<String, ConnectError> {
        self.system.check_access().await
    }

    async fn describe(
        &self,
        table: &TableName,
        paths: &[ColumnPath],
    ) -> Result<Arc<TableSchema>, ConnectError> {
        self.system.describe(table, paths).await
    }

    async fn scan(
        &self,
        selection: &Selection,
        from: Option<&ScanPosition>,
        page_size: usize,
    ) -> Result<ScanPage, ConnectError> {
        self.system.scan(selection, from, page_size).await
    }

    async fn changes(
        &self,
        selection: &Selection,
        since: Option<&ChangePosition>,
        page_size: usize,
    ) -> Result<ChangePage, ConnectError> {
        self.system.changes(selection, since, page_size).await
    }

    fn has_change_feed(&self) -> bool {
        self.system.has_change_feed()
    }

    async fn read(
        &self,
        selection: &Selection,
        keys: &[ReadKey],
    ) -> Result<Vec<Option<Existing>>, ConnectError> {
        self.system.read(selection, keys).await
    }

    async fn apply(
        &self,
        selection: &Selection,
        writes: &[Write],
    ) -> Result<Vec<WriteOutcome>, ConnectError> {
        let answer = self.system.apply(selection, writes).await;
        self.recorder.end();
        answer
    }

    async fn subscribe(&self, subscription: &NudgeSubscription) -> Result<(), ConnectError> {
        self.system.subscribe(subscription).await
    }

    fn parse_nudge(
        &self,
        headers: &http::HeaderMap,
        query: &str,
        body: &[u8],
        secret: &str,
    ) -> Result<Vec<Nudge>, ConnectError> {
        self.system.parse_nudge(headers, query, body, secret)
    }
}

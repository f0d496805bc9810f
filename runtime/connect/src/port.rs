//! The connector trait and what passes through it.

use std::sync::Arc;

use async_trait::async_trait;
use dualwright_model::{
    Change, ColumnPath, IntegrationKey, Record, RecordId, System, TableName, TableSchema, Timestamp, Value,
    Version,
};
use serde::{Deserialize, Serialize};

use crate::ConnectError;

/// What a map wants from one table of one system. Built once a leg and shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The table's entity set.
    pub table: TableName,
    /// The columns and lookup paths to read. The key columns are always among them. Nothing else is asked for (I11).
    pub columns: Vec<ColumnPath>,
    /// The columns and paths of this side's part of the integration key, in key order.
    pub key: Vec<ColumnPath>,
    /// An OData filter, as the map states it. A scan pushes it to the server; a change feed must NOT (a row leaving
    /// the filter has to be seen), the engine evaluates it.
    pub filter: Option<String>,
}

/// Where a scan stands: opaque, made and understood by the connector, stored by the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScanPosition(pub String);

/// Where a change feed stands: opaque, stored as the feed's checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangePosition(pub String);

/// One page of a full read.
#[derive(Clone, Debug)]
pub struct ScanPage {
    /// The rows, as upserts.
    pub changes: Vec<Change>,
    /// Where to go on; `None` at the end.
    pub next: Option<ScanPosition>,
    /// How many rows there are in all, where the system tells it cheaply (first page only).
    pub total: Option<u64>,
}

/// One page of changes.
#[derive(Clone, Debug)]
pub struct ChangePage {
    /// The changes, oldest first; a record may appear more than once across pages, and deleted rows carry no cells.
    pub changes: Vec<Change>,
    /// The position after this page: durable together with the changes (I1).
    pub next: ChangePosition,
    /// Whether more can be read at once from `next`.
    pub more: bool,
}

/// How to name one row for [`Connector::read`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadKey {
    /// By the system's own id.
    Id(RecordId),
    /// By the values of the integration key, in the order of [`Selection::key`].
    Key(Vec<Value>),
}

/// A row as it stands now.
#[derive(Clone, Debug)]
pub struct Existing {
    /// The system's own id.
    pub id: RecordId,
    /// Its version now.
    pub version: Option<Version>,
    /// The selected columns.
    pub record: Record,
    /// When it was last modified, where the system tells.
    pub modified_at: Option<Timestamp>,
}

/// Which row a write is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteTarget {
    /// The row with this id. `key` is its last known integration key on this side (needed where the id is not an
    /// address, as in F&O).
    Id {
        /// The system's own id.
        id: RecordId,
        /// The last known key values, in the order of [`Selection::key`].
        key: Vec<Value>,
    },
    /// The row with this integration key.
    Key(Vec<Value>),
}

/// What must be true of the row for the write to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: create or overwrite.
    None,
    /// There is no such row yet.
    Absent,
    /// The row exists and has exactly this version.
    Version(Version),
    /// The row exists.
    Exists,
}

/// One write. Only the cells given are sent; a lookup path is resolved to the related row by the connector.
#[derive(Clone, Debug)]
pub struct Write {
    /// Which row.
    pub target: WriteTarget,
    /// Cells to write; empty and `delete` for a deletion. Values are already coerced to the column types.
    pub cells: Record,
    /// Whether the row is to be deleted.
    pub delete: bool,
    /// What must hold.
    pub precondition: Precondition,
}

/// A write that took place.
#[derive(Clone, Debug)]
pub struct Written {
    /// The row's id; `None` where the system does not say without another read.
    pub id: Option<RecordId>,
    /// Its version after the write, only when the system told it in the answer to this very write.
    pub version: Option<Version>,
    /// Whether the row was created by it, where known.
    pub created: Option<bool>,
}

/// What became of one write.
#[derive(Clone, Debug)]
pub enum WriteOutcome {
    /// Done.
    Written(Written),
    /// The precondition did not hold: the row has another version, or exists, or does not. Nothing was written.
    PreconditionFailed,
    /// There is no such row (for a deletion: it is gone already). Nothing was written.
    Missing,
    /// A lookup's target does not exist yet. Nothing was written.
    LookupMissing {
        /// The lookup path in the write.
        path: ColumnPath,
        /// The table looked in.
        table: TableName,
        /// The key looked for.
        key: IntegrationKey,
    },
    /// Refused or failed, for this record.
    Failed(ConnectError),
}

/// Something happened to a table, perhaps to this very row: a reason to read, never the truth itself.
#[derive(Clone, Debug)]
pub struct Nudge {
    /// Which side.
    pub system: System,
    /// Which table, by entity set or logical name; without regard to case.
    pub table: String,
    /// The row's id, when the event told it (Dataverse).
    pub id: Option<RecordId>,
    /// Cells that the event told: the key columns (F&O). Only for finding the row, never taken for its content.
    pub cells: Record,
    /// Whether the event said that the row was deleted.
    pub deleted: bool,
}

/// What the connector registers with its system so that pushes reach the runtime. `Debug` shows no secret.
#[derive(Clone)]
pub struct NudgeSubscription {
    /// The tables to hear of.
    pub tables: Vec<TableName>,
    /// The runtime's own address for this system's pushes, for example `http://127.0.0.1:7900/nudges/dataverse`.
    pub endpoint: String,
    /// The shared secret that the system sends back with each push.
    pub secret: String,
}

impl std::fmt::Debug for NudgeSubscription {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tables, endpoint, secret: _ } = self;
        formatter
            .debug_struct("NudgeSubscription")
            .field("tables", tables)
            .field("endpoint", endpoint)
            .finish_non_exhaustive()
    }
}

/// One system. Implementations are shared between tasks; all calls may run concurrently.
///
/// *Order*: writes of one [`apply`](Connector::apply) call may reach the system in any order: the engine never puts
/// two writes of one record into one call, and never has two in flight.
/// *Durability*: a [`Written`] outcome means that the system acknowledged the write. Any error may mean that it was
/// written and the answer lost: the engine reads before it writes again.
/// *Shutdown*: dropping a call's future abandons it; nothing else is needed.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Which kind of system this is.
    fn system(&self) -> System;

    /// Signs in and makes one harmless call (`WhoAmI`, or a read of the service document), for `doctor`.
    async fn check_access(&self) -> Result<String, ConnectError>;

    /// The table's schema, including columns that lookup paths lead to (under the path as key, in lower case).
    /// Fresh at each call; the engine caches it.
    async fn describe(
        &self,
        table: &TableName,
        paths: &[ColumnPath],
    ) -> Result<Arc<TableSchema>, ConnectError>;

    /// One page of a full read in a stable order, from the start (`None`) or where an earlier page ended.
    async fn scan(
        &self,
        selection: &Selection,
        from: Option<&ScanPosition>,
        page_size: usize,
    ) -> Result<ScanPage, ConnectError>;

    /// The changes since a position. `None` starts a feed: the answer then holds *every* row (page by page), so that
    /// nothing is missed between the full read and the first change.
    ///
    /// # Errors
    /// [`ConnectError::FeedExpired`] when the position is too old; `None` from a system without a readable feed
    /// (see [`has_change_feed`](Connector::has_change_feed)) answers [`ConnectError::Unknown`].
    async fn changes(
        &self,
        selection: &Selection,
        since: Option<&ChangePosition>,
        page_size: usize,
    ) -> Result<ChangePage, ConnectError>;

    /// Whether [`changes`](Connector::changes) works (Dataverse: delta links). Where not (F&O), nudges name the row
    /// and a periodic comparing scan is the safety net.
    fn has_change_feed(&self) -> bool;

    /// These rows as they stand now, in the order asked; `None` for a row that does not exist.
    async fn read(
        &self,
        selection: &Selection,
        keys: &[ReadKey],
    ) -> Result<Vec<Option<Existing>>, ConnectError>;

    /// Writes a batch; one outcome a write, in the same order. `Err` only when nothing can be said of any of them.
    async fn apply(&self, selection: &Selection, writes: &[Write])
    -> Result<Vec<WriteOutcome>, ConnectError>;

    /// Asks the system to push (registers the webhook or the data event); safe to repeat.
    async fn subscribe(&self, subscription: &NudgeSubscription) -> Result<(), ConnectError>;

    /// Reads one pushed request. `None` when it authenticates but is of no interest.
    ///
    /// # Errors
    /// When it does not carry the secret ([`ConnectError::Unauthorized`]) or is not a push of this system.
    fn parse_nudge(
        &self,
        headers: &http::HeaderMap,
        query: &str,
        body: &[u8],
        secret: &str,
    ) -> Result<Vec<Nudge>, ConnectError>;
}

//! The store trait and what passes through it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use dualwright_diagnostics::Class;
use dualwright_model::{
    Change, Digest, Fingerprint, IntegrationKey, Leg, MapName, RecordId, System, Timestamp, Value, Version,
};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The position of an entry in the journal: grows by capture order, is never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

/// Which feed a checkpoint belongs to: one map, one leg, one purpose (`changes`, `scan`, `sweep`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeedId {
    /// The map.
    pub map: MapName,
    /// The leg.
    pub leg: Leg,
    /// What is being read.
    pub purpose: String,
}

/// A stored position, opaque to the store. `None` as position removes the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose position.
    pub feed: FeedId,
    /// The position, as the connector gave it.
    pub position: Option<String>,
}

/// A change on its way into the journal.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The map that asked for it.
    pub map: MapName,
    /// The leg it travels.
    pub leg: Leg,
    /// What decides its lane: the link's lane for a known record, otherwise the integration key's text. Entries of
    /// one map with equal lane keys are applied in order, across both legs (I2).
    pub lane_key: String,
    /// The integration key at capture; blank when unknown (a deletion of a row we never linked).
    pub key: IntegrationKey,
    /// The change itself.
    pub change: Change,
    /// Whether it goes through the map although its image is known already: the map is another one by now.
    pub again: bool,
}

/// First moment: these changes and this checkpoint are durable together (I1).
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// The changes, in order.
    pub entries: Vec<NewEntry>,
    /// The feed's new position, when this capture moves it.
    pub checkpoint: Option<Checkpoint>,
}

/// A change in the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place.
    pub sequence: Sequence,
    /// What was captured.
    pub entry: NewEntry,
    /// Where it stands.
    pub state: EntryState,
    /// Whether its row was read again since it was captured (see [`Settlement::revised`]).
    pub revised: bool,
}

/// Where an unsettled entry stands. Settled entries leave the journal and are counted; see [`Store::recorded`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// Ready as soon as its lane is.
    Ready,
    /// Waiting, and holding back its own key only.
    Waiting(Wait),
}

/// Why and until when an entry waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Not before this moment.
    pub not_before: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it first began to wait.
    pub since: Timestamp,
    /// What for, in words for a person.
    pub reason: String,
    /// The lookup target it waits for: the target's table and integration key text, so that its arrival wakes it.
    pub lookup: Option<(String, String)>,
}

/// How an entry ended (I3: every entry ends in exactly one of these, or waits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// Written to the other side.
    Applied,
    /// The other side already said so; nothing was sent.
    Unchanged,
    /// Our own write coming back.
    Echo,
    /// Skipped with a reason: outside the filter, not this map's business, lost a conflict.
    Skipped,
    /// Became a dead letter.
    Dead,
}

/// What is known of one side of a synchronised record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkSide {
    /// That system's own id of the record.
    pub id: Option<RecordId>,
    /// The version after which `fingerprint` is complete; `None` when unknown (never guess).
    pub version: Option<Version>,
    /// The last known content, column by column.
    pub fingerprint: Fingerprint,
    /// The integration key's values as this side spells them, in key order.
    pub key: Vec<Value>,
    /// The moment since when this is known: the runtime's clock after our last write to this side was answered, or
    /// before the newest image taken from it was read. An image observed before is out of date.
    pub written_at: Option<Timestamp>,
    /// Which version of the map wrote the row last; `None` when none ever did.
    pub writer: Option<Writer>,
}

/// A version of a map, by what it wrote (I8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// What the map called its version.
    pub map_version: String,
    /// The component.
    pub digest: Digest,
}

/// What we know of one synchronised record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The map.
    pub map: MapName,
    /// Decides the lane for ever: the integration key text when the link was made. Unique within the map.
    pub lane_key: String,
    /// The current integration key; differs from the first after a rename. At most one live link a key.
    pub key: IntegrationKey,
    /// The F&O side.
    pub finops: LinkSide,
    /// The Dataverse side.
    pub dataverse: LinkSide,
    /// The map version that wrote last (I8).
    pub map_version: String,
    /// The component that wrote last (I8).
    pub digest: Digest,
    /// When this link last changed.
    pub updated_at: Timestamp,
}

impl Link {
    /// One side.
    pub fn side(&self, system: System) -> &LinkSide {
        match system {
            System::Finops => &self.finops,
            System::Dataverse => &self.dataverse,
        }
    }

    /// One side, to change.
    pub fn side_mut(&mut self, system: System) -> &mut LinkSide {
        match system {
            System::Finops => &mut self.finops,
            System::Dataverse => &mut self.dataverse,
        }
    }
}

/// How to find a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LinkKey {
    /// By lane key.
    Lane(String),
    /// By current integration key.
    Key(IntegrationKey),
    /// By one system's id.
    Id(System, RecordId),
}

/// The number of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeadLetterId(pub u64);

/// One reason for which a record was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The column at fault, where there is one.
    pub field: Option<String>,
    /// A stable word.
    pub code: String,
    /// A sentence; it does not quote the record's values.
    pub message: String,
}

/// A change that could not be applied, with everything needed to replay it.
#[derive(Clone, Debug)]
pub struct NewDeadLetter {
    /// The change as it was captured.
    pub entry: NewEntry,
    /// What class of failure.
    pub class: Class,
    /// A stable code: `lookup-missing`, `rejected`, `trap`, `timed-out`, …
    pub code: String,
    /// What was wrong, for a person; may hold the system's own words.
    pub message: String,
    /// The column at fault, where known.
    pub column: Option<String>,
    /// Every reason for which a map, validator or extension refused the record; none when it was not refused.
    pub violations: Vec<Violation>,
    /// What was to be written, where it came that far.
    pub intended: Option<dualwright_model::Record>,
    /// The map version and component that handled it.
    pub map_version: String,
    /// See `map_version`.
    pub digest: Digest,
    /// When.
    pub at: Timestamp,
}

impl NewDeadLetter {
    /// The entry that takes its place in the journal when it is replayed.
    pub(crate) fn into_replay(self) -> NewEntry {
        let mut entry = self.entry;
        entry.change.observed_at = Timestamp::default();
        entry
    }
}

/// A stored dead letter.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its number.
    pub id: DeadLetterId,
    /// What it says.
    pub letter: NewDeadLetter,
}

/// Which dead letters to list.
#[derive(Clone, Debug, Default)]
pub struct DeadLetterFilter {
    /// Of this map only.
    pub map: Option<MapName>,
    /// With this code only.
    pub code: Option<String>,
    /// After this number.
    pub after: Option<DeadLetterId>,
}

/// A line of the activity log: a transition, a conflict with both versions, a near miss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// When.
    pub at: Timestamp,
    /// The map, when it concerns one.
    pub map: Option<MapName>,
    /// What happened, as a stable word: `state`, `conflict`, `near-miss`, `rename`, …
    pub kind: String,
    /// Who or what caused it.
    pub actor: String,
    /// The story, for a person.
    pub message: String,
}

/// How many settled changes of each leg a store keeps, unless it is told otherwise.
pub const RECORDED: usize = 100;

/// For how many days a store remembers at least when a link was forgotten.
pub(crate) const TOMBSTONE_DAYS: i64 = 30;

/// A link to forget: the record is gone on both sides. What remains is a tombstone, so that an image of the record from
/// before does not bring it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlinked {
    /// The map.
    pub map: MapName,
    /// The link's lane.
    pub lane_key: String,
    /// The runtime's clock after the last of both sides was known to be gone.
    pub at: Timestamp,
}

/// Second moment: these outcomes, links and dead letters are durable together.
///
/// Repeating a settlement whose entries are gone already must change nothing but the links (which are set, not
/// added to), so that a caller who lost the answer can repeat it (I4).
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// Entries that ended, and how. They leave the journal and are counted under their map and leg.
    pub resolved: Vec<(Sequence, Resolution)>,
    /// Entries that wait.
    pub waiting: Vec<(Sequence, Wait)>,
    /// Entries whose row was read again: from now on this is what they say. Durable before anything is written
    /// because of it, so that after a crash the same is tried again, and not something newer still.
    pub revised: Vec<(Sequence, Change)>,
    /// Links as they stand now, by lane key.
    pub links: Vec<Link>,
    /// Links to forget.
    pub unlinked: Vec<Unlinked>,
    /// New dead letters.
    pub dead_letters: Vec<NewDeadLetter>,
    /// Positions that move with these outcomes (initial sync pages bypass the journal).
    pub checkpoints: Vec<Checkpoint>,
    /// Outcomes of rows that never were in the journal (initial sync pages), for the counters.
    pub counted: Vec<(MapName, Leg, Resolution, u64)>,
    /// Near misses to count: recognised as ours by version, though the content differed.
    pub near_misses: Vec<(MapName, Leg, u64)>,
    /// Lines for the activity log.
    pub activities: Vec<Activity>,
}

/// The counters of one map and leg since the store was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapCounters {
    /// Changes captured into the journal.
    pub captured: u64,
    /// How they (and initial-sync rows) ended.
    pub resolved: BTreeMap<Resolution, u64>,
    /// In the journal now, waiting or ready.
    pub pending: u64,
    /// Near misses of the echo rule.
    pub near_misses: u64,
}

/// A map's state as last stored; the words belong to `sync`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapStateRecord {
    /// The map.
    pub map: MapName,
    /// The state's word.
    pub state: String,
    /// Since when.
    pub since: Timestamp,
    /// Why, for a person.
    pub reason: String,
}

/// The durable memory of one runtime. Calls may run concurrently; each is atomic.
///
/// *Durability*: when `capture` or `settle` returns `Ok`, its effects survive the death of the process and of the
/// machine. Backends group concurrent calls into one commit.
/// *Order*: sequences grow in the order in which `capture` calls return, and within a call in the order given.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Makes changes and their checkpoint durable together; answers the sequences given to the entries.
    async fn capture(&self, capture: Capture) -> Result<Vec<Sequence>, StoreError>;

    /// Makes outcomes, links and dead letters durable together.
    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError>;

    /// Unsettled entries of a map after a sequence, in order.
    async fn pending(&self, map: &MapName, after: Sequence, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// The newest settled changes of a leg that were not echoes, newest first, each with its row as it was captured (or read
    /// again since): what the map got. Deletions are left out. A backend keeps [`RECORDED`] of each leg unless it is told
    /// otherwise; older ones are forgotten.
    async fn recorded(&self, map: &MapName, leg: Leg, limit: usize) -> Result<Vec<Change>, StoreError>;

    /// Links by any of their names, in the order asked.
    async fn links(&self, map: &MapName, keys: &[LinkKey]) -> Result<Vec<Option<Link>>, StoreError>;

    /// When the links of these lanes were last forgotten, in the order asked; remembered for 30 days.
    async fn tombstones(
        &self,
        map: &MapName,
        lane_keys: &[String],
    ) -> Result<Vec<Option<Timestamp>>, StoreError>;

    /// Links of a map in lane-key order, after a lane key: for comparing scans.
    async fn links_after(
        &self,
        map: &MapName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError>;

    /// The position of a feed.
    async fn checkpoint(&self, feed: &FeedId) -> Result<Option<String>, StoreError>;

    /// The counters of a map, by leg.
    async fn counters(&self, map: &MapName) -> Result<BTreeMap<Leg, MapCounters>, StoreError>;

    /// Dead letters in order of their numbers.
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError>;

    /// Puts dead letters back at the end of the journal, atomically: they become new entries and cease to be dead. Their
    /// images are marked as never observed (`observed_at` is zero), for much may have happened since: whoever takes
    /// them up has to read the row again. Unknown numbers are ignored. Answers how many were put back.
    async fn replay(&self, ids: &[DeadLetterId]) -> Result<usize, StoreError>;

    /// Drops dead letters for good. Answers how many there were.
    async fn discard(&self, ids: &[DeadLetterId]) -> Result<usize, StoreError>;

    /// The states of all maps.
    async fn map_states(&self) -> Result<Vec<MapStateRecord>, StoreError>;

    /// Stores a map's state together with its line in the activity log.
    async fn set_map_state(&self, state: MapStateRecord, activity: Activity) -> Result<(), StoreError>;

    /// The newest lines of the activity log, newest first.
    async fn activities(&self, map: Option<&MapName>, limit: usize) -> Result<Vec<Activity>, StoreError>;
}

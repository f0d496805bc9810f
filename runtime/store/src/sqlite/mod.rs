//! One SQLite file: WAL, `synchronous = FULL`, one writer that commits in groups, a few readers.
//!
//! A second runtime on the same file would apply everything twice, so the file is locked for as long as it is open.

mod activity;
mod checkpoint;
mod counter;
mod dead_letter;
mod journal;
mod link;
mod lock;
mod map_state;
mod readers;
mod recorded;
mod schema;
mod tombstone;
mod writer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use dualwright_model::{Change, Leg, MapName, Timestamp};

use self::lock::FileLock;
use self::readers::Readers;
use self::writer::{Reply, Writer};
use crate::{
    Activity, Capture, DeadLetter, DeadLetterFilter, DeadLetterId, Entry, FeedId, Link, LinkKey, MapCounters,
    MapStateRecord, NewDeadLetter, RECORDED, Sequence, Settlement, Store, StoreError,
};

/// The durable store of one runtime.
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    /// Settled changes of each leg that stay.
    recorded: usize,
    _lock: FileLock,
}

impl SqliteStore {
    /// Opens the file, making it and its folder's worth of tables when absent.
    ///
    /// # Errors
    /// When the file cannot be opened, is in use by another runtime, is damaged, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_recording(path, RECORDED)
    }

    /// The same, keeping so many settled changes of each leg for [`Store::recorded`]; with none, those that were kept
    /// before are forgotten.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_recording(path: &Path, recorded: usize) -> Result<Self, StoreError> {
        let lock = FileLock::take(path)?;
        let connection = schema::open(path)?;
        if recorded == 0 {
            recorded::forget(&connection).map_err(|error| schema::failed(path, &error))?;
        }
        let readers = Arc::new(Readers::new(path.to_path_buf()));
        let writer = Writer::start(connection, path.display().to_string());
        Ok(Self { writer, readers, recorded, _lock: lock })
    }

    /// As [`Store::recorded`], of a file that another process may have open. It is not written to; one that is not there
    /// holds none.
    ///
    /// # Errors
    /// When the file cannot be read, or is damaged.
    pub async fn recorded_in(
        path: PathBuf,
        map: MapName,
        leg: Leg,
        limit: usize,
    ) -> Result<Vec<Change>, StoreError> {
        let answer = tokio::task::spawn_blocking(move || recorded::of_file(&path, &map, leg, limit));
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes a consistent copy of everything to another file, which must not exist yet.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub async fn backup_to(&self, target: PathBuf) -> Result<(), StoreError> {
        self.readers.backup_to(target).await
    }

    /// Waits for what is being written, then closes the file.
    pub fn close(self) {
        self.writer.close();
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn capture(&self, capture: Capture) -> Result<Vec<Sequence>, StoreError> {
        let reply = self
            .writer
            .write(move |connection| {
                let sequences = journal::append(connection, &capture.entries)?;
                if let Some(checkpoint) = &capture.checkpoint {
                    checkpoint::set(connection, checkpoint)?;
                }
                Ok(Reply::Sequences(sequences))
            })
            .await?;
        Ok(reply.into_sequences())
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        let recorded = self.recorded;
        self.writer
            .write(move |connection| {
                journal::resolve(connection, &settlement.resolved, recorded)?;
                journal::postpone(connection, &settlement.waiting)?;
                journal::revise(connection, &settlement.revised)?;
                link::forget(connection, &settlement.unlinked)?;
                tombstone::set(connection, &settlement.unlinked)?;
                link::set(connection, &settlement.links)?;
                dead_letter::add(connection, &settlement.dead_letters)?;
                for checkpoint in &settlement.checkpoints {
                    checkpoint::set(connection, checkpoint)?;
                }
                for (map, leg, resolution, count) in &settlement.counted {
                    counter::add(connection, map, *leg, counter::word(*resolution), *count)?;
                }
                for (map, leg, count) in &settlement.near_misses {
                    counter::add(connection, map, *leg, counter::NEAR_MISSES, *count)?;
                }
                for line in &settlement.activities {
                    activity::add(connection, line)?;
                }
                Ok(Reply::Nothing)
            })
            .await?;
        Ok(())
    }

    async fn pending(&self, map: &MapName, after: Sequence, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let map = map.clone();
        self.readers.read("journal", move |connection| journal::pending(connection, &map, after, limit)).await
    }

    async fn recorded(&self, map: &MapName, leg: Leg, limit: usize) -> Result<Vec<Change>, StoreError> {
        let map = map.clone();
        self.readers.read("recorded", move |connection| recorded::newest(connection, &map, leg, limit)).await
    }

    async fn links(&self, map: &MapName, keys: &[LinkKey]) -> Result<Vec<Option<Link>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (map, keys) = (map.clone(), keys.to_vec());
        self.readers.read("link", move |connection| link::find(connection, &map, &keys)).await
    }

    async fn tombstones(
        &self,
        map: &MapName,
        lane_keys: &[String],
    ) -> Result<Vec<Option<Timestamp>>, StoreError> {
        if lane_keys.is_empty() {
            return Ok(Vec::new());
        }
        let (map, lane_keys) = (map.clone(), lane_keys.to_vec());
        self.readers.read("tombstone", move |connection| tombstone::find(connection, &map, &lane_keys)).await
    }

    async fn links_after(
        &self,
        map: &MapName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Link>, StoreError> {
        let (map, after) = (map.clone(), after.map(str::to_owned));
        self.readers
            .read("link", move |connection| link::after(connection, &map, after.as_deref(), limit))
            .await
    }

    async fn checkpoint(&self, feed: &FeedId) -> Result<Option<String>, StoreError> {
        let feed = feed.clone();
        self.readers.read("checkpoint", move |connection| checkpoint::get(connection, &feed)).await
    }

    async fn counters(&self, map: &MapName) -> Result<BTreeMap<Leg, MapCounters>, StoreError> {
        let map = map.clone();
        self.readers.read("counter", move |connection| counter::read(connection, &map)).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let filter = filter.clone();
        self.readers
            .read("dead_letter", move |connection| dead_letter::list(connection, &filter, limit))
            .await
    }

    async fn replay(&self, ids: &[DeadLetterId]) -> Result<usize, StoreError> {
        let ids = ids.to_vec();
        let reply = self
            .writer
            .write(move |connection| {
                let letters = dead_letter::take(connection, &ids)?;
                let entries: Vec<_> = letters.into_iter().map(NewDeadLetter::into_replay).collect();
                journal::append(connection, &entries)?;
                Ok(Reply::Count(entries.len()))
            })
            .await?;
        Ok(reply.into_count())
    }

    async fn discard(&self, ids: &[DeadLetterId]) -> Result<usize, StoreError> {
        let ids = ids.to_vec();
        let reply = self
            .writer
            .write(move |connection| Ok(Reply::Count(dead_letter::take(connection, &ids)?.len())))
            .await?;
        Ok(reply.into_count())
    }

    async fn map_states(&self) -> Result<Vec<MapStateRecord>, StoreError> {
        self.readers.read("map_state", map_state::all).await
    }

    async fn set_map_state(&self, state: MapStateRecord, line: Activity) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| {
                map_state::set(connection, &state)?;
                activity::add(connection, &line)?;
                Ok(Reply::Nothing)
            })
            .await?;
        Ok(())
    }

    async fn activities(&self, map: Option<&MapName>, limit: usize) -> Result<Vec<Activity>, StoreError> {
        let map = map.cloned();
        self.readers
            .read("activity", move |connection| activity::newest(connection, map.as_ref(), limit))
            .await
    }
}

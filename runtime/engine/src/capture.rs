//! Brings changes into the journal, one task a leg.
//!
//! A push is only a nudge to read; what is trusted is what the read says. Reading and journalling happen one after
//! the other in this one task, so that a later read of a row never gets an earlier place in the journal.

use std::sync::Arc;
use std::time::Duration;

use dualwright_connect::{ChangePosition, ConnectError, ReadKey};
use dualwright_model::{Change, IntegrationKey, Leg, Operation, Record, RecordId, Value};
use dualwright_store::{Capture, Checkpoint, FeedId, LinkKey, NewEntry, Settlement};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::map::MapContext;
use crate::sweep::Sweep;
use crate::versions::Versions;
use crate::{EngineError, settle};

/// The feed whose checkpoint is the delta link.
pub(crate) const CHANGES: &str = "changes";
/// The mark that a full read of a feed's table has to be followed by a comparison with the links: a full read shows what
/// is there, not what was deleted since the links were made.
pub(crate) const COMPARE: &str = "compare";
/// What the mark says.
pub(crate) const DUE: &str = "due";
/// Nudges read together at most.
const NUDGES_MAX: usize = 500;

/// A row as a nudge names it: its key and, where that was told, its id.
type Named = (Vec<Value>, Option<RecordId>);

/// A nudge on its way to the capture task of one leg.
pub(crate) struct NudgeMessage {
    pub(crate) id: Option<RecordId>,
    pub(crate) cells: Record,
    /// Whether the push said that the row was deleted.
    pub(crate) deleted: bool,
    /// Told once what the nudge was about is durable (I1).
    pub(crate) captured: oneshot::Sender<()>,
}

/// Captures the changes of one leg.
pub(crate) struct CaptureTask {
    pub(crate) versions: Arc<Versions>,
    /// The version at work, since the last read began.
    pub(crate) map: Arc<MapContext>,
    pub(crate) leg: Leg,
    pub(crate) nudges: mpsc::Receiver<NudgeMessage>,
    /// Whether to begin with a full comparison: after a time in which pushes may have been lost.
    pub(crate) sweep_first: bool,
}

pub(crate) fn feed_id(map: &MapContext, leg: Leg, purpose: &str) -> FeedId {
    FeedId { map: map.name.clone(), leg, purpose: purpose.to_owned() }
}

/// An entry for a change; `known_key` is the key that the link or the nudge told, for a row that is gone.
pub(crate) fn entry_of(
    map: &MapContext,
    leg: Leg,
    change: Change,
    known: Option<(String, IntegrationKey)>,
) -> NewEntry {
    let key_here = map.key_of(leg.source(), &change.record);
    let (lane_key, key) = match known {
        Some((lane_key, key)) if change.operation == Operation::Delete => (lane_key, key),
        Some((lane_key, _)) => (lane_key, key_here),
        None if key_here.is_blank() => (format!("id:{}", change.id), key_here),
        None => (key_here.to_string(), key_here),
    };
    NewEntry { map: map.name.clone(), leg, lane_key, key, change, again: false }
}

impl CaptureTask {
    /// Captures until told to stop.
    pub(crate) async fn run(self, stop: watch::Receiver<bool>) -> Result<(), EngineError> {
        if self.map.side(self.leg.source()).connector.has_change_feed() {
            self.follow_feed(stop).await
        } else {
            self.follow_nudges(stop).await
        }
    }

    async fn follow_feed(mut self, mut stop: watch::Receiver<bool>) -> Result<(), EngineError> {
        let mut backoff = Backoff::default();
        let mut compare = None;
        let mut kept: Vec<NudgeMessage> = Vec::new();
        while !*stop.borrow() {
            self.map = self.versions.now();
            while kept.len() < NUDGES_MAX
                && let Ok(message) = self.nudges.try_recv()
            {
                kept.push(message);
            }
            let mut failed = false;
            let pause = match self.follow_once(&mut compare).await? {
                Ok(Next::Again) => continue,
                Ok(Next::Wait) => {
                    backoff.succeeded();
                    for told in kept.drain(..) {
                        let _ = told.captured.send(());
                    }
                    self.map.settings.poll_interval
                }
                Err(error) => {
                    failed = true;
                    let pause = backoff.next_pause();
                    tracing::warn!(map = %self.map.name, leg = %self.leg, %error, ?pause, "the change feed cannot be read");
                    pause
                }
            };
            tokio::select! {
                message = self.nudges.recv() => match message {
                    Some(message) => kept.push(message),
                    None => return Ok(()),
                },
                _ = stop.changed() => {}
                () = tokio::time::sleep(pause) => {}
                () = page_of(&mut compare, &self.map), if !failed => {}
            }
        }
        Ok(())
    }

    /// One page of the feed, or one of a comparison that is due and was read.
    async fn follow_once(
        &mut self,
        compare: &mut Option<Sweep>,
    ) -> Result<Result<Next, ConnectError>, EngineError> {
        match self.read_feed(compare.as_mut()).await? {
            Ok(false) => {}
            Ok(true) => return Ok(Ok(Next::Again)),
            Err(error) => return Ok(Err(error)),
        }
        let mark = feed_id(&self.map, self.leg, COMPARE);
        if compare.is_none() && self.map.store.checkpoint(&mark).await?.is_some() {
            *compare = Some(Sweep::begin(&self.map, self.leg).await?);
        }
        let Some(sweep) = compare.as_mut().filter(|sweep| sweep.is_ready()) else {
            return Ok(Ok(Next::Wait));
        };
        match sweep.step(&self.map).await? {
            Ok(true) => {
                *compare = None;
                let checkpoint = Some(Checkpoint { feed: mark, position: None });
                self.map.store.capture(Capture { entries: Vec::new(), checkpoint }).await?;
                Ok(Ok(Next::Again))
            }
            Ok(false) => Ok(Ok(Next::Again)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Reads one page of the feed into the journal; answers whether there is more.
    async fn read_feed(
        &mut self,
        compare: Option<&mut Sweep>,
    ) -> Result<Result<bool, ConnectError>, EngineError> {
        let map = &self.map;
        let side = map.side(self.leg.source());
        let feed = feed_id(map, self.leg, CHANGES);
        let position = map.store.checkpoint(&feed).await?.map(ChangePosition);
        let page = match side
            .connector
            .changes(&side.selection, position.as_ref(), map.settings.page_rows)
            .await
        {
            Ok(page) => page,
            Err(ConnectError::FeedExpired { .. }) => {
                tracing::warn!(map = %map.name, leg = %self.leg, "the change feed expired; reading everything again and comparing");
                let compare =
                    Checkpoint { feed: feed_id(map, self.leg, COMPARE), position: Some(DUE.to_owned()) };
                let checkpoints = vec![Checkpoint { feed, position: None }, compare];
                map.store.settle(Settlement { checkpoints, ..Settlement::default() }).await?;
                return Ok(Ok(true));
            }
            Err(error) => return Ok(Err(error)),
        };
        let entries = self.entries(page.changes).await?;
        let found = !entries.is_empty();
        let moved = position.as_ref() != Some(&page.next);
        if let Some(sweep) = compare {
            sweep.note_captured(&entries);
        }
        if found || moved {
            let checkpoint = Some(Checkpoint { feed, position: Some(page.next.0) });
            // I1: the changes and the position after them become durable together.
            map.store.capture(Capture { entries, checkpoint }).await?;
        }
        if found {
            map.captured.notify_one();
        }
        Ok(Ok(page.more))
    }

    /// Gives each change its lane: that of its link where there is one.
    async fn entries(&self, changes: Vec<Change>) -> Result<Vec<NewEntry>, EngineError> {
        let map = &self.map;
        let source = self.leg.source();
        let keys: Vec<LinkKey> =
            changes.iter().map(|change| LinkKey::Id(source, change.id.clone())).collect();
        let links = map.store.links(&map.name, &keys).await?;
        let known = links.into_iter().map(|link| link.map(|link| (link.lane_key, link.key)));
        Ok(changes
            .into_iter()
            .zip(known)
            .map(|(change, known)| entry_of(map, self.leg, change, known))
            .collect())
    }

    async fn follow_nudges(mut self, mut stop: watch::Receiver<bool>) -> Result<(), EngineError> {
        let mut backoff = Backoff::default();
        let interval = self.map.settings.sweep_interval;
        let mut sweep_at = if self.sweep_first { Instant::now() } else { Instant::now() + interval };
        let mut sweep: Option<Sweep> = None;
        let mut kept: Vec<NudgeMessage> = Vec::new();
        while !*stop.borrow() {
            self.map = self.versions.now();
            while kept.len() < NUDGES_MAX
                && let Ok(message) = self.nudges.try_recv()
            {
                kept.push(message);
            }
            let mut failed = None;
            if !kept.is_empty() {
                match self.capture_nudged(&kept, sweep.as_mut()).await? {
                    Ok(()) => kept.drain(..).for_each(|message| {
                        let _ = message.captured.send(());
                    }),
                    Err(error) => failed = Some(error),
                }
            } else if sweep.is_none() && Instant::now() >= sweep_at {
                sweep = Some(Sweep::begin(&self.map, self.leg).await?);
            } else if let Some(running) = sweep.as_mut().filter(|sweep| sweep.is_ready()) {
                match running.step(&self.map).await? {
                    Ok(true) => {
                        tracing::debug!(map = %self.map.name, leg = %self.leg, found = running.found(), "compared the whole table");
                        sweep_at = Instant::now() + interval;
                        sweep = None;
                    }
                    Ok(false) => {}
                    Err(error) => failed = Some(error),
                }
            }
            let has_failed = failed.is_some();
            let pause = match failed {
                Some(error) => {
                    let pause = backoff.next_pause();
                    tracing::warn!(map = %self.map.name, leg = %self.leg, %error, ?pause, "the source cannot be read");
                    pause
                }
                None if !self.nudges.is_empty() || sweep.as_ref().is_some_and(Sweep::is_ready) => {
                    backoff.succeeded();
                    continue;
                }
                None => {
                    backoff.succeeded();
                    // One that is under way is waited for below.
                    let due = if sweep.is_some() { Instant::now() + interval } else { sweep_at };
                    due.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
                }
            };
            tokio::select! {
                message = self.nudges.recv(), if kept.is_empty() => match message {
                    Some(message) => kept.push(message),
                    None => return Ok(()),
                },
                _ = stop.changed() => {}
                () = tokio::time::sleep(pause) => {}
                () = page_of(&mut sweep, &self.map), if !has_failed => {}
            }
        }
        Ok(())
    }

    /// Reads the rows that nudges named, as they stand now, and journals them.
    async fn capture_nudged(
        &self,
        nudges: &[NudgeMessage],
        sweep: Option<&mut Sweep>,
    ) -> Result<Result<(), ConnectError>, EngineError> {
        let map = &self.map;
        let source = self.leg.source();
        let side = map.side(source);
        // Each row once, and whether any push said that it was deleted.
        let mut keys: Vec<(Named, bool)> = Vec::new();
        for nudge in nudges {
            let key = nudged_key(map, self.leg, &nudge.cells);
            if nudge.id.is_some() || settle::has_key(&key) {
                let named = (key, nudge.id.clone());
                match keys.iter_mut().find(|(other, _)| *other == named) {
                    Some((_, deleted)) => *deleted |= nudge.deleted,
                    None => keys.push((named, nudge.deleted)),
                }
            }
        }
        if keys.is_empty() {
            return Ok(Ok(()));
        }
        let read_keys: Vec<ReadKey> =
            keys.iter().map(|((key, id), _)| map.read_key(source, id.as_ref(), key)).collect();
        let observed_at = map.clock.now();
        let rows = match side.connector.read(&side.selection, &read_keys).await {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        let link_keys: Vec<LinkKey> = keys
            .iter()
            .zip(&rows)
            .map(|(((key, _), _), row)| match row {
                Some(row) => LinkKey::Id(source, row.id.clone()),
                None => LinkKey::Key(IntegrationKey::new(key.iter())),
            })
            .collect();
        let links = map.store.links(&map.name, &link_keys).await?;
        let entries: Vec<NewEntry> = keys
            .into_iter()
            .zip(rows)
            .zip(links)
            .filter_map(|((((key, id), deleted), row), link)| {
                let known = link.as_ref().map(|link| (link.lane_key.clone(), link.key.clone()));
                match row {
                    // The row was renamed or deleted since: another push says which, and a comparison where that is lost.
                    None if !deleted => None,
                    Some(row) => {
                        let change = Change {
                            operation: Operation::Upsert,
                            id: row.id,
                            version: row.version,
                            record: row.record,
                            modified_at: row.modified_at,
                            observed_at,
                        };
                        Some(entry_of(map, self.leg, change, known))
                    }
                    None => {
                        let linked = link.and_then(|link| link.side(source).id.clone());
                        Some(gone(map, self.leg, &key, linked.or(id), known, observed_at))
                    }
                }
            })
            .collect();
        if entries.is_empty() {
            return Ok(Ok(()));
        }
        if let Some(sweep) = sweep {
            sweep.note_captured(&entries);
        }
        map.store.capture(Capture { entries, checkpoint: None }).await?;
        map.captured.notify_one();
        Ok(Ok(()))
    }
}

/// What to do after one look at the feed.
enum Next {
    /// There is more to do at once.
    Again,
    /// Nothing until somebody says so.
    Wait,
}

/// Waits for the next page of a comparison, where one is under way.
async fn page_of(sweep: &mut Option<Sweep>, map: &Arc<MapContext>) {
    match sweep {
        Some(sweep) => sweep.ready(map).await,
        None => std::future::pending().await,
    }
}

/// The entry for a row that was named by its key and is not there (any more).
pub(crate) fn gone(
    map: &MapContext,
    leg: Leg,
    key: &[Value],
    id: Option<RecordId>,
    known: Option<(String, IntegrationKey)>,
    observed_at: dualwright_model::Timestamp,
) -> NewEntry {
    let text = IntegrationKey::new(key.iter());
    let record: Record =
        map.side(leg.source()).selection.key.iter().cloned().zip(key.iter().cloned()).collect();
    let id = id.unwrap_or_else(|| RecordId(text.to_string()));
    let change =
        Change { operation: Operation::Delete, id, version: None, record, modified_at: None, observed_at };
    let known = known.or_else(|| Some((text.to_string(), text)));
    entry_of(map, leg, change, known)
}

/// The key columns among the cells of an event; names match without regard to case.
fn nudged_key(map: &MapContext, leg: Leg, cells: &Record) -> Vec<Value> {
    map.side(leg.source())
        .selection
        .key
        .iter()
        .map(|column| {
            cells
                .iter()
                .find(|(name, _)| name.as_str().eq_ignore_ascii_case(column.as_str()))
                .map_or(Value::Absent, |(_, value)| value.clone())
        })
        .collect()
}

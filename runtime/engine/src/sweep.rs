//! Compares a whole table with the record links: the net under systems without a change feed, where a push can be
//! lost for good. Only differences are journalled.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use dualwright_connect::{ConnectError, ScanPage, ScanPosition};
use dualwright_model::{Change, Fingerprint, Leg, Operation};
use dualwright_store::{Capture, DeadLetterFilter, Link, LinkKey, NewEntry, Sequence};
use tokio::task::JoinHandle;

use crate::EngineError;
use crate::capture::{entry_of, gone};
use crate::map::MapContext;

/// How many entries or letters are read at once when a sweep begins.
const READ_AT_ONCE: usize = 2000;

/// One comparison of one leg's source, page by page.
pub(crate) struct Sweep {
    leg: Leg,
    stage: Stage,
    /// Lanes with unsettled entries: their rows are journalled whatever the link says, for the link is about to move.
    unsettled: HashSet<String>,
    /// Images that are dead letters already: an unchanged row does not die anew with every sweep.
    dead: BTreeMap<String, Fingerprint>,
    seen: HashSet<String>,
    found: usize,
    /// The page that is being read, by the version that asked for it.
    reading: Option<Reading>,
    /// Lanes and keys captured since that page was asked for: what they captured may be newer than the page.
    captured_meanwhile: HashSet<String>,
}

struct Reading {
    map: Arc<MapContext>,
    page: JoinHandle<Result<ScanPage, ConnectError>>,
    /// What came of it.
    ended: Option<Result<ScanPage, ConnectError>>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.page.abort();
    }
}

enum Stage {
    Rows(Option<ScanPosition>),
    Links(Option<String>),
}

impl Sweep {
    pub(crate) async fn begin(map: &MapContext, leg: Leg) -> Result<Self, EngineError> {
        let mut unsettled = HashSet::new();
        let mut after = Sequence(0);
        loop {
            let entries = map.store.pending(&map.name, after, READ_AT_ONCE).await?;
            let Some(last) = entries.last() else { break };
            after = last.sequence;
            for entry in entries {
                unsettled.insert(entry.entry.lane_key);
                unsettled.insert(entry.entry.key.to_string());
            }
        }
        let side = map.side(leg.source());
        let mut dead = BTreeMap::new();
        let mut filter = DeadLetterFilter { map: Some(map.name.clone()), ..DeadLetterFilter::default() };
        loop {
            let letters = map.store.dead_letters(&filter, READ_AT_ONCE).await?;
            let Some(last) = letters.last() else { break };
            filter.after = Some(last.id);
            for letter in letters.into_iter().filter(|letter| letter.letter.entry.leg == leg) {
                let entry = letter.letter.entry;
                dead.insert(
                    entry.key.to_string(),
                    Fingerprint::of(&entry.change.record, &side.selection.key),
                );
            }
        }
        Ok(Self {
            leg,
            stage: Stage::Rows(None),
            unsettled,
            dead,
            seen: HashSet::new(),
            found: 0,
            reading: None,
            captured_meanwhile: HashSet::new(),
        })
    }

    /// Differences found so far.
    pub(crate) fn found(&self) -> usize {
        self.found
    }

    /// Entries that were captured while the sweep runs.
    pub(crate) fn note_captured(&mut self, entries: &[NewEntry]) {
        for entry in entries {
            for name in [entry.lane_key.clone(), entry.key.to_string()] {
                if self.reading.is_some() {
                    self.captured_meanwhile.insert(name.clone());
                }
                self.unsettled.insert(name);
            }
        }
    }

    /// Waits until the next step can be taken at once: a page may take seconds, and live changes do not wait for it. May
    /// be given up and called again.
    pub(crate) async fn ready(&mut self, map: &Arc<MapContext>) {
        let Stage::Rows(from) = &self.stage else { return };
        let reading = self.reading.get_or_insert_with(|| {
            self.captured_meanwhile.clear();
            let (map, leg, from) = (Arc::clone(map), self.leg, from.clone());
            let reader = Arc::clone(&map);
            let page = tokio::spawn(async move {
                let side = reader.side(leg.source());
                side.connector.scan(&side.selection, from.as_ref(), reader.settings.page_rows).await
            });
            Reading { map, page, ended: None }
        });
        let source = self.leg.source();
        if reading.ended.is_none() {
            reading.ended = Some((&mut reading.page).await.unwrap_or_else(|error| {
                let reason = format!("the read was cut off: {error}");
                Err(ConnectError::Unavailable { system: source.to_string(), reason })
            }));
        }
    }

    /// Whether [`Sweep::ready`] has nothing to wait for.
    pub(crate) fn is_ready(&self) -> bool {
        match self.stage {
            Stage::Rows(_) => self.reading.as_ref().is_some_and(|reading| reading.ended.is_some()),
            Stage::Links(_) => true,
        }
    }

    /// Deals with the page that was read; answers whether the sweep is through. To be called when it is ready.
    pub(crate) async fn step(
        &mut self,
        map: &Arc<MapContext>,
    ) -> Result<Result<bool, ConnectError>, EngineError> {
        match &self.stage {
            Stage::Rows(_) => self.rows().await,
            Stage::Links(after) => {
                let after = after.clone();
                self.links(map, after).await
            }
        }
    }

    async fn rows(&mut self) -> Result<Result<bool, ConnectError>, EngineError> {
        let Some(mut reading) = self.reading.take() else { return Ok(Ok(false)) };
        let page = match reading.ended.take() {
            Some(Ok(page)) => page,
            Some(Err(error)) => return Ok(Err(error)),
            None => return Ok(Ok(false)),
        };
        let map = Arc::clone(&reading.map);
        let source = self.leg.source();
        let keys: Vec<LinkKey> = page
            .changes
            .iter()
            .flat_map(|change| {
                [LinkKey::Id(source, change.id.clone()), LinkKey::Key(map.key_of(source, &change.record))]
            })
            .collect();
        let mut links = map.store.links(&map.name, &keys).await?.into_iter();
        let mut entries = Vec::new();
        for change in page.changes {
            let by_id = links.next().flatten();
            let link = links.next().flatten().or_else(|| by_id.clone());
            let link = by_id.or(link);
            if let Some(link) = &link {
                self.seen.insert(link.lane_key.clone());
            }
            if self.is_overtaken(&map, link.as_ref(), &change) {
                continue;
            }
            if self.is_different(&map, link.as_ref(), &change) {
                let known = link.map(|link| (link.lane_key, link.key));
                entries.push(entry_of(&map, self.leg, change, known));
            }
        }
        self.journal(&map, entries).await?;
        self.stage = match page.next {
            Some(next) => Stage::Rows(Some(next)),
            None => Stage::Links(None),
        };
        Ok(Ok(false))
    }

    /// Whether the row was captured after its page was asked for: an older image must not get a later place in the
    /// journal (I2).
    fn is_overtaken(&self, map: &MapContext, link: Option<&Link>, change: &Change) -> bool {
        if self.captured_meanwhile.is_empty() {
            return false;
        }
        let key = map.key_of(self.leg.source(), &change.record).to_string();
        self.captured_meanwhile.contains(&key)
            || link.is_some_and(|link| self.captured_meanwhile.contains(&link.lane_key))
    }

    fn is_different(&self, map: &MapContext, link: Option<&Link>, change: &Change) -> bool {
        let key = map.key_of(self.leg.source(), &change.record).to_string();
        let columns = &map.side(self.leg.source()).selection.key;
        if self.unsettled.contains(&key) {
            return true;
        }
        match link {
            Some(link) => {
                self.unsettled.contains(&link.lane_key)
                    || !link.side(self.leg.source()).fingerprint.agrees_with(&change.record, columns)
            }
            None => self.dead.get(&key).is_none_or(|image| !image.agrees_with(&change.record, columns)),
        }
    }

    /// Linked records that the scan did not show: read one by one, for they may have left the filter, come back
    /// meanwhile, or be gone.
    async fn links(
        &mut self,
        map: &MapContext,
        after: Option<String>,
    ) -> Result<Result<bool, ConnectError>, EngineError> {
        let source = self.leg.source();
        let side = map.side(source);
        let links = map.store.links_after(&map.name, after.as_deref(), map.settings.page_rows).await?;
        let Some(last) = links.last().map(|link| link.lane_key.clone()) else { return Ok(Ok(true)) };
        let missing: Vec<Link> = links
            .into_iter()
            .filter(|link| !self.seen.contains(&link.lane_key) && link.side(source).id.is_some())
            .collect();
        if !missing.is_empty() {
            let keys: Vec<_> = missing
                .iter()
                .map(|link| map.read_key(source, link.side(source).id.as_ref(), &link.side(source).key))
                .collect();
            let observed_at = map.clock.now();
            let rows = match side.connector.read(&side.selection, &keys).await {
                Ok(rows) => rows,
                Err(error) => return Ok(Err(error)),
            };
            let mut entries = Vec::new();
            for (link, row) in missing.into_iter().zip(rows) {
                let known = Some((link.lane_key.clone(), link.key.clone()));
                let linked = link.side(source);
                match row {
                    None => {
                        let id = linked.id.clone();
                        entries.push(gone(map, self.leg, &linked.key, id, known, observed_at));
                    }
                    Some(row) if !linked.fingerprint.agrees_with(&row.record, &side.selection.key) => {
                        let change = Change {
                            operation: Operation::Upsert,
                            id: row.id,
                            version: row.version,
                            record: row.record,
                            modified_at: row.modified_at,
                            observed_at,
                        };
                        entries.push(entry_of(map, self.leg, change, known));
                    }
                    Some(_) => {}
                }
            }
            self.journal(map, entries).await?;
        }
        self.stage = Stage::Links(Some(last));
        Ok(Ok(false))
    }

    async fn journal(&mut self, map: &MapContext, entries: Vec<NewEntry>) -> Result<(), EngineError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.found += entries.len();
        self.note_captured(&entries);
        map.store.capture(Capture { entries, checkpoint: None }).await?;
        map.captured.notify_one();
        Ok(())
    }
}

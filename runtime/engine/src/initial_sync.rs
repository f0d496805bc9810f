//! Brings what exists into step, page by page, resumable.
//!
//! The master's leg runs first and wins over rows that were never synchronised; the other leg then brings what only
//! the other side has. Rows bypass the journal (they can be read again); a page's outcomes, links and the position
//! after it are durable together. Rows that miss a lookup go to the journal and wait there: that is the second pass
//! for tables that reference themselves.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use dualwright_connect::{ChangePosition, ConnectError, ScanPosition};
use dualwright_model::{Change, Leg, Operation};
use dualwright_store::{Checkpoint, LinkKey};
use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::batch::{self, Done, Item, Mode};
use crate::capture::{CHANGES, COMPARE, DUE, entry_of, feed_id};
use crate::map::MapContext;
use crate::settle;
use crate::versions::Versions;
use crate::{EngineError, Event};

/// The feed whose checkpoint is the page reached.
const INITIAL: &str = "initial";
/// What the checkpoint says when a leg is through.
const THROUGH: &str = "through";
/// Batches of one page in flight at once.
const BATCHES_AT_ONCE: usize = 4;

struct Page {
    changes: Vec<Change>,
    /// Where to go on; `None` when this was the last page.
    next: Option<String>,
    /// The position of the change feed, once the full read that starts it is through.
    feed: Option<String>,
    total: Option<u64>,
}

/// Runs all legs of a map's initial sync. Answers `false` when told to stop before the end.
pub(crate) async fn run(versions: &Versions, stop: &watch::Receiver<bool>) -> Result<bool, EngineError> {
    let map = &versions.now();
    for leg in map.legs_master_first() {
        if !run_leg(versions, leg, stop).await? {
            return Ok(false);
        }
    }
    // A later initial sync begins anew.
    let checkpoints = map
        .legs_master_first()
        .into_iter()
        .map(|leg| Checkpoint { feed: feed_id(map, leg, INITIAL), position: None })
        .collect();
    settle::settle(map, Mode { leg: map.master.outgoing(), initial: true }, Vec::new(), checkpoints).await?;
    Ok(true)
}

async fn run_leg(versions: &Versions, leg: Leg, stop: &watch::Receiver<bool>) -> Result<bool, EngineError> {
    let map = &versions.now();
    let mut position = map.store.checkpoint(&feed_id(map, leg, INITIAL)).await?;
    let mut done = 0;
    let mut total = None;
    if position.as_deref() == Some(THROUGH) {
        return Ok(true);
    }
    let Some(mut page) = fetch_patiently(map, leg, position.as_deref(), stop).await? else {
        return Ok(false);
    };
    loop {
        total = total.or(page.total);
        let rows = u64::try_from(page.changes.len()).unwrap_or(0);
        let next = page.next.clone();
        // I8: a page is one batch or a few, and written by one version.
        let map = &versions.now();
        // The next page is read while this one is written.
        let ahead = async {
            match &next {
                Some(next) => fetch_patiently(map, leg, Some(next), stop).await,
                None => Ok(None),
            }
        };
        let (written, ahead) = tokio::join!(write_page(map, leg, page, stop), ahead);
        if !written? {
            return Ok(false);
        }
        done += rows;
        let finished = next.is_none();
        let _ = map.events.send(Event::Progress { map: map.name.clone(), leg, done, total, finished });
        position = next;
        match (ahead?, position.is_some()) {
            (Some(following), _) => page = following,
            (None, true) => return Ok(false),
            (None, false) => return Ok(true),
        }
    }
}

async fn fetch_patiently(
    map: &MapContext,
    leg: Leg,
    position: Option<&str>,
    stop: &watch::Receiver<bool>,
) -> Result<Option<Page>, EngineError> {
    let mut backoff = Backoff::default();
    let mut position = position;
    while !*stop.borrow() {
        match fetch(map, leg, position).await {
            Ok(page) => return Ok(Some(page)),
            // The pages reached before are settled; what is read twice is recognised.
            Err(ConnectError::FeedExpired { .. }) if position.is_some() => position = None,
            Err(error) if matches!(error.class(), dualwright_diagnostics::Class::Config) => {
                return Err(EngineError::Connect { map: map.name.to_string(), source: error });
            }
            Err(error) => wait_out(map, leg, &error, &mut backoff, stop).await,
        }
    }
    Ok(None)
}

async fn wait_out(
    map: &MapContext,
    leg: Leg,
    error: &(dyn std::error::Error + Sync),
    backoff: &mut Backoff,
    stop: &watch::Receiver<bool>,
) {
    let pause = backoff.next_pause();
    tracing::warn!(map = %map.name, %leg, %error, ?pause, "the initial sync waits");
    pause_or_stop(pause, stop).await;
}

async fn pause_or_stop(pause: Duration, stop: &watch::Receiver<bool>) {
    let mut stop = stop.clone();
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        _ = stop.changed() => {}
    }
}

/// A system with a change feed is read by starting that feed: its full read ends in the position from which changes
/// are followed, so nothing falls between the two.
async fn fetch(map: &MapContext, leg: Leg, position: Option<&str>) -> Result<Page, ConnectError> {
    let side = map.side(leg.source());
    let rows = map.settings.page_rows;
    if side.connector.has_change_feed() {
        let since = position.map(|text| ChangePosition(text.to_owned()));
        let page = side.connector.changes(&side.selection, since.as_ref(), rows).await?;
        let (next, feed) = if page.more { (Some(page.next.0), None) } else { (None, Some(page.next.0)) };
        return Ok(Page { changes: page.changes, next, feed, total: None });
    }
    let from = position.map(|text| ScanPosition(text.to_owned()));
    let page = side.connector.scan(&side.selection, from.as_ref(), rows).await?;
    Ok(Page { changes: page.changes, next: page.next.map(|next| next.0), feed: None, total: page.total })
}

/// Brings one page to the other side and settles it; answers `false` when told to stop before it was through.
async fn write_page(
    map: &MapContext,
    leg: Leg,
    page: Page,
    stop: &watch::Receiver<bool>,
) -> Result<bool, EngineError> {
    let mode = Mode { leg, initial: true };
    let mut backoff = Backoff::default();
    let mut left = items_of(map, leg, page.changes).await?;
    while !left.is_empty() {
        if *stop.borrow() {
            return Ok(false);
        }
        let (now, later) = one_a_record(left);
        let mut done: Vec<Done> = Vec::new();
        let mut batches = now.into_iter().peekable();
        while batches.peek().is_some() {
            let group: Vec<Vec<Item>> = (0..BATCHES_AT_ONCE)
                .map(|_| batches.by_ref().take(map.settings.batch_rows).collect::<Vec<Item>>())
                .filter(|batch| !batch.is_empty())
                .collect();
            let ended =
                futures::future::join_all(group.into_iter().map(|batch| batch::run(map, mode, batch, None)))
                    .await;
            done.extend(ended.into_iter().flatten());
        }
        let aftermath = settle::settle(map, mode, done, Vec::new()).await?;
        left = later;
        if let Some((_, _, reason)) = aftermath.put_back.first() {
            let pause = backoff.next_pause();
            tracing::warn!(map = %map.name, %leg, reason, ?pause, "the initial sync waits");
            pause_or_stop(pause, stop).await;
        }
        left.extend(aftermath.put_back.into_iter().map(|(item, _, _)| item));
    }
    let position = page.next.or_else(|| Some(THROUGH.to_owned()));
    let mut checkpoints = vec![Checkpoint { feed: feed_id(map, leg, INITIAL), position }];
    if let Some(feed) = page.feed {
        checkpoints.push(Checkpoint { feed: feed_id(map, leg, CHANGES), position: Some(feed) });
        checkpoints.push(Checkpoint { feed: feed_id(map, leg, COMPARE), position: Some(DUE.to_owned()) });
    }
    settle::settle(map, mode, Vec::new(), checkpoints).await?;
    Ok(true)
}

async fn items_of(map: &MapContext, leg: Leg, changes: Vec<Change>) -> Result<Vec<Item>, EngineError> {
    let source = leg.source();
    // A deletion in a first read is of a row we never knew.
    let changes: Vec<Change> =
        changes.into_iter().filter(|change| change.operation == Operation::Upsert).collect();
    let keys: Vec<LinkKey> = changes.iter().map(|change| LinkKey::Id(source, change.id.clone())).collect();
    let links = map.store.links(&map.name, &keys).await?;
    Ok(changes
        .into_iter()
        .zip(links)
        .map(|(change, link)| {
            let known = link.map(|link| (link.lane_key, link.key));
            Item { sequence: None, entry: entry_of(map, leg, change, known), revised: false, history: None }
        })
        .collect())
}

/// Splits off what must wait for an earlier item of the same record.
fn one_a_record(items: Vec<Item>) -> (Vec<Item>, Vec<Item>) {
    let mut lanes: HashSet<String> = HashSet::with_capacity(items.len());
    let mut keys: HashMap<String, ()> = HashMap::new();
    items.into_iter().partition(|item| {
        lanes.insert(item.entry.lane_key.clone()) && keys.insert(item.entry.key.to_string(), ()).is_none()
    })
}

//! What the engine is doing, for an onlooker.

use std::collections::BTreeMap;
use std::time::Duration;

use dualwright_engine::{Engine, Event, MapStatus};
use dualwright_model::{Leg, MapName};
use dualwright_store::Resolution;
use dualwright_sync::map_state::MapState;
use tokio::sync::broadcast::error::RecvError;

use crate::progress::{Progress, Task};
use crate::{Failure, Output};

/// The engine's events are best effort, so its state is looked at as well.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// For so many looks in a row nothing may be under way before it is called quiet.
const QUIET_LOOKS: u32 = 5;
/// What has not come to rest by then will not.
const PATIENCE: Duration = Duration::from_secs(120);

/// Shows a bar for each leg of each map until every map is running.
pub(crate) async fn initial_sync(engine: &Engine, progress: &Progress) -> Result<(), Failure> {
    let mut events = engine.events();
    let mut bars: BTreeMap<(MapName, Leg), Task> = BTreeMap::new();
    let mut look = tokio::time::interval(LOOK_AGAIN);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(Event::Progress { map, leg, done, total, finished }) => {
                    let bar = bars.entry((map.clone(), leg)).or_insert_with(|| {
                        progress.counted(format!("{map} {leg}"), total.unwrap_or(0))
                    });
                    bar.set(done, total);
                    if finished {
                        bar.finish(format!("{done} rows"));
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
            _ = look.tick() => {
                let status = status(engine).await?;
                if let Some(stopped) = status.iter().find(|map| map.state == MapState::StoppedByErrors) {
                    return Err(Failure::runtime(format!("{} was stopped by errors: {}", stopped.map, stopped.reason)));
                }
                if status.iter().all(|map| map.state == MapState::Running) {
                    return Ok(());
                }
            }
        }
    }
}

/// Returns when nothing is under way any more, or nothing changes for too long.
pub(crate) async fn quiet(engine: &Engine) -> Result<(), Failure> {
    let mut quiet = 0;
    let mut before = String::new();
    let end = tokio::time::Instant::now() + PATIENCE;
    while quiet < QUIET_LOOKS && tokio::time::Instant::now() < end {
        let status = status(engine).await?;
        let pending: u64 = status.iter().flat_map(|map| map.legs.values()).map(|leg| leg.pending).sum();
        let counters = format!("{:?}", status.iter().map(|map| &map.legs).collect::<Vec<_>>());
        quiet = if pending == 0 && counters == before { quiet + 1 } else { 0 };
        before = counters;
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Tells of everything that is settled, for as long as the engine runs.
pub(crate) async fn watch(engine: &Engine, output: &Output) {
    let mut events = engine.events();
    loop {
        match events.recv().await {
            Ok(Event::Settled { map, leg, resolved }) => {
                let words: Vec<String> =
                    resolved.iter().map(|(how, count)| format!("{count} {}", word(*how))).collect();
                output.line(format!("  {map} {leg}: {}", words.join(", ")));
            }
            Ok(Event::State { map, state }) => output.line(format!("  {map} is {state}")),
            Ok(Event::Switched { map, actor, .. }) => {
                output.line(format!("  {map} has another version, by {actor}"))
            }
            Ok(Event::Undone { map, evidence, .. }) => {
                output.line(format!("  {map} is back at the version before: {evidence}"));
            }
            Ok(Event::Progress { .. }) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn status(engine: &Engine) -> Result<Vec<MapStatus>, Failure> {
    engine.status().await.map_err(|error| crate::assembly::engine_failure(&error))
}

fn word(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Applied => "applied",
        Resolution::Unchanged => "unchanged",
        Resolution::Echo => "echo dropped",
        Resolution::Skipped => "skipped",
        Resolution::Dead => "dead letter",
    }
}

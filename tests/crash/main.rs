//! Twenty deaths under load: the runtime, and each system, are killed with SIGKILL at seeded random moments while people
//! change records on both sides, and come back each time. At the end both systems say the same, every person's last
//! word stands, nothing was written twice, and no record's counter ever went back.
//!
//! A run can be tried again with its seed, though not repeated to the letter, for threads and disks have their own time:
//! `SEED=17 cargo test -p dualwright-tests --test crash`. More deaths: `DEATHS=200`. `KEEP_TEST_FOLDERS=1` keeps the
//! journal, both systems' files and the logs, and tells where they are.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test that fails says so by panicking"
)]

mod people;
mod stage;

use std::time::Duration;

use anyhow::{Context, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use support::write_log::{self, out_of_order, written_twice};
use support::{RUNTIME, System, Turn, agreement};

use crate::people::People;
use crate::stage::Stage;

/// How long the two systems may take to agree once everybody is quiet.
const PATIENCE: Duration = Duration::from_secs(180);

/// Who dies.
#[derive(Clone, Copy, Debug)]
enum Victim {
    /// The control: what goes wrong here has nothing to do with dying.
    Nobody,
    Runtime,
    Emulator(System),
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_dies() -> anyhow::Result<()> {
    survives(Victim::Nobody, 4).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runtime_dies_twenty_times() -> anyhow::Result<()> {
    survives(Victim::Runtime, 1).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finops_dies_twenty_times() -> anyhow::Result<()> {
    survives(Victim::Emulator(System::Finops), 2).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dataverse_dies_twenty_times() -> anyhow::Result<()> {
    survives(Victim::Emulator(System::Dataverse), 3).await
}

async fn survives(victim: Victim, seed: u64) -> anyhow::Result<()> {
    let seed = number("SEED", seed);
    let told = |what: &str| format!("{what}; the seed was {seed}");
    let _turn = Turn::take().await?;
    let mut random = StdRng::seed_from_u64(seed);
    let mut stage = Stage::open().await?;
    stage.runtime.start()?;
    if !matches!(victim, Victim::Runtime) {
        // A runtime that cannot reach a system when it starts says so and ends; that is another story.
        stage.runtime.wait_until_up()?;
    }
    let people = People::begin(&stage.pair, seed).await?;
    for death in 0..number("DEATHS", 20) {
        if let Victim::Runtime = victim
            && death % 4 != 0
        {
            // Every fourth dies while it starts, or in the middle of its initial sync.
            stage.runtime.wait_until_up()?;
        }
        people
            .wait_for_deeds(random.random_range(1..250))
            .await
            .with_context(|| told("the people are stuck"))?;
        match victim {
            Victim::Nobody => {}
            Victim::Runtime => {
                stage.runtime.kill()?;
                stage.runtime.start()?;
            }
            Victim::Emulator(system) => {
                let emulator = stage.pair.emulator_mut(system);
                emulator.kill()?;
                emulator.start_again()?;
                ensure!(stage.runtime.runs()?, told("the runtime ended, and nobody told it to"));
            }
        }
    }
    stage.runtime.wait_until_up()?;
    let words = people.end().await.with_context(|| told("the people could not finish"))?;
    eprintln!("{victim:?}: {} deeds of people, seed {seed}", words.deeds);
    stage.runtime.wait_until_quiet(PATIENCE).await.with_context(|| told("not everything was carried out"))?;
    let agreed = agreement::wait(&stage.pair, &stage.maps, PATIENCE).await;
    agreed.with_context(|| format!("{}; {}", told("they differ"), stage.runtime.log_tail()))?;
    // What came home as an echo, or woke up late, must not have moved anything either.
    stage.runtime.wait_until_quiet(PATIENCE).await?;
    words.stand(&stage.pair).await.with_context(|| told("a person's word was lost"))?;
    what_was_written_is_right(&stage).await.with_context(|| told("the write logs"))?;
    let dead = stage.runtime.dead_letters().await?;
    ensure!(dead.is_empty(), "{}: {dead:#?}", told("dead letters"));
    Ok(())
}

/// The systems' own logs prove it: nothing twice, nothing out of order, and the runtime did the work.
async fn what_was_written_is_right(stage: &Stage) -> anyhow::Result<()> {
    let counters = [
        (System::Dataverse, "accounts", people::FINOPS_COUNTER.1),
        (System::Finops, "CustomersV3", people::DATAVERSE_COUNTER.0),
    ];
    let mut findings = Vec::new();
    for (system, table, counter) in counters {
        let log = write_log::read(&stage.pair.person(system).await?).await?;
        // A connector's own subscription is no record, and its secret cannot be read back: it is set at every start.
        let log = write_log::of_tables(&log, &stage.tables(system)?);
        let written = write_log::count(&log, RUNTIME, table);
        eprintln!("{system:?}: the runtime wrote {written} rows of {table}");
        ensure!(written > 100, "hardly anything was written: this proved nothing");
        findings.extend(written_twice(&log, RUNTIME));
        findings.extend(out_of_order(&log, RUNTIME, counter));
    }
    ensure!(findings.is_empty(), "{} findings\n  {}", findings.len(), findings.join("\n  "));
    Ok(())
}

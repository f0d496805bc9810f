//! The demo: two local systems, linked, synchronised and changed before your eyes.
//!
//! What runs in it is what `dualwright run` runs, assembled by the same code from a configuration file. The records are
//! made and changed over HTTP by somebody who knows nothing of the runtime, and the comparison at the end shares no
//! code with it.

mod compare;
mod live;
mod report;
mod seed;
mod show;
mod stage;

use std::path::{Path, PathBuf};
use std::time::Instant;

use dualwright_diagnostics::Exit;
use dualwright_engine::Pair;
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress};
use dualwright_model::Leg;
use dualwright_store::Resolution;

use crate::assembly::{LoadedMap, LoadedMaps, Runtime, connect, load_all};
use crate::config::Config;
use crate::progress::Progress;
use crate::signal::StopSignals;
use crate::{Failure, Output};
use compare::{Comparison, Reader};
use live::Person;
use report::{Latency, Live, Report};
use stage::Stage;

/// What was asked for.
pub(crate) struct Wishes {
    /// End when everything was shown.
    pub(crate) once: bool,
    /// Where to write the report.
    pub(crate) report: Option<PathBuf>,
    /// Where to keep the files.
    pub(crate) data: Option<PathBuf>,
    /// Where the maps are.
    pub(crate) catalogue: Option<PathBuf>,
    /// Live edits each way.
    pub(crate) changes: usize,
}

/// Shows everything, and says how it ended.
pub(crate) async fn run(wishes: Wishes, output: &Output) -> Result<Exit, Failure> {
    let mut signals = StopSignals::listen()?;
    let began = Instant::now();
    let progress = Progress::new(output);
    let maps = map_files(wishes.catalogue.as_deref())?;
    let stage = Stage::open(wishes.data.as_deref()).await?;
    let acted = tokio::select! {
        acted = act(&wishes, &stage, &maps, &progress, output, began) => acted,
        _ = signals.stopped() => Ok(None),
    };
    let exit = match acted {
        Ok(Some((report, runtime))) => {
            let exit = if report.converged { Exit::Done } else { Exit::Runtime };
            if !wishes.once {
                invite(&stage, &runtime, output);
                tokio::select! {
                    _ = signals.stopped() => {}
                    () = show::watch(&runtime.engine, output) => {}
                }
            }
            runtime.shutdown().await;
            Ok(exit)
        }
        Ok(None) => Ok(Exit::Done),
        Err(failure) => Err(failure),
    };
    let closed = stage.close().await;
    let exit = exit?;
    closed?;
    Ok(exit)
}

async fn act(
    wishes: &Wishes,
    stage: &Stage,
    maps: &[PathBuf],
    progress: &Progress,
    output: &Output,
    began: Instant,
) -> Result<Option<(Report, Runtime)>, Failure> {
    output.line(format!("F&O at {} · Dataverse at {}", stage.finops().url, stage.dataverse().url));
    let person = Person {
        finops: Reader::sign_in(&stage.finops()).await?,
        dataverse: Reader::sign_in(&stage.dataverse()).await?,
    };
    seed::fill(&person, progress).await?;
    let config = Config::load(&stage.write_config(maps)?)?;
    let pair = connect(&config)?;
    let mut loaded = build(&config, &pair, progress).await?;
    let runtime = Runtime::start(&config, pair, &mut loaded).await?;
    let shown = tokio::select! {
        shown = everything(wishes, stage, maps, &loaded.maps, &runtime, &person, progress) => shown,
        failure = runtime.gave_up() => Err(failure),
    };
    let mut report = match shown {
        Ok(report) => report,
        Err(failure) => {
            runtime.shutdown().await;
            return Err(failure);
        }
    };
    report.wall_s = (began.elapsed().as_secs_f64() * 100.0).round() / 100.0;
    for line in report.lines() {
        output.line(line);
    }
    output.document(&report)?;
    if let Some(path) = &wishes.report {
        report.write(path)?;
    }
    Ok(Some((report, runtime)))
}

async fn everything(
    wishes: &Wishes,
    stage: &Stage,
    maps: &[PathBuf],
    loaded: &[LoadedMap],
    runtime: &Runtime,
    person: &Person,
    progress: &Progress,
) -> Result<Report, Failure> {
    let tables: Vec<String> = loaded
        .iter()
        .map(LoadedMap::description)
        .filter(|description| description.leg(Leg::ToDataverse).is_some())
        .map(|description| description.finops_table.to_string())
        .collect();
    stage.switch_data_events_on(&format!("http://{}", runtime.address), &tables).await?;
    show::initial_sync(&runtime.engine, progress).await?;
    progress.line("Live changes, made over HTTP by a person, and how long until the other side shows them:");
    let arrivals = person.work(wishes.changes, progress).await?;
    let lost = arrivals.lost.len();
    show::quiet(&runtime.engine).await?;
    let comparing = progress.waiting("comparing both sides, field by field");
    let comparison = Comparison {
        finops: stage.finops(),
        dataverse: stage.dataverse(),
        runtime: stage.runtime_client().to_owned(),
        maps: maps.to_vec(),
    };
    let legs = comparison.run().await?;
    comparing.finish("done");
    let status = runtime.engine.status().await.map_err(|error| crate::assembly::engine_failure(&error))?;
    let counters = || status.iter().flat_map(|map| map.legs.values());
    let resolved = |how: Resolution| counters().filter_map(|leg| leg.resolved.get(&how)).sum();
    Ok(Report {
        converged: lost == 0 && legs.iter().all(|leg| leg.mismatches == 0),
        maps: legs,
        live: Live {
            to_dataverse: Latency::of(&arrivals.to_dataverse),
            to_finops: Latency::of(&arrivals.to_finops),
        },
        echoes_dropped: resolved(Resolution::Echo),
        near_misses: counters().map(|leg| leg.near_misses).sum(),
        dead_letters: resolved(Resolution::Dead),
        wall_s: 0.0,
    })
}

async fn build(config: &Config, pair: &Pair, progress: &Progress) -> Result<LoadedMaps, Failure> {
    let task = progress.waiting("building the maps");
    let (lines, began) = (progress.clone(), Instant::now());
    let options = BuildOptions {
        progress: BuildProgress::new(move |line| lines.line(line)),
        ..BuildOptions::default()
    };
    let loaded = load_all(config, pair, &options).await?;
    task.finish(format!("{} maps in {:.1} s", loaded.maps.len(), began.elapsed().as_secs_f64()));
    Ok(loaded)
}

/// The maps that the demo shows, of the many in the catalogue: one flow from companies to customers, vendors and products.
const MAPS: [&str; 9] = [
    "company/legal-entities-companies",
    "customers/customer-groups",
    "payments/payment-terms",
    "pre-party/customers-accounts",
    "pre-party/customers-contacts",
    "pre-party/vendors",
    "products/released-products",
    "products/units",
    "vendors/vendor-groups",
];

/// The demo's maps in a catalogue.
fn map_files(catalogue: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    let folder = match catalogue {
        Some(folder) => folder.to_path_buf(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/catalogue"),
    };
    let folder = folder.canonicalize().map_err(|error| {
        Failure::usage("the folder of the standard maps is not there")
            .at(folder.display())
            .because(error)
            .hint("run this in the repository, or name the folder with --catalogue")
    })?;
    let files: Vec<PathBuf> = MAPS.iter().map(|map| folder.join(format!("{map}.toml"))).collect();
    match files.iter().find(|file| !file.is_file()) {
        None => Ok(files),
        Some(missing) => Err(Failure::usage("a map that the demo shows is not there")
            .at(missing.display())
            .hint("name a folder that is laid out as the standard maps are")),
    }
}

fn invite(stage: &Stage, runtime: &Runtime, output: &Output) {
    output.line("");
    output.line("Both systems and the runtime go on running; change something. Ctrl-C stops everything.");
    output.line(format!("  F&O        {}/data", stage.finops().url));
    output.line(format!("  Dataverse  {}/api/data/v9.2", stage.dataverse().url));
    output.line(format!("  runtime    http://{}/v1/maps", runtime.address));
    output.line(format!("  files      {}", stage.folder().display()));
    output.line("");
    for line in crate::commands::emulate::example(&stage.dataverse().url) {
        output.line(format!("  {line}"));
    }
}

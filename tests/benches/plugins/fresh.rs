//! What a fresh instance costs, language by language; and what is left of it where instances of slow ones are made ahead.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use dualwright_map_builder::BuildOptions;
use dualwright_map_builder::project::Project;
use dualwright_model::{Operation, Record, Value};
use dualwright_plugin_host::{Grants, GuestChange, Host, HostConfig, Plugin};

use crate::measure::Figures;

/// Calls of each language, of which the first are not counted.
const CALLS: usize = 2000;
const WARM_UP: usize = 50;
/// What writing a batch to the other side takes at the least, which is when the next instance is made.
const WRITING: Duration = Duration::from_millis(3);
/// Calls with such a pause before each.
const PAUSED: usize = 300;

pub(crate) async fn run(options: &BuildOptions) {
    let host = Host::new(HostConfig { slow_start: Duration::MAX, ..HostConfig::default() }).unwrap();
    let ahead = Host::new(HostConfig::default()).unwrap();
    println!("\na fresh instance and one row in it, microseconds (of {CALLS} calls)");
    println!(
        "with pauses: {PAUSED} calls {} ms apart, as batches are that are written;",
        WRITING.as_millis()
    );
    println!(
        "ahead: the same where slow ones are made ahead, as the runtime does, and how many of the calls met one\n"
    );
    println!(
        "{:<12} {:>8} {:>8} {:>14} {:>8} {:>6} {:>10} {:>9}  map",
        "language", "p50", "p99", "p50, pauses", "ahead", "met", "bytes", "load, ms"
    );
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&examples)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for language in ["table", "rust", "typescript", "python"] {
        let Some(folder) = folders.iter().find(|folder| language_of(folder) == Some(language)) else {
            println!("{language:<12} skipped: no example in this language");
            continue;
        };
        let name = folder.file_name().unwrap().to_string_lossy();
        match Project::find(folder).and_then(|project| project.build(options)) {
            Ok(built) => {
                let began = Instant::now();
                match host.load(&name, &built.bytes, &Grants::default()) {
                    Ok(plugin) => {
                        let load = began.elapsed().as_millis();
                        let (p50, p99) = cost(&plugin, CALLS, Duration::ZERO).await;
                        let (paused, _) = cost(&plugin, PAUSED, WRITING).await;
                        let plugin = ahead.load(&name, &built.bytes, &Grants::default()).unwrap();
                        let (made, _) = cost(&plugin, PAUSED, WRITING).await;
                        let met = plugin.stats().ahead;
                        println!(
                            "{language:<12} {p50:>8.1} {p99:>8.1} {paused:>14.1} {made:>8.1} {met:>6} {:>10} {load:>9}  {name}",
                            built.bytes.len()
                        );
                    }
                    Err(error) => println!("{language:<12} skipped: {name} does not load: {error}"),
                }
            }
            Err(error) => println!("{language:<12} skipped: {name} cannot be built here: {error}"),
        }
    }
}

/// What a project is written in, by the file it is made from.
fn language_of(folder: &std::path::Path) -> Option<&'static str> {
    let files = [
        ("map.toml", "table"),
        ("Cargo.toml", "rust"),
        ("package.json", "typescript"),
        ("pyproject.toml", "python"),
    ];
    files.into_iter().find(|(file, _)| folder.join(file).is_file()).map(|(_, language)| language)
}

/// Median and 99th percentile of one call, by the host's own clock: from an empty store to the answer.
async fn cost(plugin: &Plugin, calls: usize, pause: Duration) -> (f64, f64) {
    let leg = &plugin.description().legs[0];
    let cells = leg.reads.iter().map(|column| (column.clone(), Value::text("1")));
    let batch = [GuestChange { operation: Operation::Upsert, record: cells.collect::<Record>() }];
    let mut times = Figures::default();
    for call in 0..calls + WARM_UP {
        std::thread::sleep(pause);
        let before = plugin.stats().time;
        let answer = plugin.transform(leg.leg, false, &batch).await;
        if let [Err(fault)] = answer.as_slice() {
            panic!("{}: {}", plugin.description().name, fault.message);
        }
        if call >= WARM_UP {
            times.add((plugin.stats().time - before).as_secs_f64() * 1e6);
        }
    }
    (times.quantile(0.5), times.quantile(0.99))
}

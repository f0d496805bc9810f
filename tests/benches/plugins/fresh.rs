//! What a fresh instance costs, language by language.

use std::path::PathBuf;

use dualwright_map_builder::BuildOptions;
use dualwright_map_builder::project::Project;
use dualwright_model::{Operation, Record, Value};
use dualwright_plugin_host::{Grants, GuestChange, Host, Plugin};

use crate::measure::Figures;

/// Calls of each language, of which the first are not counted.
const CALLS: usize = 2000;
const WARM_UP: usize = 50;

pub(crate) async fn run(host: &Host, options: &BuildOptions) {
    println!("\na fresh instance and one row in it, microseconds (of {CALLS} calls)\n");
    println!("{:<12} {:>10} {:>10} {:>12} {:>11}  map", "language", "p50", "p99", "bytes", "load, ms");
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
                let began = std::time::Instant::now();
                match host.load(&name, &built.bytes, &Grants::default()) {
                    Ok(plugin) => {
                        let load = began.elapsed().as_millis();
                        let (p50, p99) = cost(&plugin).await;
                        println!(
                            "{language:<12} {p50:>10.1} {p99:>10.1} {:>12} {load:>11}  {name}",
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
async fn cost(plugin: &Plugin) -> (f64, f64) {
    let leg = &plugin.description().legs[0];
    let cells = leg.reads.iter().map(|column| (column.clone(), Value::text("1")));
    let batch = [GuestChange { operation: Operation::Upsert, record: cells.collect::<Record>() }];
    let mut times = Figures::default();
    for call in 0..CALLS + WARM_UP {
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

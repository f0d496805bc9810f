//! What rows cost on their way through a component, all sides of every comparison in one run:
//!
//!     cargo bench -p dualwright-tests --bench plugins [-- rows | fresh | spin]
//!
//! 1. A row of thirty columns through a `table-map` component, through the same map in native Rust, and as JSON through
//!    the same engine; each from the [`GuestChange`] that the runtime has to the [`TransformResult`] that it needs.
//! 2. Where the component's time goes.
//! 3. What a fresh instance costs for maps in every language of `examples/`.
//!
//! `spin` does nothing but give rows to the component, for ten seconds: something for a profiler to look at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark is run by hand, and one that fails should say so at once"
)]

mod breakdown;
mod fresh;
#[path = "../../guests/measure/src/json.rs"]
mod json;
mod measure;
mod rival;
mod wide;

use std::path::{Path, PathBuf};

use dualwright_map_builder::BuildOptions;
use dualwright_map_builder::profile::native::Native;
use dualwright_map_builder::project::Project;
use dualwright_plugin_host::{Grants, Host, HostConfig, Plugin};

use measure::{Figures, nanoseconds};

/// Rows in one call.
const BATCHES: [usize; 4] = [1, 10, 100, 1000];

fn main() {
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let host = Host::new(HostConfig::default()).unwrap();
    let options = BuildOptions::default();
    if only.as_deref() == Some("spin") {
        let (table, batch) = (load(&host, &options, &here().join("wide.toml")), wide::batch(100));
        let began = std::time::Instant::now();
        while began.elapsed().as_secs() < 10 {
            runtime.block_on(table.plugin.transform(wide::LEG, false, &batch));
        }
        return;
    }
    if wanted("rows") {
        runtime.block_on(rows(&host, &options));
    }
    if wanted("fresh") {
        runtime.block_on(fresh::run(&options));
    }
}

async fn rows(host: &Host, options: &BuildOptions) {
    let table = load(host, options, &here().join("wide.toml"));
    // In a target folder of its own: it has the table map's crate in it, without what makes that a component.
    let guest = here().join("../../guests/measure").canonicalize().unwrap();
    let measure = load(host, &BuildOptions { repository: Some(guest.clone()), ..options.clone() }, &guest);
    println!("a row of {} columns, nanoseconds a row ({} rounds)\n", wide::columns(), measure::ROUNDS);
    println!(
        "{:>6} {:>10} {:>11} {:>10} {:>14} {:>8} {:>12} {:>8}",
        "batch", "native", "table-map", "÷ native", "JSON, streamed", "÷ ours", "JSON, trees", "÷ ours"
    );
    let leg = table.plugin.description().legs.iter().find(|leg| leg.leg == wide::LEG).unwrap();
    let native = Native::of(leg, table.map.as_ref().map(|map| &map.compiled));
    for rows in BATCHES {
        let batch = wide::batch(rows);
        let expected = native.transform(&batch);
        assert_eq!(expected, table.plugin.transform(wide::LEG, false, &batch).await);
        assert_eq!(expected, rival::streamed(&measure.plugin, &batch).await);
        assert_eq!(expected, rival::trees(&measure.plugin, &batch).await);
        let mut figures: [Figures; 4] = Default::default();
        // In turns, so that what else the machine does falls on all of them.
        for _ in 0..measure::ROUNDS {
            let transform = async || table.plugin.transform(wide::LEG, false, &batch).await;
            figures[0].add(measure::round(rows, async || native.transform(&batch)).await);
            figures[1].add(measure::round(rows, transform).await);
            figures[2]
                .add(measure::round(rows, async || rival::streamed(&measure.plugin, &batch).await).await);
            figures[3].add(measure::round(rows, async || rival::trees(&measure.plugin, &batch).await).await);
        }
        let [native, table, streamed, trees] = figures.map(|figures| figures.undisturbed());
        println!(
            "{rows:>6} {:>10} {:>11} {:>9.1}× {:>14} {:>7.1}× {:>12} {:>7.1}×",
            nanoseconds(native),
            nanoseconds(table),
            table / native,
            nanoseconds(streamed),
            streamed / table,
            nanoseconds(trees),
            trees / table
        );
    }
    println!(
        "\nnative: the same table, compiled for this machine, from and to the same types, in the same thread."
    );
    println!("JSON: one text of all rows in, one out; objects by column name; in the guest the same table.");
    println!(
        "  streamed: read and written without anything in between, by columns known beforehand: as good as it gets."
    );
    println!("  trees: read into and written from serde_json::Value: what plugins do that take any row.");
    println!("the component has {} bytes.", table.bytes);
    breakdown::run(&table.plugin, &measure.plugin, &native).await;
}

/// A component, as it was built and loaded.
struct Loaded {
    plugin: Plugin,
    bytes: usize,
    map: Option<dualwright_map_builder::BuiltMap>,
}

fn load(host: &Host, options: &BuildOptions, path: &Path) -> Loaded {
    let built = Project::find(path).and_then(|project| project.build(options));
    let built = built.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let plugin = host.load(&path.display().to_string(), &built.bytes, &Grants::default()).unwrap();
    Loaded { plugin, bytes: built.bytes.len(), map: built.map }
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/plugins")
}

//! Batches with a swap beside batches without.

use std::time::Instant;

use dualwright_model::Digest;

use crate::timed::Batch;

/// From the moment a version is loaded to the moment the registry calls it live.
pub(crate) struct Swap {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
}

pub(crate) fn print(batches: &[Batch], swaps: &[Swap]) {
    let (mut first, mut beside, mut without) = (Vec::new(), Vec::new(), Vec::new());
    let mut version: Option<&Digest> = None;
    let mut rows = 0;
    for batch in batches {
        let millis = batch.ended.duration_since(batch.began).as_secs_f64() * 1000.0;
        let is_first = version.is_some_and(|version| *version != batch.version);
        version = Some(&batch.version);
        rows += batch.rows;
        if is_first {
            first.push(millis);
        } else if swaps.iter().any(|swap| swap.began < batch.ended && batch.began < swap.ended) {
            beside.push(millis);
        } else {
            without.push(millis);
        }
    }
    let mut whole: Vec<f64> =
        swaps.iter().map(|swap| swap.ended.duration_since(swap.began).as_secs_f64() * 1000.0).collect();
    println!("\nmilliseconds                              count     p50     p99   worst");
    line("a swap, from loading to live", &mut whole);
    let without = line("a batch without a swap", &mut without);
    let first = line("the first batch on a new version", &mut first);
    let beside = line("a batch while a version is loaded", &mut beside);
    added("added to the first batch", first, without);
    added("added by loading", beside, without);
    println!("  batches of {:.1} rows on average", rows as f64 / batches.len().max(1) as f64);
}

fn added(name: &str, with: [f64; 3], without: [f64; 3]) {
    let [p50, p99, worst] = [0, 1, 2].map(|place| with[place] - without[place]);
    println!("  {name:<36} {:>8} {p50:>7.3} {p99:>7.3} {worst:>7.3}", "");
}

fn line(name: &str, millis: &mut [f64]) -> [f64; 3] {
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| {
        millis
            .get(((millis.len() as f64 * share) as usize).min(millis.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    };
    let figures = [at(0.5), at(0.99), at(1.0)];
    println!("  {name:<36} {:>8} {:>7.3} {:>7.3} {:>7.3}", millis.len(), figures[0], figures[1], figures[2]);
    figures
}

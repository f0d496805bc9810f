//! What the demo found: as a table for a person, as JSON for a program.

use std::path::Path;

use comfy_table::CellAlignment;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::compare::LegReport;
use crate::Failure;
use crate::output::table;

/// The report file. Its names and units are a promise to scripts.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Whether both sides agree on every mapped field.
    pub(crate) converged: bool,
    /// Each leg of each map.
    pub(crate) maps: Vec<LegReport>,
    /// How long changes took.
    pub(crate) live: Live,
    /// Our own writes that came home and were recognised.
    pub(crate) echoes_dropped: u64,
    /// Our own writes that came home with another content: the system changed them on the way in.
    pub(crate) near_misses: u64,
    /// Changes that could not be applied.
    pub(crate) dead_letters: u64,
    /// The whole demo, in seconds.
    pub(crate) wall_s: f64,
}

/// Latencies each way.
#[derive(Debug, Serialize)]
pub(crate) struct Live {
    pub(crate) to_dataverse: Latency,
    pub(crate) to_finops: Latency,
}

/// How long changes took, from before the request that made them to the first read on the other side that shows them.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Latency {
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Latency {
    /// The summary of these latencies, in microseconds.
    pub(crate) fn of(micros: &[u64]) -> Self {
        // Three digits from a microsecond to an hour: these bounds are fixed, so the histogram can always be made.
        let Ok(mut histogram) = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3) else {
            return Self::default();
        };
        for one in micros {
            histogram.saturating_record((*one).max(1));
        }
        if histogram.is_empty() {
            return Self::default();
        }
        Self {
            count: histogram.len(),
            p50_ms: millis(histogram.value_at_quantile(0.50)),
            p99_ms: millis(histogram.value_at_quantile(0.99)),
        }
    }
}

/// Milliseconds with two digits, out of microseconds.
fn millis(micros: u64) -> f64 {
    f64::from(u32::try_from(micros / 10).unwrap_or(u32::MAX)) / 100.0
}

impl Report {
    /// Writes the report file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let cannot = |error: std::io::Error| {
            Failure::runtime("cannot write the report").at(path.display()).because(error)
        };
        let text = serde_json::to_string_pretty(self).map_err(|error| cannot(error.into()))?;
        std::fs::write(path, text + "\n").map_err(cannot)
    }

    /// The report as a person reads it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut rows = table(&["map", "leg", "rows", "mismatches"]);
        for leg in &self.maps {
            rows.add_row([
                leg.map.clone(),
                leg.leg.to_owned(),
                leg.rows.to_string(),
                leg.mismatches.to_string(),
            ]);
        }
        let mut ways = table(&["live changes", "count", "p50", "p99"]);
        for (name, way) in
            [("F&O → Dataverse", &self.live.to_dataverse), ("Dataverse → F&O", &self.live.to_finops)]
        {
            let (p50, p99) = (format!("{:.1} ms", way.p50_ms), format!("{:.1} ms", way.p99_ms));
            ways.add_row([name.to_owned(), way.count.to_string(), p50, p99]);
        }
        for table in [&mut rows, &mut ways] {
            for column in table.column_iter_mut().skip(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut lines = vec![rows.to_string(), ways.to_string()];
        for leg in &self.maps {
            lines.extend(leg.examples.iter().map(|example| format!("  {} {}: {example}", leg.map, leg.leg)));
        }
        lines.push(format!(
            "echoes dropped {} · near misses {} · dead letters {} · {:.1} s in all",
            self.echoes_dropped, self.near_misses, self.dead_letters, self.wall_s
        ));
        lines.push(if self.converged {
            "Both sides agree on every mapped field.".to_owned()
        } else {
            "The two sides do NOT agree.".to_owned()
        });
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Latency, Live, Report};
    use crate::demo::compare::LegReport;

    #[test]
    fn quantiles_are_in_milliseconds() {
        let micros: Vec<u64> = (1..=100).map(|number| number * 1000).collect();
        let latency = Latency::of(&micros);
        assert_eq!(latency.count, 100);
        assert!((49.9..=50.1).contains(&latency.p50_ms), "{latency:?}");
        assert!((98.9..=99.1).contains(&latency.p99_ms), "{latency:?}");
        assert_eq!(Latency::of(&[]).count, 0);
    }

    #[test]
    fn the_report_has_the_promised_names() {
        let leg = LegReport {
            map: "m".into(),
            leg: "to-finops",
            rows: 2,
            mismatches: 1,
            examples: vec!["secret row".into()],
        };
        let live = Live { to_dataverse: Latency::default(), to_finops: Latency::default() };
        let report = Report {
            converged: false,
            maps: vec![leg],
            live,
            echoes_dropped: 1,
            near_misses: 0,
            dead_letters: 0,
            wall_s: 1.5,
        };
        let expect = serde_json::json!({
            "converged": false,
            "maps": [{"map": "m", "leg": "to-finops", "rows": 2, "mismatches": 1}],
            "live": {
                "to_dataverse": {"count": 0, "p50_ms": 0.0, "p99_ms": 0.0},
                "to_finops": {"count": 0, "p50_ms": 0.0, "p99_ms": 0.0},
            },
            "echoes_dropped": 1, "near_misses": 0, "dead_letters": 0, "wall_s": 1.5,
        });
        assert_eq!(serde_json::to_value(&report).unwrap(), expect);
        assert!(report.lines().iter().any(|line| line.contains("NOT agree")));
    }
}

//! The demo shows what it promises, and its report is what scripts were promised.

use anyhow::{Context, ensure};
use serde_json::Value;
use support::Turn;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_converges_and_reports() -> anyhow::Result<()> {
    let _turn = Turn::take().await?;
    let folder = tempfile::tempdir()?;
    let report = folder.path().join("report.json");
    let mut command = support::command()?;
    command.args(["demo", "--once", "--changes", "5", "--report"]).arg(&report);
    command.arg("--data").arg(folder.path().join("data"));
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&report)?)?;
    ensure!(report["converged"] == true, "{report:#}");
    ensure!(report["dead_letters"] == 0, "{report:#}");
    for way in ["to_dataverse", "to_finops"] {
        ensure!(report["live"][way]["count"].as_u64() >= Some(5), "{report:#}");
        ensure!(report["live"][way]["p50_ms"].as_f64() > Some(0.0), "{report:#}");
    }
    let maps = report["maps"].as_array().context("no maps")?;
    ensure!(maps.iter().any(|leg| leg["leg"] == "to-finops"), "{report:#}");
    for leg in maps {
        ensure!(leg["mismatches"] == 0 && leg["rows"].as_u64() > Some(0), "{leg:#}");
    }
    Ok(())
}

//! `dualwright doctor` finds what is wrong before anything runs, and says how to mend it.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use support::System;

use super::story::Story;

/// Runs `doctor` with the runtime's secrets in its environment.
fn examine(story: &Story) -> anyhow::Result<(i32, Value)> {
    let output = support::command()?
        .args(["doctor", "--json", "--config"])
        .arg(story.runtime.config())
        .env("TEST_RUNTIME_SECRET", support::secret(support::RUNTIME))
        .env("TEST_NUDGE_SECRET", "nudge-secret")
        .output()?;
    let code = output.status.code().context("the command was killed")?;
    let told = || String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((code, serde_json::from_slice(&output.stdout).with_context(told)?))
}

fn finding<'a>(document: &'a Value, place: &str, code: &str) -> anyhow::Result<&'a Value> {
    let findings = document["findings"].as_array().context("no findings")?;
    findings
        .iter()
        .find(|finding| {
            finding["code"] == code && finding["place"].as_str().is_some_and(|at| at.contains(place))
        })
        .with_context(|| format!("{code} at {place} is not in {document:#}"))
}

fn said(document: &Value, words: &str) -> bool {
    let findings = document["findings"].as_array().into_iter().flatten();
    findings.filter_map(|finding| finding["message"].as_str()).any(|message| message.contains(words))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_found_before_it_runs() -> anyhow::Result<()> {
    let story = Story::open("").await?;
    let (code, document) = examine(&story)?;
    ensure!(code == 0, "{document:#}");
    ensure!(said(&document, "what was left at the listening address was found there"), "{document:#}");
    ensure!(said(&document, "its clock and this machine's agree"), "{document:#}");

    // A role that may read definitions, but not the rows.
    let faults = json!([{ "kind": "status", "status": 403, "method": "GET", "path": "/data/v9.2/accounts" }]);
    let url = format!("{}/emulator/faults", story.pair.emulator(System::Dataverse).url());
    let answer = reqwest::Client::new().post(&url).json(&faults).send().await?;
    ensure!(answer.status().is_success(), "{}", answer.text().await?);
    // And an address that leads nowhere.
    let config = std::fs::read_to_string(story.runtime.config())?;
    let wrong = config.replace("[control]\n", "[control]\npublic-url = \"http://127.0.0.1:1\"\n");
    std::fs::write(story.runtime.config(), wrong)?;
    let (code, document) = examine(&story)?;
    ensure!(code != 0, "{document:#}");
    let forbidden = finding(&document, "dataverse", "forbidden")?;
    ensure!(
        forbidden["message"].as_str().is_some_and(|it| it.contains("the rows of accounts cannot be read"))
    );
    ensure!(forbidden["hint"].as_str().is_some_and(|hint| hint.contains("role")), "{forbidden:#}");
    let unreachable = finding(&document, "[control]", "pushes-unreachable")?;
    ensure!(unreachable["hint"].as_str().is_some_and(|hint| hint.contains("lead the address to")));
    Ok(())
}

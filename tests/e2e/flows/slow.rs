//! A version that is right but slow is undone by itself, on its figures alone.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use support::{Pair, Turn, catalogue, wait_until};

use super::bad_values::said;
use super::guest::{Table, component, slow_component};
use super::operator::{ask, done};
use super::story::{PATIENCE, Story};

const MAP: &str = "plain-terms";
const TERMS: Table = Table {
    finops: "PaymentTerms",
    dataverse: "msdyn_paymentterms",
    key: &[("dataAreaId", "msdyn_company.cdm_companycode"), ("Name", "msdyn_name")],
    text: ("Description", "msdyn_description"),
};
/// Enough for both versions to be judged.
const ROWS: usize = 30;
/// Some ten milliseconds a row, for all that a batch around it may cost; far from the deadline.
const STEPS: u32 = 30_000_000;
const CONFIG: &str = "[health]\nleast-rows = 20\ntimes-slower = 3\n[limits]\nguest-deadline = \"60s\"\n";

fn term(number: usize) -> String {
    format!("T-{number:02}")
}

fn running(story: &Story) -> anyhow::Result<String> {
    let status = done(story, &["status"])?;
    let map = status["maps"].as_array().and_then(|maps| maps.iter().find(|map| map["map"] == MAP));
    Ok(map.context("no such map")?["version"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_but_slow_version_is_undone() -> anyhow::Result<()> {
    let turn = Turn::take().await?;
    let pair = Pair::start()?;
    let [quick, slow] = ["quick.wasm", "slow.wasm"].map(|name| pair.folder().join(name));
    std::fs::write(&quick, component(MAP, "echo", &TERMS)?)?;
    std::fs::write(&slow, slow_component(MAP, STEPS, &TERMS)?)?;
    let companies = catalogue(&["company/legal-entities-companies"]);
    let mut story = Story::with(turn, pair, companies, vec![quick], CONFIG).await?;
    for number in 0..ROWS {
        let row = json!({"dataAreaId": "usmf", "Name": term(number), "Description": "before"});
        story.finops.create(TERMS.finops, &row).await?;
    }
    story.run().await?;
    let tables = ["LegalEntities", TERMS.finops].map(str::to_owned);
    story.runtime.have_data_events_of(&story.pair, &tables).await?;
    all_say(&story, "before").await?;

    let slow = slow.to_str().context("the folder's name is not text")?;
    done(&story, &["plugin", "install", slow])?;
    done(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    for number in 0..ROWS {
        let path = format!("{}(dataAreaId='usmf',Name='{}')", TERMS.finops, term(number));
        story.finops.update(&path, &json!({"Description": "after"})).await?;
    }
    let back = wait_until(PATIENCE, async || {
        let version = running(&story)?;
        ensure!(version == "1.0.0", "{version} runs");
        Ok(())
    });
    back.await.with_context(|| story.runtime.log_tail())?;
    // It was right: all that it was given arrived, or goes through the version before, and no letter is dead.
    all_say(&story, "after").await?;
    story.nothing_went_wrong().await?;

    // The digest is in quarantine, and the evidence is what both versions took.
    let (code, answer) = ask(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    let reason = answer["error"]["because"][0].as_str().context("no reason")?;
    ensure!(code != 0 && reason.contains("quarantined (it takes"), "{reason}");
    let history = done(&story, &["plugin", "history", MAP])?;
    let acts = history["history"].as_array().context("no history")?;
    let found = acts.iter().find(|entry| entry.pointer("/act/quarantined").is_some());
    let entry = found.with_context(|| format!("{history:#}"))?;
    assert_eq!(entry["actor"], "engine", "{entry:#}");
    let counters = &entry["act"]["quarantined"]["evidence"]["counters"];
    let count = |name: &str| counters[name].as_u64().unwrap_or_default();
    let each = |which: &str| count(&format!("{which}-micros")) / count(&format!("{which}-rows")).max(1);
    assert_eq!((count("undone-faults"), count("undone-rejects")), (0, 0), "{counters:#}");
    ensure!(count("undone-rows") >= 20 && count("before-rows") >= 20, "{counters:#}");
    ensure!(each("undone") > 3 * each("before"), "{counters:#}");
    // A person reads the same.
    let (code, told) = said(&story, &["plugin", "history", MAP])?;
    let line = told.lines().find(|line| line.contains(" engine: quarantined")).context(told.clone())?;
    let figures = format!("{} µs a row", each("undone"));
    ensure!(code == 0 && line.contains("because: it takes") && line.contains(&figures), "{told}");
    let list = done(&story, &["plugin", "list"])?;
    let state = |version: &str| -> Value {
        let plugins = list["plugins"].as_array().into_iter().flatten();
        let mut of_map = plugins.filter(|one| one["map"] == MAP && one["version"] == version);
        of_map.next().map_or(Value::Null, |one| one["state"].clone())
    };
    assert_eq!((state("1.0.0"), state("1.1.0")), ("live".into(), "quarantined".into()), "{list:#}");
    eprintln!("{line}");
    Ok(())
}

async fn all_say(story: &Story, text: &str) -> anyhow::Result<()> {
    for number in 0..ROWS {
        let row = (TERMS.dataverse, "msdyn_name", term(number));
        story.row_shows(&story.dataverse, (row.0, row.1, &row.2), TERMS.text.1, text).await?;
    }
    Ok(())
}

//! Another version is tried on changes as they were captured, not on what the rows have become since.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::bad_values::said;
use super::operator::{MAP, build, done, without_memos};
use super::story::Story;

/// What a preview says of both legs: to Dataverse, to F&O.
fn preview(story: &Story, candidate: &str) -> anyhow::Result<[Value; 2]> {
    let (code, text) = said(story, &["map", "preview", candidate, "--last", "2", "--json"])?;
    // What was built on the way is told on the other stream.
    let document = text.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
    let document = document.with_context(|| text.clone())?;
    ensure!(code == 0, "{text}");
    let legs = document["legs"].as_array().context("no legs")?;
    let of = |leg: &str| legs.iter().find(|one| one["leg"] == leg).map(|one| one["report"].clone());
    Ok([of("to-dataverse").with_context(|| text.clone())?, of("to-finops").with_context(|| text.clone())?])
}

/// Where a report's rows came from: captured, incomplete, read now.
fn from(report: &Value) -> [u64; 3] {
    ["captured", "incomplete", "read_now"].map(|name| report[name].as_u64().unwrap_or(u64::MAX))
}

/// The memos that the live version would write.
fn memos(report: &Value) -> Vec<&str> {
    let samples = report["differences"]["description"]["samples"].as_array().into_iter().flatten();
    samples.filter_map(|sample| sample["live"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_is_tried_on_what_was_captured() -> anyhow::Result<()> {
    let mut story = Story::of_customers("", &["P-1", "P-2", "P-3"]).await?;
    let next = without_memos(&story)?;
    let path = next.to_str().context("the folder's name is not text")?.to_owned();

    let row = story.customer_path("P-1");
    for memo in ["the first word", "the second word"] {
        story.finops.update(&row, &json!({ "SalesMemo": memo })).await?;
        story.shows("P-1", "description", memo).await?;
    }
    story.settle().await?;
    let mark = story.mark().await?;
    let words = ["\"the second word\"", "\"the first word\""];
    let [there, back] = preview(&story, &path)?;
    assert_eq!((from(&there), memos(&there)), ([2, 0, 0], words.into()), "{there:#}");
    // Neither an initial sync nor an echo was captured as a change.
    assert_eq!(from(&back), [0, 0, 2], "{back:#}");
    let (_, told) = said(&story, &["map", "preview", &path, "--last", "3"])?;
    let expect = "0 of 3 rows alike, 0 faults (2 as they were captured; 1 read now, because no more captured changes are kept)";
    ensure!(told.contains(expect), "{told}");

    // The same beside the live version; both directions are told together.
    done(&story, &["plugin", "install", &path])?;
    let shadow = done(&story, &["plugin", "shadow", MAP, "1.1.0", "--sample", "2"])?;
    let report = &shadow["report"];
    assert_eq!((from(report), memos(report)), ([2, 0, 2], words.into()), "{report:#}");
    let (_, told) = said(&story, &["plugin", "shadow", MAP])?;
    ensure!(
        told.contains("2 as they were captured; 2 read now, because no more captured changes are kept"),
        "{told}"
    );
    done(&story, &["plugin", "shadow", MAP, "--end"])?;
    assert!(story.written_since(mark, &story.dataverse, "accounts").await?.is_empty());

    // A version that reads more than was captured is tried on rows that have it.
    let more = build(&story, "1.2.0", |text| {
        text.replace(
            "field = [",
            "field = [\n  { finops = \"InvoiceAddressCity\", dataverse = \"address2_city\" },",
        )
    })?;
    let more = more.to_str().context("the folder's name is not text")?;
    let [there, _] = preview(&story, more)?;
    assert_eq!(from(&there), [0, 2, 2], "{there:#}");

    // Whether the runtime is up or not.
    story.runtime.kill()?;
    let [there, _] = preview(&story, &path)?;
    assert_eq!((from(&there), memos(&there)), ([2, 0, 0], words.into()), "{there:#}");
    Ok(())
}

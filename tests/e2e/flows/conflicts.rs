//! A map that decides what becomes of records that both sides changed: the example `customer-credit`, built as a partner
//! builds it, and asked as an operator has it asked.

use anyhow::{Context, ensure};
use serde_json::json;
use support::{Pair, Turn, catalogue, wait_until};

use super::story::{PATIENCE, Story, customer};

const MAP: &str = "customer-credit";

async fn open() -> anyhow::Result<Story> {
    let turn = Turn::take().await?;
    let pair = Pair::start()?;
    let component = pair.folder().join("customer-credit.wasm");
    let built = support::command()?
        .args(["map", "build"])
        .arg(support::repository().join("examples/customer-credit"))
        .arg("-o")
        .arg(&component)
        .output()?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let maps = catalogue(&["company/legal-entities-companies"]);
    let story = Story::with(turn, pair, maps, vec![component], "").await?;
    // The component is the last map of the configuration.
    let config = std::fs::read_to_string(story.runtime.config())?;
    std::fs::write(story.runtime.config(), config + "policy = \"ask-map\"\n")?;
    let tables = ["LegalEntities", "CustomersV3"].map(str::to_owned);
    story.runtime.have_data_events_of(&story.pair, &tables).await?;
    Ok(story)
}

/// Has both sides change a customer while the map is paused, so that they meet.
async fn both_change(
    story: &Story,
    finops: &serde_json::Value,
    dataverse: &serde_json::Value,
) -> anyhow::Result<()> {
    story.runtime.post(&format!("/v1/maps/{MAP}/pause"), &json!({})).await?;
    story.finops.update(&story.customer_path("C-1"), finops).await?;
    let account = story.account_path("C-1").await?;
    story.dataverse.update(&account, dataverse).await?;
    story.runtime.post(&format!("/v1/maps/{MAP}/resume"), &json!({})).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_map_decides_and_both_sides_say_the_same() -> anyhow::Result<()> {
    let mut story = open().await?;
    story.finops.create("CustomersV3", &customer("C-1")).await?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    story.shows("C-1", "description", "Pays on time.").await?;
    story.runtime.wait_until_quiet(PATIENCE).await?;

    // Of two limits the lower one holds, of two notes both are kept, and what one side changed alone is no conflict.
    both_change(
        &story,
        &json!({ "CreditLimit": 5000, "SalesMemo": "Called on Monday." }),
        &json!({ "creditlimit": 400.25, "description": "Moved.", "name": "Contoso" }),
    )
    .await?;
    let note = "Called on Monday.\nMoved.";
    for (column, text) in [("CreditLimit", "400.25"), ("SalesMemo", note), ("OrganizationName", "Contoso")] {
        story.customer_shows("C-1", column, text).await?;
    }
    for (column, text) in [("creditlimit", "400.25"), ("description", note), ("name", "Contoso")] {
        story.shows("C-1", column, text).await?;
    }
    story.runtime.wait_until_quiet(PATIENCE).await?;
    story.nothing_went_wrong().await?;

    // Nobody but a person knows which of two names is right.
    both_change(&story, &json!({ "OrganizationName": "Contoso AG" }), &json!({ "name": "Contoso Ltd" }))
        .await?;
    let letter = wait_until(PATIENCE, async || {
        story.runtime.dead_letters().await?.into_iter().next().context("nobody was asked")
    })
    .await?;
    ensure!(letter["code"] == "two-names" && letter["map"] == MAP, "{letter:#}");
    ensure!(letter["message"].as_str().is_some_and(|message| message.contains("retry")), "{letter:#}");
    Ok(())
}

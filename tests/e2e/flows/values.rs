//! Each value travels as itself, and only what changed travels.

use anyhow::ensure;
use serde_json::{Value, json};

use super::story::{PATIENCE, Story, columns, customer};

/// Prices of 0.00 were once not carried over.
// I10: money never passes a float; absent, null and empty differ.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zero_is_a_value() -> anyhow::Result<()> {
    let mut story = Story::open("").await?;
    let mut free = customer("Z-1");
    free["CreditLimit"] = json!(0.00);
    story.finops.create("CustomersV3", &free).await?;
    story.finops.create("CustomersV3", &customer("Z-2")).await?;
    story.run().await?;
    assert_eq!(
        story.account("Z-1").await?.cell("creditlimit").plain(),
        "0",
        "0.00 is said, and is not nothing"
    );
    let (customer, account) = (story.customer_path("Z-2"), story.account_path("Z-2").await?);
    story.finops.update(&customer, &json!({"CreditLimit": 0})).await?;
    story.shows("Z-2", "creditlimit", "0").await?;
    story.dataverse.update(&account, &json!({"creditlimit": 250.25})).await?;
    story.customer_shows("Z-2", "CreditLimit", "250.25").await?;
    story.dataverse.update(&account, &json!({"creditlimit": 0})).await?;
    story.customer_shows("Z-2", "CreditLimit", "0").await?;
    // An amount that no float of 64 bits holds.
    let cents: Value = serde_json::from_str("90071992547409.93")?;
    assert_eq!(cents.to_string(), "90071992547409.93", "this test itself must not use floats");
    story.finops.update(&customer, &json!({"CreditLimit": cents})).await?;
    story.shows("Z-2", "creditlimit", "90071992547409.93").await?;
    story.settle().await?;
    story.nothing_went_wrong().await
}

/// Empty notes once failed, and clearing one column once blanked another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cleared_is_cleared_and_nothing_else() -> anyhow::Result<()> {
    let story = Story::of_customers("", &["E-1", "E-2"]).await?;
    let before = story.account("E-1").await?;
    let mark = story.mark().await?;
    story.finops.update(&story.customer_path("E-1"), &json!({"SalesMemo": ""})).await?;
    let account = story.account_path("E-2").await?;
    story.dataverse.update(&account, &json!({"description": null, "creditlimit": null})).await?;
    story.shows("E-1", "description", "").await?;
    story.customer_shows("E-2", "SalesMemo", "").await?;
    story.customer_shows("E-2", "CreditLimit", "0").await?;
    story.settle().await?;
    let after = story.account("E-1").await?;
    for column in ["name", "emailaddress1", "creditlimit", "numberofemployees", "customertypecode"] {
        assert_eq!(after.cell(column), before.cell(column), "{column}");
    }
    assert_eq!(story.customer("E-2").await?.cell("PrimaryContactEmail").plain(), "info@example.com");
    let to_dataverse = story.written_since(mark, &story.dataverse, "accounts").await?;
    assert_eq!(to_dataverse.iter().map(columns).collect::<Vec<_>>(), [["description"]], "{to_dataverse:?}");
    let to_finops = story.written_since(mark, &story.finops, "CustomersV3").await?;
    assert_eq!(
        to_finops.iter().map(columns).collect::<Vec<_>>(),
        [["CreditLimit", "SalesMemo"]],
        "{to_finops:?}"
    );
    story.nothing_went_wrong().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_changed_is_sent() -> anyhow::Result<()> {
    let story = Story::of_customers("", &["P-1", "P-2"]).await?;
    let (customer, account) = (story.customer_path("P-1"), story.account_path("P-2").await?);
    let mark = story.mark().await?;
    story.finops.update(&customer, &json!({"OrganizationName": "Renamed"})).await?;
    story.dataverse.update(&account, &json!({"emailaddress1": "new@example.com"})).await?;
    story.shows("P-1", "name", "Renamed").await?;
    story.customer_shows("P-2", "PrimaryContactEmail", "new@example.com").await?;
    // Columns that no line of the map names.
    story.finops.update(&customer, &json!({"IdentificationNumber": "unmapped"})).await?;
    story.dataverse.update(&account, &json!({"msdyn_identificationnumber": "unmapped"})).await?;
    story.pass_time().await?;
    let others = |write: &&support::write_log::Write| !write.key.values().any(|value| value == "CLOCK");
    let written = story.written_since(mark, &story.dataverse, "accounts").await?;
    let sent: Vec<_> = written.iter().filter(others).map(columns).collect();
    assert_eq!(sent, [["name"]], "{written:?}");
    let written = story.written_since(mark, &story.finops, "CustomersV3").await?;
    let sent: Vec<_> = written.iter().filter(others).map(columns).collect();
    assert_eq!(sent, [["PrimaryContactEmail"]], "{written:?}");
    story.nothing_went_wrong().await
}

/// Both sides change one record at the same moment, each another column: both stand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_different_columns_both_stand() -> anyhow::Result<()> {
    let story = Story::of_customers("", &["B-1"]).await?;
    let (customer, account) = (story.customer_path("B-1"), story.account_path("B-1").await?);
    let (memo, address) =
        (json!({"SalesMemo": "From F&O"}), json!({"emailaddress1": "from@dataverse.example"}));
    let both =
        tokio::join!(story.finops.update(&customer, &memo), story.dataverse.update(&account, &address));
    both.0?;
    both.1?;
    story.shows("B-1", "description", "From F&O").await?;
    story.customer_shows("B-1", "PrimaryContactEmail", "from@dataverse.example").await?;
    story.settle().await?;
    assert_eq!(story.account("B-1").await?.cell("emailaddress1").plain(), "from@dataverse.example");
    assert_eq!(story.customer("B-1").await?.cell("SalesMemo").plain(), "From F&O");
    story.nothing_went_wrong().await
}

/// Text that does not fit is refused with a reason and never cut; a retry after it was mended carries it over.
// I3: every captured change ends applied, echo, skipped, dead, or waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_does_not_fit_is_refused() -> anyhow::Result<()> {
    let story = Story::of_customers("", &["L-1", "L-2"]).await?;
    let long = "é".repeat(200);
    story.finops.update(&story.customer_path("L-1"), &json!({"OrganizationName": long})).await?;
    let dead = support::wait_until(PATIENCE, async || {
        let dead = story.runtime.dead_letters().await?;
        ensure!(!dead.is_empty(), "no letter is dead");
        Ok(dead)
    });
    let dead = dead.await?;
    // One for each event that told of the row.
    for letter in &dead {
        assert_eq!((&letter["key"], &letter["column"]), (&json!("usmf|l-1"), &json!("name")), "{letter:#}");
        assert_eq!(letter["class"], "data", "{letter:#}");
        let message = letter["message"].as_str().unwrap_or_default();
        assert!(message.contains("160") && message.contains("200"), "{letter:#}");
    }
    assert_eq!(story.account("L-1").await?.cell("name").plain(), "Société L-1", "nothing was cut");
    // The others go on, and so does this one, once it is mended.
    story.finops.update(&story.customer_path("L-2"), &json!({"OrganizationName": "Ltd."})).await?;
    story.shows("L-2", "name", "Ltd.").await?;
    story.finops.update(&story.customer_path("L-1"), &json!({"OrganizationName": "Short & Söhne"})).await?;
    story.shows("L-1", "name", "Short & Söhne").await?;
    story.settle().await
}

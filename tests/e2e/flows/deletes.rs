//! What a deletion means, and what it means that a record leaves the map's filter.

use serde_json::json;

use super::story::Story;

const TWO: [&str; 2] = ["A-1", "A-2"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_propagates_both_ways() -> anyhow::Result<()> {
    let story = Story::of_customers("", &TWO).await?;
    story.finops.delete(&story.customer_path("A-1")).await?;
    story.dataverse.delete(&story.account_path("A-2").await?).await?;
    story.is_gone(&story.dataverse, "accounts", "accountnumber", "A-1").await?;
    story.is_gone(&story.finops, "CustomersV3", "CustomerAccount", "A-2").await?;
    story.settle().await?;
    // A record of the same key is a record like any other.
    story.finops.create("CustomersV3", &super::story::customer("A-1")).await?;
    story.account("A-1").await?;
    story.settle().await?;
    story.nothing_went_wrong().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_can_be_ignored() -> anyhow::Result<()> {
    let story = Story::of_customers(r#"on-delete = "ignore""#, &TWO).await?;
    let mark = story.mark().await?;
    story.finops.delete(&story.customer_path("A-1")).await?;
    story.dataverse.delete(&story.account_path("A-2").await?).await?;
    story.pass_time().await?;
    story.account("A-1").await?;
    story.customer("A-2").await?;
    for (service, table) in [(&story.finops, "CustomersV3"), (&story.dataverse, "accounts")] {
        let written = story.written_since(mark, service, table).await?;
        let about_them = written.iter().filter(|write| !write.key.values().any(|value| value == "CLOCK"));
        assert_eq!(about_them.count(), 0, "{written:?}");
    }
    story.nothing_went_wrong().await
}

/// Looking at a record that was spared does not bring the deleted one back; editing it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ignored_deletion_is_not_undone_by_a_comparison() -> anyhow::Result<()> {
    let mut story = Story::of_customers(r#"on-delete = "ignore""#, &TWO).await?;
    story.dataverse.delete(&story.account_path("A-2").await?).await?;
    story.finops.delete(&story.customer_path("A-1")).await?;
    story.pass_time().await?;
    // Without data events only the full comparison, with which a runtime begins, finds the change below.
    story.runtime.kill()?;
    let address = format!("{}/emulator/data-events", story.pair.finops.url());
    let off = json!({"endpoint": format!("{}/nowhere", story.runtime.address()), "tables": []});
    let answer = story.finops.send(reqwest::Method::POST, &address, Some(&off)).await?;
    assert!(answer.is_done(), "{answer:?}");
    story.finops.update(&story.customer_path("CLOCK"), &json!({"SalesMemo": "Compared."})).await?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    story.shows("CLOCK", "description", "Compared.").await?;
    story.runtime.wait_until_quiet(super::story::PATIENCE).await?;
    assert!(story.dataverse.find("accounts", "accountnumber", "A-2").await?.is_none(), "it came back");
    assert!(story.finops.find("CustomersV3", "CustomerAccount", "A-1").await?.is_none(), "it came back");
    let account = story.account_path("A-1").await?;
    story.dataverse.update(&account, &json!({"description": "Edited."})).await?;
    story.customer_shows("A-1", "SalesMemo", "Edited.").await?;
    assert_eq!(story.customer("A-1").await?.cell("CreditLimit").plain(), "1000.5", "it is whole");
    story.nothing_went_wrong().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_can_mark_the_other_record() -> anyhow::Result<()> {
    let story = Story::of_customers("on-delete = { dataverse = { statecode = 1 } }", &TWO).await?;
    let before = story.account("A-1").await?;
    story.finops.delete(&story.customer_path("A-1")).await?;
    story.shows("A-1", "statecode", "1").await?;
    assert_eq!(story.account("A-1").await?.cell("name"), before.cell("name"), "the rest is left alone");
    // The side that has no mark propagates, as by default.
    story.dataverse.delete(&story.account_path("A-2").await?).await?;
    story.is_gone(&story.finops, "CustomersV3", "CustomerAccount", "A-2").await?;
    story.pass_time().await?;
    assert!(
        story.finops.find("CustomersV3", "CustomerAccount", "A-1").await?.is_none(),
        "the mark does not bring back what was deleted"
    );
    story.nothing_went_wrong().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_leaves_the_filter_is_deleted() -> anyhow::Result<()> {
    let story = Story::of_customers("", &TWO).await?;
    story.finops.update(&story.customer_path("A-1"), &json!({"PartyType": "Person"})).await?;
    story.dataverse.update(&story.account_path("A-2").await?, &json!({"customertypecode": 1})).await?;
    story.is_gone(&story.dataverse, "accounts", "accountnumber", "A-1").await?;
    story.is_gone(&story.finops, "CustomersV3", "CustomerAccount", "A-2").await?;
    story.pass_time().await?;
    // What left is none of the map's business any more, and stays where it left.
    assert_eq!(story.customer("A-1").await?.cell("PartyType").plain(), "Person");
    assert_eq!(story.account("A-2").await?.cell("customertypecode").plain(), "1");
    // Whoever comes back is made again.
    story.finops.update(&story.customer_path("A-1"), &json!({"PartyType": "Organization"})).await?;
    story.account("A-1").await?;
    story.nothing_went_wrong().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_leaves_the_filter_can_be_left_alone() -> anyhow::Result<()> {
    let story = Story::of_customers(r#"on-leave = "ignore""#, &TWO).await?;
    let mark = story.mark().await?;
    let cells = json!({"PartyType": "Person", "SalesMemo": "Left."});
    story.finops.update(&story.customer_path("A-1"), &cells).await?;
    let cells = json!({"customertypecode": 1, "description": "Left."});
    story.dataverse.update(&story.account_path("A-2").await?, &cells).await?;
    story.pass_time().await?;
    assert_eq!(story.account("A-1").await?.cell("description").plain(), "Pays on time.");
    assert_eq!(story.customer("A-2").await?.cell("SalesMemo").plain(), "Pays on time.");
    for (service, table) in [(&story.finops, "CustomersV3"), (&story.dataverse, "accounts")] {
        let written = story.written_since(mark, service, table).await?;
        assert!(written.iter().all(|write| write.operation != "delete"), "{written:?}");
    }
    story.nothing_went_wrong().await
}

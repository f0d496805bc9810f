//! A record stays one record, whatever happens to its key, and its changes arrive in order.

use serde_json::json;
use support::write_log::{self, out_of_order};
use support::{RUNTIME, agreement};

use super::story::{PATIENCE, Story, columns, customer};

/// A category's name inside the key, renamed, once made a duplicate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_a_rename_and_never_a_second_record() -> anyhow::Result<()> {
    let story = Story::of_customers("", &["OLD-1", "OLD-2"]).await?;
    let id = story.account("OLD-1").await?.cell("accountid").clone();
    let etag = story.customer("OLD-2").await?.cell("@odata.etag").clone();
    let mark = story.mark().await?;
    story.finops.update(&story.customer_path("OLD-1"), &json!({"CustomerAccount": "NEW-1"})).await?;
    story.dataverse.update(&story.account_path("OLD-2").await?, &json!({"accountnumber": "NEW-2"})).await?;
    assert_eq!(*story.account("NEW-1").await?.cell("accountid"), id, "the same record");
    story.customer("NEW-2").await?;
    assert_ne!(*story.customer("NEW-2").await?.cell("@odata.etag"), etag, "it was written");
    // What changes after the rename still finds its record.
    story.finops.update(&story.customer_path("NEW-2"), &json!({"SalesMemo": "After."})).await?;
    story.shows("NEW-2", "description", "After.").await?;
    story.settle().await?;
    assert_eq!(story.finops.rows("CustomersV3").await?.len(), 2);
    assert_eq!(story.dataverse.rows("accounts").await?.len(), 2);
    for (service, table) in [(&story.finops, "CustomersV3"), (&story.dataverse, "accounts")] {
        for write in story.written_since(mark, service, table).await? {
            assert_eq!(write.operation, "update", "{write:?}");
        }
    }
    story.nothing_went_wrong().await
}

/// The event of an edit names the old key, and is read only after the row got its new one: that is no deletion.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_names_a_former_key_deletes_nothing() -> anyhow::Result<()> {
    let story = Story::of_customers("", &["OLD-3"]).await?;
    story.pass_time().await?;
    let id = story.account("OLD-3").await?.cell("accountid").clone();
    let mark = story.mark().await?;
    let late = |milliseconds: u32| json!({"kind": "delay-event", "milliseconds": milliseconds, "times": 1});
    story.finops.go_wrong(&json!([late(500), late(2000)])).await?;
    story.finops.update(&story.customer_path("OLD-3"), &json!({"SalesMemo": "Edited."})).await?;
    story.finops.update(&story.customer_path("OLD-3"), &json!({"CustomerAccount": "NEW-3"})).await?;
    assert_eq!(*story.account("NEW-3").await?.cell("accountid"), id, "the same record");
    story.settle().await?;
    for write in story.written_since(mark, &story.dataverse, "accounts").await? {
        assert_eq!(write.operation, "update", "{write:?}");
    }
    story.nothing_went_wrong().await
}

// I2: entries of one key are applied in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quick_changes_of_one_record_end_in_order() -> anyhow::Result<()> {
    let story = Story::of_customers("", &["Q-1"]).await?;
    let (customer, account) = (story.customer_path("Q-1"), story.account_path("Q-1").await?);
    for count in 1..=40 {
        story.finops.update(&customer, &json!({"OrganizationNumberOfEmployees": count})).await?;
        story.dataverse.update(&account, &json!({"msdyn_paymenttermsbasedays": count})).await?;
    }
    story.shows("Q-1", "numberofemployees", "40").await?;
    story.customer_shows("Q-1", "PaymentTermsBaseDays", "40").await?;
    story.settle().await?;
    let to_dataverse = write_log::read(&story.dataverse).await?;
    let to_finops = write_log::read(&story.finops).await?;
    assert_eq!(out_of_order(&to_dataverse, RUNTIME, "numberofemployees"), Vec::<String>::new());
    assert_eq!(out_of_order(&to_finops, RUNTIME, "PaymentTermsBaseDays"), Vec::<String>::new());
    assert_eq!(story.customer("Q-1").await?.cell("OrganizationNumberOfEmployees").plain(), "40");
    assert_eq!(story.account("Q-1").await?.cell("msdyn_paymenttermsbasedays").plain(), "40");
    story.nothing_went_wrong().await
}

/// A batch job that touched every row once took old orders back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_touches_every_row_changes_nothing() -> anyhow::Result<()> {
    let story = Story::of_customers("", &["T-1", "T-2", "T-3"]).await?;
    let mark = story.mark().await?;
    for account in ["T-1", "T-2", "T-3"] {
        story.finops.update(&story.customer_path(account), &json!({"SalesMemo": "Pays on time."})).await?;
        let cells = json!({"description": "Pays on time."});
        story.dataverse.update(&story.account_path(account).await?, &cells).await?;
    }
    story.pass_time().await?;
    for (service, table) in [(&story.finops, "CustomersV3"), (&story.dataverse, "accounts")] {
        let written = story.written_since(mark, service, table).await?;
        assert!(written.iter().all(|write| write.key.values().any(|value| value == "CLOCK")), "{written:?}");
    }
    story.nothing_went_wrong().await
}

/// An initial sync that had to be run twice lost addresses. A second one, by a runtime that has forgotten everything, finds
/// nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_initial_sync_writes_nothing() -> anyhow::Result<()> {
    let mut story = Story::of_customers("", &["I-1", "I-2"]).await?;
    story.dataverse.update(&story.account_path("I-1").await?, &json!({"description": "Said here."})).await?;
    story.customer_shows("I-1", "SalesMemo", "Said here.").await?;
    story.settle().await?;
    story.runtime.kill()?;
    let store = story.runtime.store();
    for ending in ["", "-wal", "-shm"] {
        let mut file = store.clone().into_os_string();
        file.push(ending);
        let _ = std::fs::remove_file(file);
    }
    assert!(!store.exists());
    let mark = story.mark().await?;
    story.run().await?;
    for (service, table) in [(&story.finops, "CustomersV3"), (&story.dataverse, "accounts")] {
        let written = story.written_since(mark, service, table).await?;
        assert!(written.is_empty(), "{written:?}");
    }
    // And it knows the records again: a change is an update.
    story.finops.update(&story.customer_path("I-2"), &json!({"SalesMemo": "Later."})).await?;
    story.shows("I-2", "description", "Later.").await?;
    let written = story.written_since(mark, &story.dataverse, "accounts").await?;
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!((written[0].operation.as_str(), columns(&written[0])), ("update", vec!["description"]));
    story.nothing_went_wrong().await
}

/// Changes made while nobody listens are found when the runtime comes back.
// I1: what was acknowledged is durable; what was not is read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_while_it_was_away_arrives() -> anyhow::Result<()> {
    let mut story = Story::of_customers("", &["W-1", "W-2"]).await?;
    story.runtime.kill()?;
    story.finops.update(&story.customer_path("W-1"), &json!({"SalesMemo": "Meanwhile."})).await?;
    story.finops.create("CustomersV3", &customer("W-3")).await?;
    story
        .dataverse
        .update(&story.account_path("W-2").await?, &json!({"emailaddress1": "w2@example.com"}))
        .await?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    agreement::wait(&story.pair, &story.maps, PATIENCE).await?;
    story.shows("W-1", "description", "Meanwhile.").await?;
    story.customer_shows("W-2", "PrimaryContactEmail", "w2@example.com").await?;
    story.account("W-3").await?;
    story.settle().await?;
    story.nothing_went_wrong().await
}

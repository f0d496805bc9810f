//! Records that name other records: themselves, ones that come later, none any more.

use serde_json::json;

use super::story::{PATIENCE, Story, customer};

fn paid_by(account: &str, payer: &str) -> serde_json::Value {
    let mut row = customer(account);
    row["InvoiceAccount"] = json!(payer);
    row
}

impl Story {
    /// Waits until one account is billed to another.
    async fn is_billed_to(&self, account: &str, payer: &str) -> anyhow::Result<()> {
        let payer = self.account(payer).await?.cell("accountid").plain().to_owned();
        self.shows(account, "_msdyn_billingaccount_value", &payer).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_may_point_to_itself_or_to_a_later_one() -> anyhow::Result<()> {
    let mut story = Story::open("").await?;
    // In the initial sync …
    story.finops.create("CustomersV3", &paid_by("S-1", "S-1")).await?;
    story.finops.create("CustomersV3", &paid_by("S-2", "S-3")).await?;
    story.finops.create("CustomersV3", &paid_by("S-3", "S-2")).await?;
    story.run().await?;
    for (account, payer) in [("S-1", "S-1"), ("S-2", "S-3"), ("S-3", "S-2")] {
        story.is_billed_to(account, payer).await?;
    }
    // … and live.
    story.finops.create("CustomersV3", &paid_by("S-4", "S-5")).await?;
    story.account("S-4").await?;
    story.finops.create("CustomersV3", &paid_by("S-5", "S-5")).await?;
    story.is_billed_to("S-4", "S-5").await?;
    story.is_billed_to("S-5", "S-5").await?;
    story.settle().await?;
    story.nothing_went_wrong().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_waits_for_what_it_names_and_others_pass() -> anyhow::Result<()> {
    let story = Story::of_customers("", &["G-1"]).await?;
    let mut grouped = customer("G-2");
    grouped["CustomerGroupId"] = json!("LATER");
    story.finops.create("CustomersV3", &grouped).await?;
    // I2: a record that waits holds back only itself.
    story.finops.create("CustomersV3", &customer("G-3")).await?;
    story.account("G-3").await?;
    assert!(
        story.dataverse.find("accounts", "accountnumber", "G-2").await?.is_none(),
        "it waits for its group"
    );
    let group = json!({"dataAreaId": "usmf", "CustomerGroupId": "LATER", "Description": "Came later"});
    story.finops.create("CustomerGroups", &group).await?;
    story.account("G-2").await?;
    story.settle().await?;
    // A lookup that is cleared is cleared on the other side, from both sides.
    story.finops.update(&story.customer_path("G-2"), &json!({"CustomerGroupId": ""})).await?;
    story.shows("G-2", "_msdyn_customergroupid_value", "").await?;
    let groups = support::wait_until(PATIENCE, async || {
        let found = story.dataverse.find("msdyn_customergroups", "msdyn_groupid", "LATER").await?;
        found.ok_or_else(|| anyhow::anyhow!("the group is not there"))
    });
    let group = format!("/msdyn_customergroups({})", groups.await?.cell("msdyn_customergroupid").plain());
    let account = story.account_path("G-2").await?;
    story.dataverse.update(&account, &json!({"msdyn_customergroupid@odata.bind": group})).await?;
    story.customer_shows("G-2", "CustomerGroupId", "LATER").await?;
    story.dataverse.update(&account, &json!({"msdyn_customergroupid@odata.bind": null})).await?;
    story.customer_shows("G-2", "CustomerGroupId", "").await?;
    story.settle().await?;
    story.nothing_went_wrong().await
}

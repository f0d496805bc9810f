use crate::support::{column, create, customer, start};

/// `articles/fin-ops-core/dev-itpro/data-entities/odata.md`, "Cross-company behavior".
#[tokio::test]
async fn without_cross_company_only_the_default_company_is_seen() {
    let emulator = start().await;
    let client = &emulator.client;
    create(client, "usmf", "1", "").await;
    create(client, "demf", "2", "").await;
    client.post("/data/CustomersV3", r#"{"CustomerAccount":"3"}"#).await.expect(201);
    let accounts = |path: &'static str| async move { column(&client.get(path).await, "CustomerAccount") };
    assert_eq!(accounts("/data/CustomersV3").await, ["1", "3"]);
    assert_eq!(accounts("/data/CustomersV3?cross-company=true").await, ["1", "2", "3"]);
    let demf = "/data/CustomersV3?$filter=dataAreaId%20eq%20'demf'";
    assert_eq!(accounts(demf).await, [""; 0]);
    assert_eq!(client.get("/data/CustomersV3?$count=true").await["@odata.count"], 2);

    let there = customer("demf", "2");
    let here = there.trim_end_matches("?cross-company=true");
    client.get(&there).await;
    for method in ["GET", "PATCH", "DELETE"] {
        client.send(method, here, &[], "{}").await.expect(404);
    }
    let set = |body: &'static str| client.post("/emulator/company", body);
    set(r#"{"company":"DEMF"}"#).await.expect(204);
    assert_eq!(accounts("/data/CustomersV3").await, ["2"]);
    set(r#"{"company":"usmf","client":"dualwright"}"#).await.expect(204);
    assert_eq!(accounts("/data/CustomersV3").await, ["1", "3"]);
    set(r#"{"company":5}"#).await.expect(400);
}

//! What clients that others wrote rely on, each rule with its page in
//! `MicrosoftDocs/dynamics-365-unified-operations-public`. `tests/clients` runs the clients themselves.

use serde_json::json;

use crate::support::{column, reason, start};

/// `articles/fin-ops-core/dev-itpro/data-entities/odata.md`: the service is found by `/data` and `/metadata`, which are
/// routes of ASP.NET and have no letter case.
#[tokio::test]
async fn services_are_found_in_any_letter_case() {
    let emulator = start().await;
    let client = &emulator.client;
    let plain = client.get("/metadata/PublicEntities?$top=1").await;
    assert_eq!(client.get("/Metadata/PublicEntities?$top=1").await, plain);
    assert_eq!(client.get("/Data/UnitsOfMeasure").await["value"], json!([]));
}

/// `articles/fin-ops-core/dev-itpro/data-entities/odata.md`, "Actions": none is here, and each is refused by its name.
#[tokio::test]
async fn actions_options_and_labels_are_refused_by_name() {
    let emulator = start().await;
    let client = &emulator.client;
    let refused = [
        (
            "POST",
            "/data/DataManagementEntities/Microsoft.Dynamics.DataEntities.GetApplicationVersion",
            "GetApplicationVersion",
        ),
        (
            "POST",
            "/data/CustomersV3(dataAreaId='a',CustomerAccount='1')/Microsoft.Dynamics.DataEntities.Post",
            "Post",
        ),
        (
            "POST",
            "/api/services/UserSessionService/AifUserSessionService/GetUserSessionInfo",
            "/api/services",
        ),
        ("GET", "/data/CustomersV3?$apply=x", "$apply"),
        ("GET", "/data/CustomersV3?$index=1", "$index"),
        ("GET", "/data/CustomersV3?$filter=tolower(CustomerAccount)%20eq%20'x'", "tolower(CustomerAccount)"),
        ("GET", "/metadata/Labels(Id='@SYS1',Language='en-us')", "Labels"),
    ];
    for (method, path, name) in refused {
        let answer = client.send(method, path, &[], "{}").await.expect(501);
        assert!(reason(&answer).contains(name), "{}", answer.text);
    }
    client.send("GET", "/data/NoSuchThings", &[], "").await.expect(404);
}

/// `articles/fin-ops-core/dev-itpro/data-entities/odata.md`: tools search the metadata service without regard to case, and
/// ask it for the text of every label.
#[tokio::test]
async fn tables_are_searched_and_labels_are_told() {
    let emulator = start().await;
    let client = &emulator.client;
    let found = client.get("/Metadata/PublicEntities?$filter=contains(tolower(Name),%20'customer')").await;
    assert_eq!(column(&found, "EntitySetName"), ["CustomersV3"]);
    let label = client.get("/metadata/Labels(Id='Credit%20limit',Language='en-US')").await;
    assert_eq!((&label["Value"], &label["Language"]), (&json!("Credit limit"), &json!("en-US")));
}

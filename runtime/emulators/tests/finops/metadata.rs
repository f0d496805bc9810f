use dualwright_odata::metadata::parse;
use serde_json::json;

use crate::support::{column, start};

/// The documents that tools read instead of `$metadata`.
#[tokio::test]
async fn the_metadata_service_describes_tables_and_enums() {
    let emulator = start().await;
    let client = &emulator.client;
    let filter = "/metadata/DataEntities?$filter=PublicCollectionName%20eq%20'CustomersV3'";
    let listed = client.get(filter).await;
    assert_eq!(column(&listed, "Name"), ["CustCustomerV3Entity"]);
    assert_eq!(listed["value"][0]["PublicEntityName"], "CustomerV3");
    assert_eq!(listed["value"][0]["IsReadOnly"], false);
    assert_eq!(client.get("/metadata/DataEntities").await["value"].as_array().unwrap().len(), 3);
    let entity = client.get("/metadata/PublicEntities('CustomerV3')").await;
    assert_eq!(entity["EntitySetName"], "CustomersV3");
    let property = |name: &str| {
        let properties = entity["Properties"].as_array().unwrap();
        properties.iter().find(|property| property["Name"] == name).unwrap().clone()
    };
    let account = property("CustomerAccount");
    assert_eq!(
        (&account["IsKey"], &account["IsMandatory"], &account["AllowEdit"]),
        (&json!(true), &json!(true), &json!(true))
    );
    assert_eq!(property("dataAreaId")["AllowEdit"], false);
    assert_eq!(property("CreditLimit")["TypeName"], "Edm.Decimal");
    assert_eq!(property("CustomerSince")["DataType"], "Date");
    assert_eq!(property("OnHoldStatus")["TypeName"], "Microsoft.Dynamics.DataEntities.CustVendorBlocked");
    let blocked = client.get("/metadata/PublicEnumerations('CustVendorBlocked')").await;
    assert_eq!(blocked["Members"][1]["Name"], "Invoice");
    assert_eq!(blocked["Members"][1]["Value"], 1);
    assert_eq!(
        column(&client.get("/metadata/PublicEnumerations").await, "Name"),
        ["CustVendorBlocked", "NoYes"]
    );
    for (path, status) in
        [("PublicEntities('X')", 404), ("Labels", 501), ("DataEntities?$filter=X%20eq%201", 400)]
    {
        client.send("GET", &format!("/metadata/{path}"), &[], "").await.expect(status);
    }
}

#[tokio::test]
async fn the_data_services_own_metadata_says_the_same() {
    let emulator = start().await;
    let text = emulator.client.send("GET", "/data/$metadata", &[], "").await.expect(200).text;
    let metadata = parse(&text).unwrap();
    assert_eq!(metadata.namespace, "Microsoft.Dynamics.DataEntities");
    let customer = metadata.entity_type("CustomerV3").unwrap();
    assert_eq!(customer.key, ["dataAreaId", "CustomerAccount"]);
    assert_eq!(
        metadata.entity_set("CustomersV3").unwrap().entity_type,
        "Microsoft.Dynamics.DataEntities.CustomerV3"
    );
    assert_eq!(metadata.enum_type("NoYes").unwrap().members, [("No".to_owned(), 0), ("Yes".to_owned(), 1)]);
}

use serde_json::Value;

use crate::support::finops;

const VENDORS: &str = "/data/VendorsV2";

/// `VendorsV2` numbers vendors by itself, `CustomersV3` does not number customers.
#[tokio::test]
async fn a_vendor_without_a_number_gets_the_next_free_one() {
    let emulator = finops().await;
    let client = &emulator.client;
    let create = |body: String| async move {
        let vendor = client.post(VENDORS, &body).await.expect(201).json();
        vendor["VendorAccountNumber"].as_str().unwrap().to_owned()
    };
    assert_eq!(create(r#"{"VendorAccountNumber":"V-1","VendorOrganizationName":"a"}"#.into()).await, "V-1");
    let first = create(r#"{"VendorOrganizationName":"b"}"#.into()).await;
    let number: i64 = first.parse().unwrap();
    // Somebody takes the numbers that come next.
    for next in number + 1..number + 6 {
        let taken = format!("{next:09}");
        assert_eq!(create(format!(r#"{{"VendorAccountNumber":"{taken}"}}"#)).await, taken);
    }
    let second = create(r#"{"VendorAccountNumber":" ","VendorOrganizationName":"c"}"#.into()).await;
    assert!(second.parse::<i64>().unwrap() > number + 5, "{second} after {first}");
    let vendor = client.get(&format!("{VENDORS}(dataAreaId='usmf',VendorAccountNumber='{second}')")).await;
    assert_eq!(vendor["VendorOrganizationName"], "c");
    let refused = client.post("/data/CustomersV3", r#"{"OrganizationName":"d"}"#).await.expect(400);
    assert!(refused.text.contains("Field 'CustomerAccount' must be filled in."), "{}", refused.text);
}

#[tokio::test]
async fn what_is_numbered_need_not_be_given() {
    let emulator = finops().await;
    let mandatory = |entity: Value, name: &str| {
        let properties = entity["Properties"].as_array().unwrap();
        properties.iter().find(|property| property["Name"] == name).unwrap()["IsMandatory"].clone()
    };
    let vendor = emulator.client.get("/metadata/PublicEntities('VendorV2')").await;
    assert_eq!(mandatory(vendor, "VendorAccountNumber"), false);
    let customer = emulator.client.get("/metadata/PublicEntities('CustomerV3')").await;
    assert_eq!(mandatory(customer, "CustomerAccount"), true);
}

#[tokio::test]
async fn a_company_has_four_letters() {
    let emulator = finops().await;
    let body = r#"{"dataAreaId":"toolong","CustomerAccount":"1"}"#;
    let refused = emulator.client.post("/data/CustomersV3", body).await.expect(400);
    assert!(refused.text.contains("it can have 4 at most"), "{}", refused.text);
}

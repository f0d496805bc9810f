use serde_json::json;

use crate::support::{create, customer, reason, start};

/// `articles/fin-ops-core/dev-itpro/data-entities/odata.md`: the values of what is not given.
#[tokio::test]
async fn a_new_row_is_answered_whole_and_holds_no_nulls() {
    let emulator = start().await;
    let client = &emulator.client;
    let body = r#"{"dataAreaId":"USMF","CustomerAccount":"US-001","CreditLimit":12345678901234567890.50}"#;
    let answer = client.post("/data/CustomersV3", body).await.expect(201);
    assert!(
        answer.header("location").ends_with("/data/CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')")
    );
    assert!(answer.text.contains(r#""CreditLimit":12345678901234567890.5,"#), "{}", answer.text);
    let mut row = answer.json();
    let root = format!("{}/data/$metadata#CustomersV3/$entity", client.url);
    let members = row.as_object_mut().unwrap();
    assert_eq!(members.remove("@odata.context").unwrap(), root);
    members.remove("CreditLimit");
    // '0,5637144576;'
    let expect = json!({
        "@odata.etag": "W/\"JzAsNTYzNzE0NDU3Njsn\"", "dataAreaId": "usmf", "CustomerAccount": "US-001",
        "OrganizationName": "", "Employees": 0, "OnHoldStatus": "No", "IsOneTimeCustomer": "No",
        "CustomerSince": "1900-01-01T12:00:00Z", "LastCall": "1900-01-01T12:00:00Z", "PartyNumber": "",
    });
    assert_eq!(row, expect);
    let mut read = client.get(&customer("usmf", "US-001")).await;
    read.as_object_mut().unwrap().remove("CreditLimit");
    read.as_object_mut().unwrap().remove("@odata.context");
    assert_eq!(read, expect);
}

#[tokio::test]
async fn a_key_is_found_in_any_order_and_case() {
    let emulator = start().await;
    let client = &emulator.client;
    create(client, "usmf", "O'Neil & Co/1", "").await;
    for address in [
        "CustomersV3(CustomerAccount='o''neil%20%26%20co%2F1',dataAreaId='USMF')",
        "CustomersV3(dataAreaId='usmf',CustomerAccount='O''NEIL%20%26%20Co%2F1%20%20')",
    ] {
        client.send("GET", &format!("/data/{address}"), &[], "").await.expect(200);
    }
    for (address, status) in [
        ("CustomersV3(dataAreaId='usmf',CustomerAccount='x')", 404),
        ("CustomersV3(dataAreaId='usmf')", 400),
        ("CustomersV3('usmf')", 400),
        ("CustomersV3(dataAreaId='usmf',CustomerAccount=5)", 400),
        ("CustomersV3(dataAreaId='usmf',dataAreaId='usmf')", 400),
        ("Nothing(1)", 404),
    ] {
        let answer = client.send("GET", &format!("/data/{address}"), &[], "").await.expect(status);
        assert!(!reason(&answer).is_empty());
    }
    client.post("/data/UnitsOfMeasure", r#"{"UnitSymbol":"kg"}"#).await.expect(201);
    client.get("/data/UnitsOfMeasure('KG')").await;
}

#[tokio::test]
async fn a_row_is_changed_only_when_it_is_there() {
    let emulator = start().await;
    let client = &emulator.client;
    client.patch(&customer("usmf", "1"), r#"{"OrganizationName":"x"}"#).await.expect(404);
    let first = create(client, "usmf", "1", r#","OrganizationName":"before""#).await["@odata.etag"].clone();
    let answer = client
        .patch(
            &customer("usmf", "1"),
            r#"{"CustomerSince":"2026-11-23T12:00:00Z","OnHoldStatus":"invoice","LastCall":"2026-01-02T03:04:05.6Z"}"#,
        )
        .await
        .expect(204);
    assert_eq!((answer.text.as_str(), answer.header("etag")), ("", ""));
    let row = client.get(&customer("usmf", "1")).await;
    assert_eq!(row["OrganizationName"], "before");
    assert_eq!(row["CustomerSince"], "2026-11-23T12:00:00Z");
    assert_eq!(row["LastCall"], "2026-01-02T03:04:05Z");
    assert_eq!(row["OnHoldStatus"], "Invoice");
    assert_ne!(row["@odata.etag"], first);

    let (stale, now) = (first.as_str().unwrap(), row["@odata.etag"].as_str().unwrap());
    let send = |method: &'static str, etag: String| async move {
        let headers = [("if-match", etag.as_str())];
        client.send(method, &customer("usmf", "1"), &headers, r#"{"Employees":5}"#).await
    };
    send("PATCH", stale.to_owned()).await.expect(412);
    send("DELETE", stale.to_owned()).await.expect(412);
    send("PATCH", now.to_owned()).await.expect(204);
    send("DELETE", "*".to_owned()).await.expect(204);
    send("DELETE", "*".to_owned()).await.expect(404);
}

#[tokio::test]
async fn a_key_can_be_changed_and_its_row_keeps_its_record() {
    let emulator = start().await;
    let client = &emulator.client;
    create(client, "usmf", "1", "").await;
    create(client, "usmf", "2", "").await;
    let answer = client.patch(&customer("usmf", "1"), r#"{"CustomerAccount":"2"}"#).await.expect(400);
    assert!(reason(&answer).contains("The record already exists."));
    client.patch(&customer("usmf", "1"), r#"{"CustomerAccount":"3","dataAreaId":"USMF"}"#).await.expect(204);
    client.send("GET", &customer("usmf", "1"), &[], "").await.expect(404);
    client.get(&customer("usmf", "3")).await;
    client.patch(&customer("usmf", "3"), r#"{"dataAreaId":"demf"}"#).await.expect(400);
    client.patch(&customer("usmf", "3"), r#"{"PartyNumber":"5"}"#).await.expect(400);
    let writes = client.writes().await;
    assert_eq!(writes.len(), 3);
    assert_eq!(writes[0]["id"], writes[2]["id"]);
    assert_eq!(writes[2]["operation"], "update");
    assert_eq!(writes[2]["key"], json!({ "dataAreaId": "usmf", "CustomerAccount": "3" }));
    assert_eq!(writes[2]["client"], "dualwright");
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let emulator = start().await;
    let client = &emulator.client;
    create(client, "usmf", "1", "").await;
    let answer = client.post("/data/CustomersV3", r#"{"dataAreaId":"usmf","CustomerAccount":"1 "}"#).await;
    assert!(reason(&answer.expect(400)).contains("The record already exists."));
    for (more, word) in [
        (r#","Colour":"red""#, "does not exist on type 'Microsoft.Dynamics.DataEntities.CustomerV3'"),
        (r#","OnHoldStatus":"Perhaps""#, "CustVendorBlocked"),
        (r#","OnHoldStatus":1"#, "CustVendorBlocked"),
        (r#","CreditLimit":"5""#, "Edm.Decimal"),
        (r#","CreditLimit":null"#, "does not allow null"),
        (r#","Employees":1.5"#, "Edm.Int32"),
        (r#","Employees":3000000000"#, "Edm.Int32"),
        (r#","CustomerSince":"2026-11-23""#, "Edm.DateTimeOffset"),
        (r#","OrganizationName":{}"#, "object"),
        (r#","CustomerAccount":"""#, "must be filled in"),
        (r#","CustomerAccount":"123456789012345678901""#, "20 at most"),
    ] {
        let body = format!(r#"{{"dataAreaId":"usmf","CustomerAccount":"x"{more}}}"#);
        let answer = client.post("/data/CustomersV3", &body).await.expect(400);
        assert!(reason(&answer).contains(word), "{more}: {}", answer.text);
        if word != "must be filled in" {
            continue;
        }
        client.patch(&customer("usmf", "1"), r#"{"CustomerAccount":""}"#).await.expect(400);
    }
    client.post("/data/CustomersV3", r#"{"dataAreaId":"usmf"}"#).await.expect(400);
    assert_eq!(client.writes().await.len(), 1);
}

#[tokio::test]
async fn the_system_fills_in_what_is_its_own() {
    let emulator = start().await;
    let client = &emulator.client;
    let journal = client.post("/data/Journals", r#"{"Name":"a"}"#).await.expect(201).json();
    let other = client.post("/data/Journals", r#"{"Name":"b"}"#).await.expect(201).json();
    assert_eq!(journal["dataAreaId"], "usmf");
    assert_ne!(journal["JournalNumber"], "");
    assert_ne!(journal["JournalNumber"], other["JournalNumber"]);
    client.post("/data/Journals", r#"{"JournalNumber":"7"}"#).await.expect(400);
    let unit = client
        .post("/data/UnitsOfMeasure", r#"{"UnitSymbol":"kg","modifieddatetime":"1950-01-01T00:00:00Z"}"#)
        .await
        .expect(201)
        .json();
    assert!(unit["modifieddatetime"].as_str().unwrap() > "2020-");
}

use crate::support::{Receiver, create, customer, start, start_in};

/// `articles/fin-ops-core/dev-itpro/business-events/data-events.md`.
#[tokio::test]
async fn changes_are_told_to_the_endpoint() {
    let emulator = start().await;
    let client = &emulator.client;
    let receiver = Receiver::start(0).await;
    create(client, "usmf", "before", "").await;
    let body = format!(r#"{{"endpoint":"{}?code=s","tables":["CustomersV3"]}}"#, receiver.url());
    client.post("/emulator/data-events", &body).await.expect(204);
    client.post("/data/UnitsOfMeasure", r#"{"UnitSymbol":"kg"}"#).await.expect(201);
    create(client, "USMF", "1", "").await;
    client.patch(&customer("usmf", "1"), r#"{"CustomerAccount":"2"}"#).await.expect(204);
    client.patch(&customer("usmf", "1"), r#"{"Employees":2}"#).await.expect(404);
    client.delete(&customer("usmf", "2")).await.expect(204);
    let events = receiver.wait_for(3).await;
    let told: Vec<(String, String)> = events
        .iter()
        .map(|event| {
            let text = |name: &str| event.body[name].as_str().unwrap().to_owned();
            (text("BusinessEventId"), text("CustomerAccount"))
        })
        .collect();
    let expect = [("Created", "1"), ("Updated", "2"), ("Deleted", "2")]
        .map(|(word, account)| (format!("CustCustomerV3Entity{word}BusinessEvent"), account.to_owned()));
    assert_eq!(told, expect);
    let first = &events[0];
    assert_eq!(first.target, "/hook?code=s");
    assert_eq!(first.body["BusinessEventLegalEntity"], "usmf");
    assert_eq!(first.body["dataAreaId"], "usmf");
    assert!(first.body["ControlNumber"].is_i64());
    assert_eq!(first.body["MajorVersion"], 0);
    assert!(first.body["EventTime"].as_str().unwrap().starts_with("/Date("));
    assert!(first.body["ParentContextRecordSubjects"].as_array().unwrap().is_empty());
    assert_ne!(first.body["EventId"], events[1].body["EventId"]);

    for wrong in
        [r#"{"endpoint":"x","tables":[]}"#, r#"{"endpoint":"http://127.0.0.1:1","tables":["X"]}"#, "[]"]
    {
        client.post("/emulator/data-events", wrong).await.expect(400);
    }
    client.delete("/emulator/data-events").await.expect(204);
    create(client, "usmf", "3", "").await;
    assert_eq!(receiver.all().len(), 3);
}

#[tokio::test]
async fn events_and_their_endpoint_outlive_a_restart() {
    let emulator = start().await;
    let receiver = Receiver::start(0).await;
    let (port, url) = (receiver.address.port(), receiver.url());
    receiver.stop().await;
    let body = format!(r#"{{"endpoint":"{url}","tables":["CustCustomerV3Entity"]}}"#);
    emulator.client.post("/emulator/data-events", &body).await.expect(204);
    create(&emulator.client, "usmf", "1", "").await;
    let folder = emulator.folder.clone();
    emulator.running.shutdown().await;
    let emulator = start_in(folder).await;
    create(&emulator.client, "usmf", "2", "").await;
    let receiver = Receiver::start(port).await;
    let events = receiver.wait_for(2).await;
    let accounts: Vec<_> = events.iter().map(|event| event.body["CustomerAccount"].clone()).collect();
    assert_eq!(accounts, ["1", "2"]);
    let row = emulator.client.get(&customer("usmf", "1")).await;
    assert_eq!(row["CustomerAccount"], "1");
    emulator.running.shutdown().await;
}

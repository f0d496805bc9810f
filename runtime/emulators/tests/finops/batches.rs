use dualwright_odata::batch::{
    Item, Limits, PartRequest, PartResponse, build_request, content_type, parse_response,
};

use crate::support::{Client, create, customer, start};

fn part(method: &str, url: &str, body: &str) -> PartRequest {
    PartRequest {
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.into(),
        ..PartRequest::new(method, url)
    }
}

async fn send(client: &Client, items: &[Item<PartRequest>], prefer: &str) -> Vec<Item<PartResponse>> {
    let body = String::from_utf8(build_request(items, "batch_1")).unwrap();
    let headers = [("content-type", &content_type("batch_1")[..]), ("prefer", prefer)];
    let answer = client.send("POST", "/data/$batch", &headers, &body).await.expect(200);
    parse_response(answer.header("content-type"), answer.text.as_bytes(), &Limits::default()).unwrap()
}

fn statuses(items: &[Item<PartResponse>]) -> Vec<Vec<u16>> {
    let status = |item: &Item<PartResponse>| match item {
        Item::Single(part) => vec![part.status],
        Item::Changeset(parts) => parts.iter().map(|part| part.status).collect(),
    };
    items.iter().map(status).collect()
}

const GO_ON: &str = "odata.continue-on-error";

#[tokio::test]
async fn parts_stand_alone() {
    let emulator = start().await;
    let client = &emulator.client;
    create(client, "usmf", "1", "").await;
    let address = customer("usmf", "1");
    let items = [
        part("POST", "CustomersV3", r#"{"dataAreaId":"usmf","CustomerAccount":"2"}"#),
        part("POST", "/data/CustomersV3", r#"{"dataAreaId":"usmf","CustomerAccount":"2"}"#),
        part("GET", &customer("usmf", "2"), ""),
        part("PATCH", &format!("{}{address}", client.url), r#"{"Employees":3}"#),
        part("PATCH", &customer("usmf", "9"), r#"{"Employees":3}"#),
        part("DELETE", &address, ""),
        part("GET", "CustomersV3?cross-company=true&$filter=CustomerAccount eq '2'", ""),
        part("GET", "$1", ""),
    ]
    .map(Item::Single);
    let answers = send(client, &items, GO_ON).await;
    let expect: [&[u16]; 8] = [&[201], &[400], &[200], &[204], &[404], &[204], &[200], &[501]];
    assert_eq!(statuses(&answers), expect);
    let Item::Single(exists) = &answers[1] else { panic!("{answers:?}") };
    assert!(String::from_utf8_lossy(&exists.body).contains("The record already exists."));
    let Item::Single(found) = &answers[6] else { panic!("{answers:?}") };
    assert!(String::from_utf8_lossy(&found.body).contains(r#""CustomerAccount":"2""#));
    let operations: Vec<_> = client.writes().await.iter().map(|write| write["operation"].clone()).collect();
    assert_eq!(operations, ["create", "create", "update", "delete"]);
}

#[tokio::test]
async fn a_batch_stops_at_a_failure_unless_told_to_go_on() {
    let emulator = start().await;
    let client = &emulator.client;
    let create = |account: &str| {
        Item::Single(part("POST", "CustomersV3", &format!(r#"{{"CustomerAccount":"{account}"}}"#)))
    };
    let items = [create("1"), create("1"), create("2")];
    assert_eq!(statuses(&send(client, &items, "x").await), [[201], [400]]);
    assert_eq!(statuses(&send(client, &items, GO_ON).await), [[400], [400], [201]]);
}

#[tokio::test]
async fn a_changeset_is_all_or_nothing() {
    let emulator = start().await;
    let client = &emulator.client;
    let create =
        |account: &str| part("POST", "CustomersV3", &format!(r#"{{"CustomerAccount":"{account}"}}"#));
    let items = [
        Item::Changeset(vec![create("1"), create("2")]),
        Item::Changeset(vec![create("3"), create("1")]),
        Item::Changeset(vec![create("4"), part("GET", &customer("usmf", "1"), "")]),
        Item::Single(create("5")),
    ];
    let answers = send(client, &items, GO_ON).await;
    assert_eq!(statuses(&answers), [vec![201, 201], vec![400], vec![400], vec![201]]);
    let written: Vec<_> =
        client.writes().await.iter().map(|write| write["key"]["CustomerAccount"].clone()).collect();
    assert_eq!(written, ["1", "2", "5"]);
}

use dualwright_odata::batch::{
    Item, Limits, PartRequest, PartResponse, build_request, content_type, parse_response,
};
use serde_json::{Value, json};

use crate::support::{Client, start};

fn part(method: &str, url: &str, body: &str) -> PartRequest {
    PartRequest {
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.as_bytes().to_vec(),
        ..PartRequest::new(method, url)
    }
}

fn named(id: &str, mut part: PartRequest) -> PartRequest {
    part.content_id = Some(id.to_owned());
    part
}

async fn send(client: &Client, prefer: &str, items: &[Item<PartRequest>]) -> (u16, Vec<Item<PartResponse>>) {
    let body = String::from_utf8(build_request(items, "batch_1")).unwrap();
    let headers = [("content-type", &*content_type("batch_1")), ("prefer", prefer)];
    let answer = client.send("POST", "$batch", &headers, &body).await;
    let kind = answer.header("content-type").to_owned();
    let items = parse_response(&kind, answer.text.as_bytes(), &Limits::default())
        .unwrap_or_else(|error| panic!("{error}: {}", answer.text));
    (answer.status, items)
}

fn single(item: &Item<PartResponse>) -> (u16, Value) {
    let Item::Single(part) = item else { panic!("{item:?}") };
    (part.status, serde_json::from_slice(&part.body).unwrap_or(json!(null)))
}

#[tokio::test]
async fn parts_run_in_order_and_each_for_itself() {
    let emulator = start().await;
    let client = &emulator.client;
    let items = [
        Item::Single(part("POST", "/api/data/v9.2/accounts", r#"{"name":"A"}"#)),
        Item::Single(part("POST", "accounts", r#"{"colour":1}"#)),
        Item::Single(part("POST", &format!("{}/api/data/v9.2/accounts", client.url), r#"{"name":"B"}"#)),
        Item::Single(part("GET", "accounts?$select=name&$filter=name eq 'B'", "")),
    ];
    let (status, answers) = send(client, "odata.continue-on-error", &items).await;
    assert_eq!(status, 200);
    let statuses: Vec<u16> = answers.iter().map(|answer| single(answer).0).collect();
    assert_eq!(statuses, [204, 400, 204, 200]);
    assert_eq!(single(&answers[1]).1["error"]["code"], "0x80048d19");
    assert_eq!(single(&answers[3]).1["value"][0]["name"], "B");
    let Item::Single(first) = &answers[0] else { panic!() };
    assert!(first.header("OData-EntityId").unwrap().contains("/accounts("));
}

#[tokio::test]
async fn without_continue_on_error_the_first_failure_ends_the_batch() {
    let emulator = start().await;
    let items = [
        Item::Single(part("POST", "accounts", r#"{"name":"A"}"#)),
        Item::Single(part("POST", "accounts", r#"{"colour":1}"#)),
        Item::Single(part("POST", "accounts", r#"{"name":"B"}"#)),
    ];
    let (status, answers) = send(&emulator.client, "", &items).await;
    assert_eq!((status, answers.len()), (400, 2));
    assert_eq!(emulator.client.get("accounts/$count").await, json!(1));
}

#[tokio::test]
async fn a_changeset_is_all_or_nothing() {
    let emulator = start().await;
    let client = &emulator.client;
    let items = [
        Item::Changeset(vec![
            named("1", part("POST", "accounts", r#"{"name":"A"}"#)),
            named("2", part("PATCH", "$1", r#"{"accountnumber":"7"}"#)),
            named("3", part("POST", "contacts", r#"{"fullname":"Ann","account@odata.bind":"$1"}"#)),
        ]),
        Item::Changeset(vec![
            named("1", part("POST", "accounts", r#"{"name":"B"}"#)),
            named("2", part("POST", "accounts", r#"{"colour":1}"#)),
        ]),
        Item::Changeset(vec![named("1", part("GET", "accounts", ""))]),
    ];
    let (status, answers) = send(client, "odata.continue-on-error", &items).await;
    assert_eq!((status, answers.len()), (200, 3));
    let Item::Changeset(parts) = &answers[0] else { panic!("{answers:?}") };
    assert_eq!(parts.iter().map(|part| part.status).collect::<Vec<_>>(), [204, 204, 204]);
    assert_eq!(parts[2].content_id.as_deref(), Some("3"));
    let Item::Single(failed) = &answers[1] else { panic!("{answers:?}") };
    assert_eq!((failed.status, failed.content_id.as_deref()), (400, Some("2")));
    assert_eq!(single(&answers[2]).0, 400);
    let rows = client.get("accounts").await;
    assert_eq!(rows["value"].as_array().unwrap().len(), 1);
    assert_eq!(rows["value"][0]["accountnumber"], "7");
    let contacts = client.get("contacts").await;
    assert_eq!(contacts["value"][0]["_account_value"], rows["value"][0]["accountid"]);
    assert_eq!(client.writes().await.len(), 3, "what was rolled back is not in the write log");
}

#[tokio::test]
async fn a_batch_has_limits() {
    let emulator = start().await;
    let many: Vec<_> = (0..1001).map(|_| Item::Single(part("GET", "WhoAmI", ""))).collect();
    let body = String::from_utf8(build_request(&many, "batch_1")).unwrap();
    let headers = [("content-type", &*content_type("batch_1"))];
    emulator.client.send("POST", "$batch", &headers, &body).await.expect(400);
    let (status, answers) = send(&emulator.client, "", &[Item::Single(part("POST", "$batch", ""))]).await;
    assert_eq!((status, single(&answers[0]).0), (400, 400));
}

#[tokio::test]
async fn a_thousand_upserts_are_one_batch() {
    let emulator = start().await;
    let client = &emulator.client;
    let company = client.create("cdm_companies", r#"{"cdm_companycode":"usmf"}"#).await;
    let items = |name: &str| -> Vec<Item<PartRequest>> {
        (0..1000)
            .map(|number| {
                let url = format!("accounts(accountnumber='{number}',_msdyn_company_value={company})");
                Item::Single(part("PATCH", &url, &format!("{{\"name\":\"{name}\"}}")))
            })
            .collect()
    };
    for name in ["one", "two"] {
        let (status, answers) = send(client, "odata.continue-on-error", &items(name)).await;
        assert_eq!(status, 200);
        assert!(answers.iter().all(|answer| single(answer).0 == 204));
    }
    assert_eq!(client.get("accounts/$count?$filter=name%20eq%20'two'").await, json!(1000));
}

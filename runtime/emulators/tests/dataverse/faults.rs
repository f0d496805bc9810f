use serde_json::json;

use crate::support::{Client, start};

async fn script(client: &Client, faults: serde_json::Value) {
    client.send("POST", "/emulator/faults", &[], &faults.to_string()).await.expect(204);
}

#[tokio::test]
async fn the_answer_is_lost_after_the_work_is_done() {
    let emulator = start().await;
    let client = &emulator.client;
    script(client, json!([{"kind": "drop-after", "operation": "create", "times": 1}])).await;
    client.try_send("POST", "accounts", &[], r#"{"name":"A"}"#).await.unwrap_err();
    assert_eq!(client.get("accounts/$count").await, json!(1));
    script(client, json!([{"kind": "drop-before", "method": "POST", "times": 1}])).await;
    client.try_send("POST", "accounts", &[], r#"{"name":"B"}"#).await.unwrap_err();
    assert_eq!(client.get("accounts/$count").await, json!(1));
    script(client, json!([{"kind": "half-response", "path": "/accounts", "times": 1}])).await;
    client.try_send("GET", "accounts", &[], "").await.unwrap_err();
    client.get("accounts").await;
}

#[tokio::test]
async fn statuses_are_scripted_for_one_client() {
    let emulator = start().await;
    let client = &emulator.client;
    let someone = Client::sign_in(&client.url, "someone").await;
    let fault = json!([{"kind": "status", "status": 429, "retry_after": 7, "client": "dualwright", "path": "accounts"}]);
    script(client, fault).await;
    let answer = client.post("accounts", "{}").await.expect(429);
    assert_eq!((answer.header("retry-after"), answer.code().as_str()), ("7", "0x80072322"));
    client.get("contacts").await;
    someone.post("accounts", "{}").await.expect(204);
    client.send("DELETE", "/emulator/faults", &[], "").await.expect(204);
    client.post("accounts", "{}").await.expect(204);
    client.send("POST", "/emulator/faults", &[], r#"[{"kind":"status"}]"#).await.expect(400);
    script(client, json!([{"kind": "status", "status": 503, "times": 1}])).await;
    client.post("accounts", "{}").await.expect(503);
}

#[tokio::test]
async fn limits_answer_429_with_the_documented_code() {
    let emulator = start().await;
    let client = &emulator.client;
    client.send("POST", "/emulator/quota", &[], r#"{"requests":2}"#).await.expect(204);
    let answer = client.send("GET", "WhoAmI", &[], "").await.expect(200);
    assert_eq!(answer.header("x-ms-ratelimit-burst-remaining-xrm-requests"), "1");
    client.get("WhoAmI").await;
    let answer = client.send("GET", "WhoAmI", &[], "").await.expect(429);
    assert_eq!(answer.code(), "0x80072322");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 200);
    Client::sign_in(&client.url, "someone").await.get("WhoAmI").await;
    client.send("POST", "/emulator/quota", &[], r#"{"concurrent":0}"#).await.expect(204);
    assert_eq!(client.send("GET", "WhoAmI", &[], "").await.expect(429).code(), "0x80072326");
    client.send("POST", "/emulator/quota", &[], r#"{"execution_seconds":0}"#).await.expect(204);
    assert_eq!(client.send("GET", "WhoAmI", &[], "").await.expect(429).code(), "0x80072321");
    client.send("DELETE", "/emulator/quota", &[], "").await.expect(204);
    client.get("WhoAmI").await;
}

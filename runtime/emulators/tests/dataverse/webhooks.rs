use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Receiver, start, start_in};

/// Registers a step as a connector does, and answers the id of the step.
pub async fn register(
    client: &Client,
    url: &str,
    message: &str,
    table: &str,
    mode: i64,
    filtering: &str,
) -> String {
    let messages = client.get(&format!("sdkmessages?$select=sdkmessageid&$filter=name eq '{message}'")).await;
    let message = messages["value"][0]["sdkmessageid"].as_str().unwrap().to_owned();
    let filter = format!(
        "sdkmessagefilters?$filter=primaryobjecttypecode eq '{table}' and _sdkmessageid_value eq {message}"
    );
    let filters = client.get(&filter).await;
    let filter = filters["value"][0]["sdkmessagefilterid"].as_str().unwrap().to_owned();
    let endpoint = json!({"name": "hook", "url": url, "contract": 8, "authtype": 4, "authvalue": "s&cret"});
    let endpoint = client.create("serviceendpoints", &endpoint.to_string()).await;
    let step = json!({
        "name": "step", "mode": mode, "stage": 40, "rank": 1, "supporteddeployment": 0, "filteringattributes": filtering,
        "sdkmessageid@odata.bind": format!("/sdkmessages({message})"),
        "sdkmessagefilterid@odata.bind": format!("/sdkmessagefilters({filter})"),
        "eventhandler_serviceendpoint@odata.bind": format!("/serviceendpoints({endpoint})"),
    });
    client.create("sdkmessageprocessingsteps", &step.to_string()).await
}

fn attribute(body: &Value, name: &str) -> Value {
    let attributes = body["InputParameters"][0]["value"]["Attributes"].as_array().unwrap();
    attributes
        .iter()
        .find(|attribute| attribute["key"] == name)
        .map_or(json!(null), |found| found["value"].clone())
}

#[tokio::test]
async fn steps_are_called_after_the_change() {
    let emulator = start().await;
    let client = &emulator.client;
    let receiver = Receiver::start(0).await;
    for message in ["Create", "Update", "Delete"] {
        let filtering = if message == "Update" { "name,creditlimit" } else { "" };
        register(client, &receiver.url(), message, "account", 1, filtering).await;
    }
    let company = client.create("cdm_companies", r#"{"cdm_companycode":"usmf"}"#).await;
    let body = format!(
        "{{\"name\":\"A\",\"customertypecode\":3,\"msdyn_company@odata.bind\":\"/cdm_companies({company})\"}}"
    );
    let id = client.post("accounts?tag=mine", &body).await.expect(204).id();
    let row = format!("accounts({id})");
    client.patch(&row, r#"{"accountnumber":"not filtered for"}"#).await.expect(204);
    client.patch(&row, r#"{"creditlimit":5.25}"#).await.expect(204);
    let bypass = [("MSCRM.BypassCustomPluginExecution", "true")];
    client.send("PATCH", &row, &bypass, r#"{"name":"B"}"#).await.expect(204);
    client.delete(&row).await.expect(204);
    let calls = receiver.wait_for(3).await;
    let messages: Vec<_> = calls.iter().map(|call| call.body["MessageName"].as_str().unwrap()).collect();
    assert_eq!(messages, ["Create", "Update", "Delete"]);
    let created = &calls[0];
    assert_eq!(created.target, "/hook?code=s%26cret");
    for header in [
        "x-ms-dynamics-entity-name: account",
        "x-ms-dynamics-request-name: create",
        "x-ms-correlation-request-id: ",
    ] {
        assert!(created.headers.contains(header), "{}", created.headers);
    }
    assert_eq!(created.body["PrimaryEntityId"], id.as_str());
    assert_eq!(created.body["PrimaryEntityName"], "account");
    assert_eq!(created.body["SharedVariables"], json!([{"key": "tag", "value": "mine"}]));
    assert_eq!(created.body["InitiatingUserId"], client.get("WhoAmI").await["UserId"]);
    assert!(created.body["OperationCreatedOn"].as_str().unwrap().starts_with("/Date("));
    assert_eq!(attribute(&created.body, "name"), "A");
    assert_eq!(attribute(&created.body, "customertypecode")["Value"], 3);
    assert_eq!(attribute(&created.body, "msdyn_company")["Id"], company.as_str());
    assert_eq!(attribute(&calls[1].body, "creditlimit").to_string(), "5.25");
    assert_eq!(attribute(&calls[1].body, "name"), json!(null));
    assert_eq!(calls[2].body["InputParameters"][0]["value"]["Id"], id.as_str());
    let log = serde_json::to_string(&client.writes().await).unwrap();
    assert!(!log.contains("s&cret"), "secrets are not in the write log");
    let endpoints = client.get("serviceendpoints").await;
    assert_eq!(endpoints["value"][0]["authvalue"], json!(null));
}

#[tokio::test]
async fn events_wait_for_a_receiver_that_is_down_and_outlive_a_restart() {
    let emulator = start().await;
    let receiver = Receiver::start(0).await;
    let address = receiver.address;
    register(&emulator.client, &receiver.url(), "Create", "account", 1, "").await;
    receiver.stop().await;
    for name in ["1", "2", "3"] {
        emulator.client.create("accounts", &format!("{{\"name\":\"{name}\"}}")).await;
    }
    let folder = emulator.folder.clone();
    emulator.running.shutdown().await;
    let again = start_in(folder, Duration::from_secs(3600), 0).await;
    again.client.create("accounts", r#"{"name":"4"}"#).await;
    let receiver = Receiver::start(address.port()).await;
    let calls = receiver.wait_for(4).await;
    let names: Vec<_> = calls.iter().map(|call| attribute(&call.body, "name")).collect();
    assert_eq!(names, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_receiver_that_refuses_is_asked_again() {
    let emulator = start().await;
    let receiver = Receiver::start(0).await;
    register(&emulator.client, &receiver.url(), "Create", "account", 1, "").await;
    *receiver.status.lock().unwrap() = 503;
    emulator.client.create("accounts", r#"{"name":"1"}"#).await;
    receiver.wait_for(2).await;
    *receiver.status.lock().unwrap() = 200;
    let refused = receiver.all().len();
    receiver.wait_for(refused + 1).await;
}

#[tokio::test]
async fn events_are_doubled_and_reordered_as_scripted() {
    let emulator = start().await;
    let client = &emulator.client;
    let receiver = Receiver::start(0).await;
    register(client, &receiver.url(), "Create", "account", 1, "").await;
    client
        .send("POST", "/emulator/faults", &[], r#"[{"kind":"duplicate-event","times":1}]"#)
        .await
        .expect(204);
    client.create("accounts", r#"{"name":"1"}"#).await;
    receiver.wait_for(2).await;
    // Long enough that a busy machine has written the next row, and its event, long before.
    let fault = r#"[{"kind":"delay-event","milliseconds":5000,"times":1}]"#;
    client.send("POST", "/emulator/faults", &[], fault).await.expect(204);
    client.create("accounts", r#"{"name":"2"}"#).await;
    client.create("accounts", r#"{"name":"3"}"#).await;
    let calls = receiver.wait_for(4).await;
    let names: Vec<_> = calls.iter().map(|call| attribute(&call.body, "name")).collect();
    assert_eq!(names, ["1", "1", "3", "2"]);
}

#[tokio::test]
async fn a_synchronous_step_can_refuse_the_write() {
    let emulator = start().await;
    let client = &emulator.client;
    let receiver = Receiver::start(0).await;
    let step = register(client, &receiver.url(), "Create", "account", 0, "").await;
    let id = client.create("accounts", r#"{"name":"agreed"}"#).await;
    let asked = receiver.all();
    assert_eq!(asked.len(), 1, "the step is asked before the answer");
    assert_eq!(asked[0].body["PrimaryEntityId"], id.as_str());
    *receiver.status.lock().unwrap() = 400;
    assert_eq!(client.post("accounts", r#"{"name":"refused"}"#).await.expect(400).code(), "0x80040265");
    assert_eq!(client.get("accounts/$count").await, json!(1));
    client
        .patch(&format!("sdkmessageprocessingsteps({step})"), r#"{"statecode":1,"statuscode":2}"#)
        .await
        .expect(204);
    client.create("accounts", r#"{"name":"nobody asks"}"#).await;
    client.post("serviceendpoints", r#"{"name":"x","contract":1}"#).await.expect(501);
}

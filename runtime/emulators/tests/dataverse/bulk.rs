use serde_json::json;

use crate::support::start;

fn target(fields: &str) -> String {
    format!("{{\"@odata.type\":\"Microsoft.Dynamics.CRM.account\",{fields}}}")
}

#[tokio::test]
async fn many_rows_are_written_all_or_nothing() {
    let emulator = start().await;
    let client = &emulator.client;
    let company = client.create("cdm_companies", r#"{"cdm_companycode":"usmf"}"#).await;
    let send = async |action: &str, targets: &[String]| {
        let body = format!("{{\"Targets\":[{}]}}", targets.join(","));
        client.post(&format!("accounts/Microsoft.Dynamics.CRM.{action}"), &body).await
    };
    let made = send("CreateMultiple", &[target("\"name\":\"A\""), target("\"name\":\"B\"")])
        .await
        .expect(200)
        .json();
    let ids: Vec<&str> = made["Ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    let update = |id: &str, name: &str| target(&format!("\"accountid\":\"{id}\",\"name\":\"{name}\""));
    send("UpdateMultiple", &[update(ids[0], "A2"), update(ids[1], "B2")]).await.expect(204);
    assert_eq!(client.get(&format!("accounts({})", ids[1])).await["name"], "B2");
    let nobody = "00000000-0000-0000-0000-0000000000aa";
    send("UpdateMultiple", &[update(ids[0], "A3"), update(nobody, "C")]).await.expect(404);
    assert_eq!(client.get(&format!("accounts({})", ids[0])).await["name"], "A2");

    let key = format!("\"@odata.id\":\"accounts(accountnumber='7',_msdyn_company_value={company})\"");
    for name in ["one", "two"] {
        send("UpsertMultiple", &[target(&format!("{key},\"name\":\"{name}\"")), update(nobody, name)])
            .await
            .expect(204);
    }
    assert_eq!(client.get("accounts/$count").await, json!(4));
    assert_eq!(client.get(&format!("accounts({nobody})")).await["name"], "two");
    let untyped = ["{\"name\":\"x\"}".to_owned()];
    send("CreateMultiple", &untyped).await.expect(400);
    send("UpdateMultiple", &[target("\"name\":\"x\"")]).await.expect(400);
    send("DeleteMultiple", &[]).await.expect(501);
}

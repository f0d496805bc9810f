use serde_json::json;

use crate::support::{Client, start};

async fn company(client: &Client, code: &str) -> String {
    client.create("cdm_companies", &format!("{{\"cdm_companycode\":\"{code}\"}}")).await
}

#[tokio::test]
async fn rows_are_named_by_alternate_keys_with_lookups() {
    let emulator = start().await;
    let client = &emulator.client;
    let usmf = company(client, "usmf").await;
    let demf = company(client, "demf").await;
    let address = |number: &str, company: &str| {
        format!("accounts(accountnumber='{number}',_msdyn_company_value={company})")
    };

    let made = client.patch(&address("C%2F1", &usmf), r#"{"name":"A"}"#).await.expect(204);
    assert!(made.header("odata-entityid").ends_with(&address("C%2F1", &usmf)), "the address is echoed");
    let row = client.get(&address("C%2F1", &usmf)).await;
    assert_eq!(row["accountnumber"], "C/1");
    assert_eq!(row["_msdyn_company_value"], usmf.as_str());
    client.send("GET", &address("C%2F1", &demf), &[], "").await.expect(404);
    let found = client.get(&format!("accounts(_msdyn_company_value={usmf},accountnumber='c%2f1 ')")).await;
    assert_eq!(found["accountid"], row["accountid"], "keys compare without case and trailing spaces");

    client.patch(&address("C%2F1", &usmf), r#"{"name":"B","accountnumber":"other"}"#).await.expect(204);
    let again = client.get(&address("C%2F1", &usmf)).await;
    assert_eq!((&again["name"], &again["accountid"]), (&json!("B"), &row["accountid"]));
    client.patch(&address("C%2F1", &demf), r#"{"name":"C"}"#).await.expect(204);
    assert_eq!(client.get("accounts/$count").await, json!(2));

    let bound = client
        .create(
            "accounts",
            r#"{"accountnumber":"9","msdyn_company@odata.bind":"/cdm_companies(cdm_companycode='USMF')"}"#,
        )
        .await;
    assert_eq!(client.get(&address("9", &usmf)).await["accountid"], bound.as_str());
    let by_name = client.get(&format!("accounts(accountid={bound})")).await;
    assert_eq!(by_name["accountnumber"], "9");
    client.delete(&address("9", &usmf)).await.expect(204);
    assert_eq!(client.delete(&address("9", &usmf)).await.expect(404).code(), "0x80060891");
}

#[tokio::test]
async fn a_key_is_held_by_one_row() {
    let emulator = start().await;
    let client = &emulator.client;
    let usmf = company(client, "usmf").await;
    let body = |number: &str| {
        format!("{{\"accountnumber\":\"{number}\",\"msdyn_company@odata.bind\":\"/cdm_companies({usmf})\"}}")
    };
    client.create("accounts", &body("1")).await;
    let other = client.create("accounts", &body("2")).await;
    let refused = client.post("accounts", &body("1 ")).await.expect(412);
    assert_eq!(refused.code(), "0x80060892");
    assert!(refused.text.contains("accountnumber,msdyn_company"));
    let renamed = client.patch(&format!("accounts({other})"), r#"{"accountnumber":"1"}"#).await.expect(412);
    assert_eq!(renamed.code(), "0x80060892");
    client.patch(&format!("accounts({other})"), r#"{"accountnumber":"3"}"#).await.expect(204);
    client.create("accounts", &body("2")).await;
    let same = format!("{{\"accountid\":\"{other}\"}}");
    assert_eq!(client.post("accounts", &same).await.expect(412).code(), "0x80040237");
    for _ in 0..2 {
        client.create("accounts", r#"{"accountnumber":"1"}"#).await;
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let emulator = start().await;
    let nobody = "00000000-0000-0000-0000-0000000000aa";
    for key in ["name='x'", "accountnumber='x'", "1", "'x'", "accountnumber=1,_msdyn_company_value=1", ""] {
        let answer = emulator.client.send("GET", &format!("accounts({key})"), &[], "").await.expect(400);
        assert_eq!(answer.code(), "0x80060888", "{key}");
    }
    let key = format!("accounts(accountnumber='x',msdyn_company={nobody})");
    emulator.client.send("GET", &key, &[], "").await.expect(400);
    let key = format!("accounts(accountnumber='x',_msdyn_company_value={nobody})");
    assert_eq!(emulator.client.patch(&key, "{}").await.expect(404).code(), "0x80040217");
}

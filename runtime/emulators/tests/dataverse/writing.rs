use serde_json::json;

use crate::support::{Client, start};

const MISSING: &str = "00000000-0000-0000-0000-0000000000aa";

#[tokio::test]
async fn a_row_is_created_read_updated_and_deleted() {
    let emulator = start().await;
    let client = &emulator.client;
    let company = client.create("cdm_companies", r#"{"cdm_companycode":"usmf"}"#).await;
    let body = json!({
        "name": "Ñandú 🏁 \"Ltd\"", "accountnumber": "C-1", "numberofemployees": 12, "creditonhold": false,
        "opendate": "2026-01-31", "lastcall": "2026-01-31T12:30:15.987+01:00", "customertypecode": 3,
        "msdyn_company@odata.bind": format!("/cdm_companies({company})"),
    })
    .to_string()
    .replacen('{', "{\"creditlimit\":1000.10,", 1);
    let created = client.post("accounts", &body).await.expect(204);
    let id = created.id();
    assert_eq!(created.header("location"), format!("{}/api/data/v9.2/accounts({id})", client.url));

    let row = client.get(&format!("accounts({id})")).await;
    assert_eq!(row["accountid"], id.as_str());
    assert_eq!(row["name"], "Ñandú 🏁 \"Ltd\"");
    assert_eq!(row["creditlimit"].to_string(), "1000.1");
    assert_eq!(row["opendate"], "2026-01-31");
    assert_eq!(row["lastcall"], "2026-01-31T11:30:15Z");
    assert_eq!(row["_msdyn_company_value"], company.as_str());
    assert_eq!((&row["statecode"], &row["statuscode"]), (&json!(0), &json!(1)));
    assert!(row["createdon"].as_str().unwrap().ends_with('Z'));
    assert_eq!(row["@odata.etag"], format!("W/\"{}\"", row["versionnumber"]));

    client.patch(&format!("accounts({id})"), r#"{"name":"","creditlimit":0}"#).await.expect(204);
    let row = client.get(&format!("accounts({id})?$select=name,creditlimit,accountnumber")).await;
    assert_eq!(row["name"], json!(null), "empty text is stored as null");
    assert_eq!(row["creditlimit"].to_string(), "0");
    assert_eq!(row["accountnumber"], "C-1");
    assert!(row.get("opendate").is_none());

    client.delete(&format!("accounts({id})")).await.expect(204);
    assert_eq!(
        client.send("GET", &format!("accounts({id})"), &[], "").await.expect(404).code(),
        "0x80040217"
    );
    assert_eq!(client.delete(&format!("accounts({id})")).await.expect(404).code(), "0x80040217");
}

#[tokio::test]
async fn the_written_row_is_answered_when_wanted() {
    let emulator = start().await;
    let prefer = [("prefer", "return=representation")];
    let answer =
        emulator.client.send("POST", "accounts?$select=name", &prefer, r#"{"name":"A"}"#).await.expect(201);
    assert_eq!(answer.header("preference-applied"), "return=representation");
    let row = answer.json();
    assert_eq!(row["name"], "A");
    assert!(row["@odata.context"].as_str().unwrap().ends_with("#accounts(name)/$entity"));
    let path = format!("accounts({})", row["accountid"].as_str().unwrap());
    let answer = emulator.client.send("PATCH", &path, &prefer, r#"{"name":"B"}"#).await.expect(200);
    assert_eq!(answer.json()["name"], "B");
    let path = format!("accounts({MISSING})");
    let answer = emulator.client.send("PATCH", &path, &prefer, r#"{"name":"C"}"#).await.expect(201);
    assert_eq!(answer.json()["accountid"], MISSING);
}

#[tokio::test]
async fn conditions_are_kept() {
    let emulator = start().await;
    let client = &emulator.client;
    let missing = format!("accounts({MISSING})");
    let any = [("if-match", "*")];
    let answer = client.send("PATCH", &missing, &any, "{}").await.expect(404);
    assert_eq!(answer.code(), "0x80040217");
    let none = [("if-none-match", "*")];
    client.send("PATCH", &missing, &none, r#"{"name":"A"}"#).await.expect(204);
    client.send("PATCH", &missing, &none, r#"{"name":"B"}"#).await.expect(412);
    let etag = client.get(&missing).await["@odata.etag"].as_str().unwrap().to_owned();
    let fresh = [("if-match", etag.as_str())];
    client.send("PATCH", &missing, &fresh, r#"{"name":"C"}"#).await.expect(204);
    assert_eq!(
        client.send("PATCH", &missing, &fresh, r#"{"name":"D"}"#).await.expect(412).code(),
        "0x80060882"
    );
    assert_eq!(client.send("DELETE", &missing, &fresh, "").await.expect(412).code(), "0x80060882");
    assert_eq!(client.get(&missing).await["name"], "C");
    let etag = client.get(&missing).await["@odata.etag"].as_str().unwrap().to_owned();
    client.send("GET", &missing, &[("if-none-match", &etag)], "").await.expect(304);
    client.send("GET", &missing, &[("if-none-match", "W/\"1\"")], "").await.expect(200);
    client.send("DELETE", &missing, &[("if-match", &etag)], "").await.expect(204);
}

#[tokio::test]
async fn what_a_column_cannot_hold_is_refused() {
    let emulator = start().await;
    let client = &emulator.client;
    let check = async |body: &str, status: u16, code: &str| {
        let answer = client.post("accounts", body).await.expect(status);
        assert_eq!(answer.code(), code, "{body}");
    };
    check(&format!("{{\"name\":\"{}\"}}", "x".repeat(161)), 400, "0x80044331").await;
    check(r#"{"customertypecode":4}"#, 400, "0x8004431a").await;
    check(r#"{"numberofemployees":"12"}"#, 400, "0x80048d19").await;
    check(r#"{"numberofemployees":1.5}"#, 400, "0x80048d19").await;
    check(r#"{"name":17}"#, 400, "0x80048d19").await;
    check(r#"{"creditonhold":"yes"}"#, 400, "0x80048d19").await;
    check(r#"{"opendate":"31.1.2026"}"#, 400, "0x80048d19").await;
    check(r#"{"colour":"red"}"#, 400, "0x80048d19").await;
    check(&format!("{{\"_msdyn_company_value\":\"{MISSING}\"}}"), 400, "0x80048d19").await;
    check(&format!("{{\"msdyn_company@odata.bind\":\"/cdm_companies({MISSING})\"}}"), 404, "0x80040217")
        .await;
    check(r#"{"msdyn_company@odata.bind":"/cdm_companies(cdm_companycode='none')"}"#, 404, "0x80060891")
        .await;
    check(&format!("{{\"msdyn_company@odata.bind\":\"/accounts({MISSING})\"}}"), 400, "0x80048d19").await;
    check(r#"{"colour@odata.bind":"/accounts(1)"}"#, 400, "0x80048d19").await;
    check(r#"{"name":"x""#, 400, "0x80048d19").await;
    check(r#"{"msdyn_company":{"cdm_companycode":"x"}}"#, 501, "0x80040216").await;
    assert_eq!(client.get("accounts/$count").await, json!(0));
    let id = client.create("accounts", r#"{"creditlimit":1.005,"numberofemployees":3.0}"#).await;
    let row = client.get(&format!("accounts({id})")).await;
    assert_eq!(
        (row["creditlimit"].to_string(), row["numberofemployees"].to_string()),
        ("1.01".into(), "3".into())
    );
    let exact = "12345678901234567890.12";
    client.patch(&format!("accounts({id})"), &format!("{{\"creditlimit\":{exact}}}")).await.expect(204);
    assert!(client.send("GET", &format!("accounts({id})"), &[], "").await.text.contains(exact));
}

#[tokio::test]
async fn lookups_are_set_and_cleared() {
    let emulator = start().await;
    let client = &emulator.client;
    let company = client.create("cdm_companies", r#"{"cdm_companycode":"usmf"}"#).await;
    let parent = client.create("contacts", r#"{"fullname":"Ann"}"#).await;
    let id = client
        .create("accounts", &format!("{{\"parentcustomerid_contact@odata.bind\":\"contacts({parent})\"}}"))
        .await;
    let row = format!("accounts({id})");
    let value = async |name: &str| client.get(&row).await[name].clone();
    assert_eq!(value("_parentcustomerid_value").await, parent.as_str());
    let url = format!("{}/api/data/v9.2/cdm_companies({company})", client.url);
    let reference = format!("{{\"@odata.id\":\"{url}\"}}");
    client.send("PUT", &format!("{row}/msdyn_company/$ref"), &[], &reference).await.expect(204);
    assert_eq!(client.get(&format!("{row}/msdyn_company/$ref")).await["@odata.id"], url);
    assert_eq!(client.get(&format!("{row}/msdyn_company")).await["cdm_companycode"], "usmf");
    client.delete(&format!("{row}/msdyn_company/$ref")).await.expect(204);
    assert_eq!(value("_msdyn_company_value").await, json!(null));
    client.send("GET", &format!("{row}/msdyn_company"), &[], "").await.expect(204);
    client.patch(&row, r#"{"parentcustomerid_contact@odata.bind":null}"#).await.expect(204);
    assert_eq!(value("_parentcustomerid_value").await, json!(null));

    client.patch(&row, &format!("{{\"msdyn_company@odata.bind\":\"{url}\"}}")).await.expect(204);
    client.delete(&format!("cdm_companies({company})")).await.expect(204);
    assert_eq!(value("_msdyn_company_value").await, json!(null), "a deleted row is pointed to no more");
    client.patch(&row, r#"{"name":"N"}"#).await.expect(204);
    client.delete(&format!("{row}/name")).await.expect(204);
    client.send("GET", &format!("{row}/name"), &[], "").await.expect(204);
}

#[tokio::test]
async fn the_write_log_tells_who_wrote_what() {
    let emulator = start().await;
    let client = &emulator.client;
    let someone = Client::sign_in(&client.url, "someone").await;
    assert!(client.writes().await.is_empty());
    let id = client.create("accounts", r#"{"name":"A","accountnumber":"1"}"#).await;
    someone.patch(&format!("accounts({id})"), r#"{"creditlimit":2.50}"#).await.expect(204);
    client.post("accounts", r#"{"colour":1}"#).await.expect(400);
    someone.delete(&format!("accounts({id})")).await.expect(204);
    let writes = client.writes().await;
    let told: Vec<_> = writes
        .iter()
        .map(|write| {
            format!("{} {} {}", write["client"], write["operation"], write["cells"]).replace('"', "")
        })
        .collect();
    let expected = [
        "dualwright create {accountnumber:1,name:A}",
        "someone update {creditlimit:2.5}",
        "someone delete {}",
    ];
    assert_eq!(told, expected);
    assert!(writes.iter().all(|write| write["id"] == id.as_str() && write["table"] == "accounts"));
    assert_eq!(writes[2]["key"]["accountnumber"], "1");
    let sequences: Vec<i64> = writes.iter().map(|write| write["sequence"].as_i64().unwrap()).collect();
    assert!(sequences.is_sorted());
    let rest = client.get(&format!("/emulator/writes?after={}&limit=1", sequences[0])).await;
    assert_eq!(rest["writes"].as_array().unwrap(), &writes[1..2]);
}

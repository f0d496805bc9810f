use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Client, start};

/// What a client knows after reading changes to their end: names by id, `None` for deleted rows.
async fn read(client: &Client, path: &str, size: &str) -> (BTreeMap<String, Option<String>>, String, usize) {
    let prefer = format!("odata.track-changes,odata.maxpagesize={size}");
    let mut known = BTreeMap::new();
    let mut pages = 0;
    let mut path = path.to_owned();
    loop {
        let page = client.send("GET", &path, &[("prefer", &prefer)], "").await.expect(200).json();
        pages += 1;
        for item in page["value"].as_array().unwrap() {
            match dualwright_odata::delta::deleted_entity(item) {
                Some(deleted) => known.insert(deleted.id, None),
                None => {
                    let text = |name: &str| item[name].as_str().map(str::to_owned);
                    known.insert(text("accountid").unwrap(), Some(text("name").unwrap_or_default()))
                }
            };
        }
        match page["@odata.nextLink"].as_str() {
            Some(next) => path = next.to_owned(),
            None => return (known, page["@odata.deltaLink"].as_str().unwrap().to_owned(), pages),
        }
    }
}

#[tokio::test]
async fn changes_are_read_from_where_the_last_read_ended() {
    let emulator = start().await;
    let client = &emulator.client;
    let one = client.create("accounts", r#"{"name":"1"}"#).await;
    let two = client.create("accounts", r#"{"name":"2"}"#).await;
    let three = client.create("accounts", r#"{"name":"3"}"#).await;
    let (known, link, pages) = read(client, "accounts?$select=name", "2").await;
    assert_eq!((known.len(), pages), (3, 2));
    let (known, link, _) = read(client, &link, "2").await;
    assert!(known.is_empty());

    client.patch(&format!("accounts({one})"), r#"{"accountnumber":"x"}"#).await.expect(204);
    client.delete(&format!("accounts({two})")).await.expect(204);
    client.delete(&format!("accounts({three})")).await.expect(204);
    let short = client.create("accounts", r#"{"name":"short"}"#).await;
    client.delete(&format!("accounts({short})")).await.expect(204);
    client.patch(&format!("accounts({three})"), r#"{"name":"3 again"}"#).await.expect(204);
    let four = client.create("accounts", r#"{"name":"4"}"#).await;
    for size in ["1", "2", "100"] {
        let (known, _, _) = read(client, &link, size).await;
        let name = |text: &str| Some(text.to_owned());
        let expected = [
            (one.clone(), name("1")),
            (two.clone(), None),
            (three.clone(), name("3 again")),
            (short.clone(), None),
            (four.clone(), name("4")),
        ];
        assert_eq!(known, BTreeMap::from(expected), "pages of {size}");
    }
    let (_, link, _) = read(client, &link, "100").await;
    assert!(read(client, &link, "100").await.0.is_empty());
}

#[tokio::test]
async fn what_is_written_during_a_first_read_is_not_missed() {
    let emulator = start().await;
    let client = &emulator.client;
    let first = client.create("accounts", r#"{"name":"1"}"#).await;
    client.create("accounts", r#"{"name":"2"}"#).await;
    let prefer = [("prefer", "odata.track-changes,odata.maxpagesize=1")];
    let page = client.send("GET", "accounts?$select=name", &prefer, "").await.expect(200);
    assert!(page.header("preference-applied").contains("odata.track-changes"));
    client.patch(&format!("accounts({first})"), r#"{"name":"changed"}"#).await.expect(204);
    let next = page.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    let (_, link, _) = read(client, &next, "10").await;
    let (known, _, _) = read(client, &link, "10").await;
    assert_eq!(known.get(&first), Some(&Some("changed".to_owned())));
}

#[tokio::test]
async fn a_deletion_is_told_as_documented() {
    let emulator = start().await;
    let client = &emulator.client;
    let (_, link, _) = read(client, "accounts?$select=name", "10").await;
    let id = client.create("accounts", r#"{"name":"1"}"#).await;
    client.delete(&format!("accounts({id})")).await.expect(204);
    let page: Value = client.get(&link).await;
    assert!(page["@odata.context"].as_str().unwrap().ends_with("#accounts(name)/$delta"));
    let gone = &page["value"][0];
    assert!(gone["@odata.context"].as_str().unwrap().ends_with("/$metadata#accounts/$deletedEntity"));
    assert_eq!((&gone["id"], &gone["reason"]), (&Value::from(id), &Value::from("deleted")));
}

#[tokio::test]
async fn tokens_expire_and_a_new_read_begins_again() {
    let emulator = start().await;
    let client = &emulator.client;
    let (_, link, _) = read(client, "accounts?$select=name", "10").await;
    client.send("POST", "/emulator/expire-changes", &[], "").await.expect(204);
    assert_eq!(client.send("GET", &link, &[], "").await.expect(400).code(), "0x80044352");
    let (_, link, _) = read(client, "accounts?$select=name", "10").await;
    read(client, &link, "10").await;
    let old = "accounts?$deltatoken=1%2108%2F22%2F2017%2008%3A10%3A44";
    assert_eq!(client.send("GET", old, &[], "").await.expect(400).code(), "0x80044352");
}

#[tokio::test]
async fn what_change_tracking_cannot_do_is_said() {
    let emulator = start().await;
    let prefer = [("prefer", "odata.track-changes")];
    for query in ["$filter=name eq 'x'", "$orderby=name", "$top=1", "$expand=msdyn_company"] {
        let answer = emulator.client.send("GET", &format!("accounts?{query}"), &prefer, "").await.expect(400);
        assert!(answer.text.contains("isn't supported when Change Tracking is enabled"));
    }
    emulator.client.send("GET", "contacts", &prefer, "").await.expect(400);
    emulator.client.send("GET", "accounts?$deltatoken=x", &[], "").await.expect(400);
    emulator.client.send("GET", "accounts?$skiptoken=changes-rows-1-1", &[], "").await.expect(400);
}

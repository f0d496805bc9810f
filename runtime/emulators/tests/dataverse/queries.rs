use serde_json::{Value, json};

use crate::support::{Client, start};

async fn filled(client: &Client) -> String {
    let company = client.create("cdm_companies", r#"{"cdm_companycode":"usmf","cdm_name":"Contoso"}"#).await;
    for number in 1..=7 {
        let bind = if number % 2 == 0 {
            format!(",\"msdyn_company@odata.bind\":\"/cdm_companies({company})\"")
        } else {
            String::new()
        };
        let body = format!(
            "{{\"accountnumber\":\"N{number}\",\"name\":\"Name {}\",\"creditlimit\":{number}0.5,\"creditonhold\":{},\
             \"customertypecode\":{}{bind}}}",
            9 - number,
            number > 5,
            number % 3 + 1
        );
        client.create("accounts", &body).await;
    }
    company
}

fn numbers(page: &Value) -> Vec<String> {
    let rows = page["value"].as_array().unwrap();
    rows.iter().map(|row| row["accountnumber"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn filters_orders_and_counts() {
    let emulator = start().await;
    let client = &emulator.client;
    let company = filled(client).await;
    let check = async |query: &str, expect: &[&str]| {
        let page = client.get(&format!("accounts?{query}")).await;
        assert_eq!(numbers(&page), expect, "{query}");
        page
    };
    check("$filter=creditlimit gt 40.5 and creditonhold eq false", &["N5"]).await;
    check("$filter=startswith(name,'name 3') or accountnumber eq 'n1'", &["N1", "N6"]).await;
    check(&format!("$filter=_msdyn_company_value eq {company}"), &["N2", "N4", "N6"]).await;
    check("$filter=_msdyn_company_value eq null&$top=2", &["N1", "N3"]).await;
    check("$filter=msdyn_company/cdm_companycode eq 'USMF' and customertypecode in (1,3)", &["N2", "N6"])
        .await;
    check(&format!("$filter=accountnumber eq 'N4' and _msdyn_company_value eq {company}"), &["N4"]).await;
    check("$orderby=name&$top=3", &["N7", "N6", "N5"]).await;
    check("$orderby=customertypecode desc,accountnumber desc&$top=3", &["N5", "N2", "N7"]).await;
    let page = check("$filter=creditonhold eq true&$count=true&$select=accountnumber", &["N6", "N7"]).await;
    assert_eq!(page["@odata.count"], 2);
    assert!(page["value"][0].get("name").is_none() && page["value"][0].get("accountid").is_some());
    let id = page["value"][0]["accountid"].as_str().unwrap();
    check(&format!("$filter=accountid eq {id} or accountid eq {company}"), &["N6"]).await;
    check(&format!("$filter=accountid in ({id},{company})"), &["N6"]).await;
    assert_eq!(client.get("accounts/$count?$filter=creditonhold%20eq%20false").await, json!(5));
}

/// Reads all pages of two rows; after the first page, a row that was read is deleted and one is added that belongs
/// before all others.
async fn all_pages(client: &Client, query: &str, change: bool) -> Vec<String> {
    let prefer = [("prefer", "odata.maxpagesize=2")];
    let mut seen = Vec::new();
    let mut next = Some(query.to_owned());
    while let Some(path) = next {
        let answer = client.send("GET", &path, &prefer, "").await.expect(200);
        assert_eq!(answer.header("preference-applied"), "odata.maxpagesize=2");
        let page = answer.json();
        assert!(page["value"].as_array().unwrap().len() <= 2);
        if seen.is_empty() && change {
            let first = page["value"][0]["accountid"].as_str().unwrap();
            client.delete(&format!("accounts({first})")).await.expect(204);
            client.create("accounts", r#"{"accountnumber":"New","creditlimit":1000}"#).await;
        }
        seen.extend(numbers(&page));
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    seen
}

#[tokio::test]
async fn pages_neither_repeat_nor_hide_rows() {
    let emulator = start().await;
    let client = &emulator.client;
    filled(client).await;
    let ordered = "accounts?$select=accountnumber&$orderby=creditlimit%20desc";
    let expected = ["N7", "N6", "N5", "N4", "N3", "N2", "N1"];
    assert_eq!(all_pages(client, ordered, false).await, expected);
    // The new row comes first in this order, behind the reader's back.
    assert_eq!(all_pages(client, ordered, true).await, expected);
    let natural = "accounts?$select=accountnumber";
    assert_eq!(all_pages(client, natural, true).await, ["N1", "N2", "N3", "N4", "N5", "N6", "New", "New"]);
}

#[tokio::test]
async fn whole_tables_are_read_by_id() {
    let emulator = start().await;
    let client = &emulator.client;
    filled(client).await;
    let page = client.get("accounts?$select=accountnumber").await;
    let mut by_id: Vec<(String, String)> = page["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            (text("accountid"), text("accountnumber"))
        })
        .collect();
    by_id.sort();
    let sorted = |keep: fn(&str) -> bool| -> Vec<String> {
        by_id.iter().map(|(_, number)| number.clone()).filter(|number| keep(number)).collect()
    };
    let read = async |more: &str| {
        all_pages(client, &format!("accounts?$select=accountnumber&$orderby=accountid{more}"), false).await
    };
    assert_eq!(read("").await, sorted(|_| true));
    let on_hold = sorted(|number| number > "N5");
    assert_eq!(read("&$filter=creditonhold%20eq%20true").await, on_hold);
    assert_eq!(read("&$filter=accountnumber%20in%20('N6','N7')").await, on_hold);
    let mut reversed = sorted(|_| true);
    reversed.reverse();
    assert_eq!(read("%20desc").await, reversed);
    assert_eq!(numbers(&client.get("accounts?$orderby=accountid&$top=3").await), sorted(|_| true)[..3]);
    client.send("GET", "accounts?$orderby=accountid&$skiptoken=W1sxXSwxXQ", &[], "").await.expect(400);
}

#[tokio::test]
async fn lookups_are_expanded_and_annotated() {
    let emulator = start().await;
    let client = &emulator.client;
    let company = filled(client).await;
    let path = "accounts?$select=accountnumber,_msdyn_company_value,creditonhold\
                &$expand=msdyn_company($select=cdm_companycode)&$filter=accountnumber%20in%20('N1','N2')";
    let page = client
        .send("GET", path, &[("prefer", "odata.include-annotations=\"*\"")], "")
        .await
        .expect(200)
        .json();
    assert_eq!(page["value"][0]["msdyn_company"], json!(null));
    let row = &page["value"][1];
    assert_eq!(row["msdyn_company"]["cdm_companycode"], "usmf");
    assert_eq!(row["msdyn_company"]["cdm_companyid"], company.as_str());
    assert!(row["msdyn_company"].get("cdm_name").is_none());
    assert_eq!(row["_msdyn_company_value@OData.Community.Display.V1.FormattedValue"], "usmf");
    assert_eq!(row["_msdyn_company_value@Microsoft.Dynamics.CRM.lookuplogicalname"], "cdm_company");
    assert_eq!(row["creditonhold@OData.Community.Display.V1.FormattedValue"], "No");
    let context = page["@odata.context"].as_str().unwrap();
    assert!(context.ends_with(
        "#accounts(accountnumber,_msdyn_company_value,creditonhold,msdyn_company(cdm_companycode))"
    ));
    let plain = client.get(path).await;
    assert!(plain["value"][1].get("creditonhold@OData.Community.Display.V1.FormattedValue").is_none());
}

#[tokio::test]
async fn what_is_wrong_or_missing_is_said() {
    let emulator = start().await;
    let check = async |path: &str, status: u16, word: &str| {
        let answer = emulator.client.send("GET", path, &[], "").await.expect(status);
        assert!(answer.text.contains(word), "{path}: {}", answer.text);
    };
    check("nothings", 404, "nothings").await;
    check("accounts?$select=colour", 400, "colour").await;
    check("accounts?$select=msdyn_company", 400, "msdyn_company").await;
    check("accounts?$filter=colour eq 1", 400, "colour").await;
    check("accounts?$filter=name eq", 400, "filter").await;
    check("accounts?$orderby=colour", 400, "colour").await;
    check("accounts?$expand=colour", 400, "colour").await;
    check("accounts?$skip=3", 400, "Skip").await;
    check("accounts?$skiptoken=x", 400, "skiptoken").await;
    check("accounts?$apply=aggregate(x)", 501, "$apply").await;
    check("accounts?fetchXml=x", 501, "fetchXml").await;
    check("accounts/name", 404, "name").await;
    check("/api/data/v8.0/accounts", 404, "v8.0").await;
    check("/elsewhere", 404, "elsewhere").await;
    emulator.client.send("PUT", "accounts", &[], "").await.expect(405);
    emulator.client.send("POST", "WhoAmI", &[], "").await.expect(405);
}

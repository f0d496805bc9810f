use serde_json::{Value, json};

use crate::support::{Client, column, create, reason, start};

async fn seed(client: &Client) {
    for (company, account, more) in [
        ("usmf", "b", r#","OrganizationName":"Contoso Retail","CreditLimit":10.5,"OnHoldStatus":"All""#),
        (
            "usmf",
            "A",
            r#","OrganizationName":"Fabrikam","Employees":7,"CustomerSince":"2026-01-02T12:00:00Z""#,
        ),
        ("us", "c", r#","OrganizationName":"contoso""#),
        ("demf", "d", r#","CreditLimit":9.5,"IsOneTimeCustomer":"Yes""#),
    ] {
        create(client, company, account, more).await;
    }
}

fn encoded(text: &str) -> String {
    text.replace('%', "%25").replace(' ', "%20").replace('\'', "%27").replace('*', "%2A")
}

#[tokio::test]
async fn filters_take_the_columns_own_literals() {
    let emulator = start().await;
    let client = &emulator.client;
    seed(client).await;
    let url = |filter: &str| format!("/data/CustomersV3?cross-company=true&$filter={}", encoded(filter));
    for (filter, expect) in [
        ("OnHoldStatus eq Microsoft.Dynamics.DataEntities.CustVendorBlocked'All'", "b"),
        ("OnHoldStatus ne Microsoft.Dynamics.DataEntities.CustVendorBlocked'All'", "A c d"),
        ("IsOneTimeCustomer eq Microsoft.Dynamics.DataEntities.NoYes'No' and dataAreaId eq 'USMF'", "b A"),
        ("CustomerAccount eq 'a'", "A"),
        ("CreditLimit gt 9.5", "b"),
        ("CreditLimit ge 9.5 or Employees eq 7", "b A d"),
        ("CustomerSince eq 1900-01-01T12:00:00Z", "b c d"),
        ("CustomerSince ge 2026-01-02T12:00:00Z", "A"),
        ("OrganizationName eq ''", "d"),
        ("OrganizationName eq '*retail'", "b"),
        ("OrganizationName eq 'contoso*'", "b c"),
        ("OrganizationName eq '*ONTO*'", "b c"),
        ("not (OrganizationName eq '*ONTO*')", "A d"),
        ("dataAreaId eq 'demf' and CustomerAccount eq 'd'", "d"),
        (
            "(dataAreaId eq 'demf' and CustomerAccount eq 'd') or (dataAreaId eq 'us' and CustomerAccount eq 'C')",
            "c d",
        ),
    ] {
        let found = column(&client.get(&url(filter)).await, "CustomerAccount");
        assert_eq!(found.join(" "), expect, "{filter}");
    }
    for filter in [
        "OnHoldStatus eq 'All'",
        "OnHoldStatus eq 1",
        "OnHoldStatus eq Microsoft.Dynamics.DataEntities.NoYes'Yes'",
        "OnHoldStatus eq Microsoft.Dynamics.DataEntities.CustVendorBlocked'Perhaps'",
        "CustomerAccount eq 5",
        "CreditLimit eq '5'",
        "CustomerAccount in ('a','b')",
        "Colour eq 'red'",
        "CustomerAccount",
    ] {
        let answer = client.send("GET", &url(filter), &[], "").await.expect(400);
        assert!(!reason(&answer).is_empty());
    }
    let answer = client.send("GET", &url("OnHoldStatus eq 'All'"), &[], "").await;
    assert!(reason(&answer).contains(
        "Found operand types 'Microsoft.Dynamics.DataEntities.CustVendorBlocked' and 'Edm.String' for operator kind 'Equal'"
    ));
}

#[tokio::test]
async fn options_choose_order_and_cut() {
    let emulator = start().await;
    let client = &emulator.client;
    seed(client).await;
    let all = "/data/CustomersV3?cross-company=true";
    let accounts = |options: &'static str| async move {
        column(&client.get(&format!("{all}&{options}")).await, "CustomerAccount").join(" ")
    };
    assert_eq!(accounts("").await, "b A c d");
    assert_eq!(accounts("$orderby=CustomerAccount").await, "A b c d");
    assert_eq!(accounts("$orderby=CreditLimit%20desc,CustomerAccount%20desc").await, "b d c A");
    assert_eq!(accounts("$orderby=dataAreaId,CustomerAccount").await, "d c A b");
    assert_eq!(accounts("$orderby=dataAreaId,CustomerAccount&$skip=1&$top=2").await, "c A");
    assert_eq!(accounts("$skip=1&$top=2").await, "A c");
    assert_eq!(accounts("$top=0").await, "");
    let page = client.get(&format!("{all}&$select=CustomerAccount,CreditLimit&$top=1&$count=true")).await;
    assert_eq!(page["@odata.count"], 4);
    assert_eq!(page["@odata.nextLink"], Value::Null);
    let row = page["value"][0].as_object().unwrap();
    assert_eq!(row.keys().collect::<Vec<_>>(), ["@odata.etag", "CreditLimit", "CustomerAccount"]);
    let count = client.send("GET", "/data/CustomersV3/$count?cross-company=true", &[], "").await.expect(200);
    assert_eq!(count.text, "4");
    for (options, status) in [
        ("$select=Colour", 400),
        ("$orderby=Colour", 400),
        ("$expand=X", 501),
        ("$apply=x", 501),
        ("$skiptoken=x", 400),
    ] {
        client.send("GET", &format!("{all}&{options}"), &[], "").await.expect(status);
    }
}

/// Reads page by page; between two pages another row is written that stands before all that was read.
async fn pages(client: &Client, query: &str, size: usize) -> (Vec<String>, usize) {
    let prefer = format!("odata.maxpagesize={size}");
    let (mut found, mut count) = (Vec::new(), 0);
    let mut next = format!("/data/CustomersV3?{query}");
    loop {
        let page = client.send("GET", &next, &[("prefer", &prefer)], "").await.expect(200).json();
        let accounts = column(&page, "CustomerAccount");
        assert!(accounts.len() <= size);
        found.extend(accounts);
        count += 1;
        match page["@odata.nextLink"].as_str() {
            Some(link) => next = link.to_owned(),
            None => return (found, count),
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    let emulator = start().await;
    let client = &emulator.client;
    let mut expect = Vec::new();
    for company in ["us", "usmf", "demf"] {
        for number in 0..7 {
            let account = format!("{company}-{number}");
            create(client, company, &account, &format!(r#","Employees":{}"#, number % 3)).await;
            expect.push(account);
        }
    }
    for size in [1, 3, 7, 20, 21, 100] {
        let (found, count) = pages(client, "cross-company=true", size).await;
        assert_eq!(found, expect);
        assert_eq!(count, 21_usize.div_ceil(size));
        let mut sorted = expect.clone();
        sorted.sort_by_key(|account| account.split('-').map(str::to_owned).collect::<Vec<_>>());
        let by_key = "cross-company=true&$orderby=dataAreaId,CustomerAccount";
        assert_eq!(pages(client, by_key, size).await, (sorted.clone(), count));
        let by_number = "cross-company=true&$orderby=Employees";
        let (found, _) = pages(client, by_number, size).await;
        assert_eq!(found.len(), 21);
        assert_eq!(&found[..3], ["us-0", "us-3", "us-6"]);
        let one = "$orderby=dataAreaId,CustomerAccount";
        let (found, _) = pages(client, one, size).await;
        assert!(found.len() == 7 && found.iter().all(|account| account.starts_with("usmf")), "{found:?}");
        let (found, _) = pages(client, "cross-company=true&$top=5&$skip=2", size).await;
        assert_eq!(found, expect[2..7]);
        let filter = "cross-company=true&$orderby=dataAreaId,CustomerAccount&$filter=Employees%20eq%201";
        assert_eq!(pages(client, filter, size).await.0.len(), 6);
    }
    // What is written between two pages neither repeats nor hides others.
    let link = client
        .send(
            "GET",
            "/data/CustomersV3?$orderby=dataAreaId,CustomerAccount",
            &[("prefer", "odata.maxpagesize=3")],
            "",
        )
        .await
        .json()["@odata.nextLink"]
        .clone();
    create(client, "usmf", "0", "").await;
    client.delete(&crate::support::customer("usmf", "usmf-2")).await.expect(204);
    let rest = column(&client.get(link.as_str().unwrap()).await, "CustomerAccount");
    assert_eq!(rest, ["usmf-3", "usmf-4", "usmf-5", "usmf-6"]);
}

#[tokio::test]
async fn the_service_document_lists_the_sets() {
    let emulator = start().await;
    let document = emulator.client.get("/data").await;
    let names = column(&document, "name");
    assert_eq!(names, ["CustomersV3", "Journals", "UnitsOfMeasure"]);
    assert_eq!(document["value"][0]["kind"], json!("EntitySet"));
}

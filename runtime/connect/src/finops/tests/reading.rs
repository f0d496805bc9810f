use dualwright_model::{ColumnPath, Decimal, RecordId, Value};
use serde_json::{Value as Json, json};

use super::server::{Server, exchange};
use super::{etag, key, row, selection};
use crate::{ConnectError, Connector, ReadKey};

const SELECT: &str = "$select=CreditLimit,CustomerAccount,CustomerSince,PartyType,dataAreaId";

fn at(account: &str) -> String {
    format!("GET CustomersV3(dataAreaId='usmf',CustomerAccount='{account}')?cross-company=true&{SELECT}")
}

#[tokio::test]
async fn a_scan_goes_page_by_page_through_all_companies() {
    let first = format!(
        "GET CustomersV3?cross-company=true&{SELECT}&$filter=PartyType eq \
         Microsoft.Dynamics.DataEntities.DirPartyBaseType'Organization'&$orderby=dataAreaId,CustomerAccount&$count=true"
    );
    let script = vec![
        exchange(
            &first,
            200,
            json!({ "@odata.count": 2, "value": [row("US-001", "12345678901234567890.10")],
                "@odata.nextLink": "{address}/data/CustomersV3?cross-company=true&$skiptoken=1" }),
        ),
        exchange(
            "GET CustomersV3?cross-company=true&$skiptoken=1",
            200,
            json!({ "@odata.count": 2, "value": [row("US-002", "0")] }),
        ),
    ];
    let (server, finops) = Server::start(script).await;
    let mut selection = selection();
    selection.filter = Some("partytype eq 'Organization'".into());
    let page = finops.scan(&selection, None, 1).await.unwrap();
    assert_eq!(page.total, Some(2));
    let change = &page.changes[0];
    assert_eq!(change.id, RecordId("5637144576".into()));
    assert_eq!(change.version, Some(etag()));
    let limit = Decimal::parse("12345678901234567890.1").unwrap();
    assert_eq!(change.record.get("creditlimit"), &Value::Decimal(limit));
    assert_eq!(change.record.get("CUSTOMERACCOUNT"), &Value::text("US-001"));
    assert_eq!(change.record.get("CustomerSince"), &Value::Null);
    assert_eq!(change.record.get("IsOneTimeCustomer"), &Value::Absent);
    let last = finops.scan(&selection, page.next.as_ref(), 1).await.unwrap();
    assert_eq!((last.changes.len(), last.next, last.total), (1, None, None));
    let seen = server.finish();
    assert!(seen.iter().all(|seen| seen.header("prefer") == Some("odata.maxpagesize=1")));
}

#[tokio::test]
async fn a_filter_or_column_that_does_not_fit_is_refused_before_anything_is_read() {
    let (server, finops) = Server::start(vec![]).await;
    for filter in ["Nothing eq 1", "PartyType ="] {
        let selection = crate::Selection { filter: Some(filter.into()), ..selection() };
        let error = finops.scan(&selection, None, 1).await.unwrap_err();
        assert!(matches!(error, ConnectError::Unknown { .. }), "{error}");
    }
    for column in ["Nothing", "Party.Name"] {
        let selection = crate::Selection { columns: vec![column.into()], ..selection() };
        let error = finops.scan(&selection, None, 1).await.unwrap_err();
        assert!(matches!(error, ConnectError::Unknown { .. }), "{error}");
    }
    assert!(finops.changes(&selection(), None, 1).await.is_err());
    server.finish();
}

#[tokio::test]
async fn rows_are_read_by_key_in_one_batch_and_answered_in_order() {
    let script = vec![
        exchange(&at("US-001"), 200, row("US-001", "1")),
        exchange(&at("O''Neil & Co"), 404, json!({ "error": { "code": "", "message": "No route data." } })),
        exchange(&at("us-003"), 200, row("US-003", "3")),
    ];
    let (server, finops) = Server::start(script).await;
    let keys = [
        ReadKey::Key(key("US-001")),
        ReadKey::Key(key("O'Neil & Co")),
        ReadKey::Id(RecordId("key|usmf|us-003".into())),
    ];
    let rows = finops.read(&selection(), &keys).await.unwrap();
    let accounts: Vec<Option<&Value>> =
        rows.iter().map(|row| row.as_ref().map(|row| row.record.get("CUSTOMERACCOUNT"))).collect();
    assert_eq!(accounts, [Some(&Value::text("US-001")), None, Some(&Value::text("US-003"))]);
    server.finish();
}

#[tokio::test]
async fn a_row_cannot_be_read_by_record_id_or_half_a_key() {
    let (server, finops) = Server::start(vec![]).await;
    for key in [ReadKey::Id(RecordId("5637144576".into())), ReadKey::Key(vec![Value::text("usmf")])] {
        let error = finops.read(&selection(), &[key]).await.unwrap_err();
        assert!(matches!(error, ConnectError::Unknown { .. }), "{error}");
    }
    assert!(finops.read(&selection(), &[]).await.unwrap().is_empty());
    let nobodys = [ReadKey::Id(RecordId("00000000-0000-0000-0000-000000000001".into()))];
    assert!(finops.read(&selection(), &nobodys).await.unwrap()[0].is_none());
    server.finish();
}

fn by_account(filter: &str) -> String {
    format!("GET CustomersV3?cross-company=true&{SELECT}&$filter={filter}")
}

#[tokio::test]
async fn another_key_than_the_tables_is_looked_for_with_a_filter() {
    let asked = by_account("CustomerAccount eq 'A*' or CustomerAccount eq 'b'");
    let rows: Vec<Json> = ["a*", "ab", "AB"].into_iter().map(|account| row(account, "1")).collect();
    let script = vec![exchange(&asked, 200, json!({ "value": rows }))];
    let (server, finops) = Server::start(script).await;
    let selection = crate::Selection { key: vec![ColumnPath::from("CustomerAccount")], ..selection() };
    let keys = ["A*", "b"].map(|account| ReadKey::Key(vec![Value::text(account)]));
    let rows = finops.read(&selection, &keys).await.unwrap();
    assert_eq!(rows[0].as_ref().unwrap().record.get("CustomerAccount"), &Value::text("a*"));
    assert!(rows[1].is_none());
    server.finish();
}

#[tokio::test]
async fn a_key_that_names_two_rows_is_refused() {
    let rows = json!({ "value": [row("a", "1"), row("A", "2")] });
    let (server, finops) =
        Server::start(vec![exchange(&by_account("CustomerAccount eq 'a'"), 200, rows)]).await;
    let selection = crate::Selection { key: vec![ColumnPath::from("CustomerAccount")], ..selection() };
    let error = finops.read(&selection, &[ReadKey::Key(vec![Value::text("a")])]).await.unwrap_err();
    assert!(matches!(error, ConnectError::Rejected { .. }), "{error}");
    server.finish();
}

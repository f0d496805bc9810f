use dualwright_model::{ColumnType, Operation, RecordId, Value, Version};
use serde_json::{Value as Json, json};

use super::server::{Server, exchange, raw};
use super::{ONE, TERM, TWO, USMF, selection};
use crate::{ChangePosition, ConnectError, Connector, ReadKey};

fn row(id: &str, number: &str, term: Option<&str>) -> Json {
    json!({ "@odata.etag": "W/\"7\"", "accountid": id, "accountnumber": number, "name": null, "creditlimit": 0.00,
        "_msdyn_company_value": USMF, "_msdyn_paymentterm_value": term, "modifiedon": "2026-11-23T06:18:00Z" })
}

fn related() -> [super::server::Exchange; 2] {
    [
        exchange(
            "GET cdm_companies?$select=cdm_companycode,cdm_companyid&$filter=cdm_companyid eq 1111",
            200,
            json!({ "value": [{ "cdm_companyid": USMF, "cdm_companycode": "USMF" }] }),
        ),
        exchange(
            "GET msdyn_paymentterms?$select=msdyn_name,msdyn_paymenttermid&$filter=msdyn_paymenttermid eq 2222",
            200,
            json!({ "value": [{ "msdyn_paymenttermid": TERM, "msdyn_name": "Net30" }] }),
        ),
    ]
}

#[tokio::test]
async fn a_table_is_described_with_its_limits_keys_and_paths() {
    let (server, dataverse) = Server::start(vec![]).await;
    let paths =
        ["msdyn_PaymentTerm.msdyn_name", "msdyn_paymentterm.msdyn_companyid.cdm_companycode", "nothing.here"];
    let schema = dataverse.describe(&"accounts".into(), &paths.map(Into::into)).await.unwrap();
    let kind = |name: &str| schema.column(name).map(|column| column.column_type.clone());
    assert_eq!(kind("AccountNumber"), Some(ColumnType::Text { max_length: Some(20) }));
    assert_eq!(kind("creditlimit"), Some(ColumnType::Decimal { scale: Some(2) }));
    assert_eq!(kind("msdyn_since"), Some(ColumnType::Date));
    assert_eq!(kind("modifiedon"), Some(ColumnType::Timestamp));
    assert_eq!(kind("customertypecode"), Some(ColumnType::OptionSet { options: vec![1, 3] }));
    assert_eq!(kind("entityimage"), None);
    assert_eq!(kind("nothing.here"), None);
    for path in &paths[..2] {
        let column = schema.column(path).unwrap();
        assert!(column.nullable && matches!(column.column_type, ColumnType::Text { .. }), "{path}");
    }
    let lookup = schema.column("msdyn_company").unwrap();
    assert_eq!(lookup.lookup.as_ref().unwrap().targets, ["cdm_companies".into()]);
    assert!(!schema.column("accountid").unwrap().nullable);
    assert_eq!((schema.keys[0].name.as_str(), schema.keys[0].active), ("k", true));
    assert!(schema.tracks_changes);
    let unknown = dataverse.describe(&"nonsense".into(), &[]).await.unwrap_err();
    assert!(matches!(unknown, ConnectError::Unknown { .. }));
    server.finish();
}

#[tokio::test]
async fn a_scan_follows_lookups_once_and_goes_on_where_it_stopped() {
    let mut script = vec![exchange(
        "GET accounts?$select=_msdyn_company_value,_msdyn_paymentterm_value,accountid,accountnumber,creditlimit,\
         modifiedon,name&$filter=customertypecode eq 3&$orderby=accountid&$count=true",
        200,
        json!({ "@odata.count": 2, "value": [row(ONE, "C-1", Some(TERM))],
            "@odata.nextLink": "{address}/api/data/v9.2/accounts?$select=x&$skiptoken=%3Ccookie%3E" }),
    )];
    script.extend(related());
    script.push(exchange(
        "GET accounts?$select=x&$skiptoken=<cookie>",
        200,
        json!({ "value": [row(TWO, "C-2", None)] }),
    ));
    let (server, dataverse) = Server::start(script).await;
    let mut selection = selection();
    selection.filter = Some("customertypecode eq 3".into());
    let first = dataverse.scan(&selection, None, 1).await.unwrap();
    assert_eq!(first.total, Some(2));
    let change = &first.changes[0];
    assert_eq!((&change.id, &change.version), (&RecordId(ONE.into()), &Some(Version("W/\"7\"".into()))));
    assert_eq!(change.record.get("msdyn_paymentterm.msdyn_name"), &Value::text("Net30"));
    assert_eq!(change.record.get("msdyn_company.cdm_companycode"), &Value::text("USMF"));
    assert_eq!(change.record.get("name"), &Value::Null);
    assert_eq!(change.record.get("creditlimit").to_key_text(), "0");
    assert_eq!(change.modified_at.unwrap().to_string(), "2026-11-23T06:18:00Z");
    let position = first.next.unwrap();
    assert!(position.0.starts_with("/api/data/v9.2/accounts?"), "{position:?}");
    let second = dataverse.scan(&selection, Some(&position), 1).await.unwrap();
    assert_eq!(second.changes[0].record.get("msdyn_paymentterm.msdyn_name"), &Value::Null);
    assert_eq!((second.next, second.total), (None, None));
    let seen = server.finish();
    assert_eq!(seen[0].header("prefer"), Some("odata.maxpagesize=1"));
}

#[tokio::test]
async fn a_feed_begins_with_every_row_and_goes_on_with_changes_and_deletions() {
    let mut script = vec![exchange(
        "GET accounts?$select=_msdyn_company_value",
        200,
        json!({ "value": [row(ONE, "C-1", Some(TERM))], "@odata.nextLink": "{address}/api/data/v9.2/accounts?p=2" }),
    )];
    script.extend(related());
    script.push(exchange(
        "GET accounts?p=2",
        200,
        json!({ "value": [], "@odata.deltaLink": "{address}/api/data/v9.2/accounts?$deltatoken=919042%2108" }),
    ));
    script.push(exchange(
        "GET accounts?$deltatoken=919042!08",
        200,
        json!({ "value": [row(TWO, "C-2", Some(TERM)), {
                "@odata.context": "{address}/api/data/v9.2/$metadata#accounts/$deletedEntity",
                "id": ONE, "reason": "deleted" }],
            "@odata.deltaLink": "{address}/api/data/v9.2/accounts?$deltatoken=2" }),
    ));
    script.push(raw(
        "GET accounts?$deltatoken=2",
        400,
        r#"{"error":{"code":"0x80044352","message":"Version stamp associated with the client has expired."}}"#,
    ));
    let (server, dataverse) = Server::start(script).await;
    let selection = selection();
    let first = dataverse.changes(&selection, None, 100).await.unwrap();
    assert!(first.more);
    let second = dataverse.changes(&selection, Some(&first.next), 100).await.unwrap();
    assert!(!second.more && second.changes.is_empty());
    let third = dataverse.changes(&selection, Some(&second.next), 100).await.unwrap();
    let told: Vec<_> = third.changes.iter().map(|change| (change.id.0.as_str(), change.operation)).collect();
    assert_eq!(told, [(TWO, Operation::Upsert), (ONE, Operation::Delete)]);
    assert!(third.changes[1].record.is_empty() && !third.more);
    let expired = dataverse.changes(&selection, Some(&third.next), 100).await.unwrap_err();
    assert!(matches!(expired, ConnectError::FeedExpired { table, .. } if table == "accounts"));

    let mut wider = selection.clone();
    wider.columns.push("customertypecode".into());
    for position in [third.next, ChangePosition("garbage".into())] {
        let expired = dataverse.changes(&wider, Some(&position), 100).await.unwrap_err();
        assert!(matches!(expired, ConnectError::FeedExpired { .. }));
    }
    let seen = server.finish();
    let preferences: Vec<_> = seen
        .iter()
        .filter(|seen| seen.line.starts_with("GET accounts"))
        .map(|seen| seen.header("prefer").unwrap().contains("odata.track-changes"))
        .collect();
    assert_eq!(preferences, [true, true, false, false]);
}

#[tokio::test]
async fn rows_are_read_by_id_and_by_key_in_the_order_asked() {
    let mut script = vec![
        exchange(
            "GET cdm_companies?$select=cdm_companyid,cdm_companycode&$filter=(cdm_companycode eq 'usmf')",
            200,
            json!({ "value": [{ "cdm_companyid": USMF, "cdm_companycode": "USMF" }] }),
        ),
        exchange(
            "GET accounts?$select=accountid,accountnumber,_msdyn_company_value&$filter=(accountnumber eq 'c-''1' and \
             _msdyn_company_value eq 11111111-0000-0000-0000-000000000001)",
            200,
            json!({ "value": [{ "accountid": TWO, "accountnumber": "C-'1 ", "_msdyn_company_value": USMF }] }),
        ),
        exchange(
            "&$filter=accountid eq 33333333-0000-0000-0000-000000000001 or accountid eq 33333333",
            200,
            json!({ "value": [row(TWO, "C-'1", None)] }),
        ),
    ];
    script.push(related().into_iter().next().unwrap());
    let (server, dataverse) = Server::start(script).await;
    let keys = [
        ReadKey::Key(vec![Value::text("c-'1"), Value::text("usmf")]),
        ReadKey::Id(RecordId(ONE.into())),
        ReadKey::Id(RecordId("not a GUID' or 1 eq 1".into())),
    ];
    let rows = dataverse.read(&selection(), &keys).await.unwrap();
    assert_eq!(rows[0].as_ref().unwrap().id.0, TWO);
    assert!(rows[1].is_none() && rows[2].is_none());
    server.finish();
}

#[tokio::test]
async fn garbage_is_a_protocol_error_and_shows_no_value() {
    for answer in ["<html>secret</html>", "[]", r#"{"value":7}"#, r#"{"value":[{"accountnumber":"secret"}]}"#]
    {
        let (server, dataverse) = Server::start(vec![raw("GET accounts", 200, answer)]).await;
        let error = dataverse.scan(&selection(), None, 10).await.unwrap_err();
        assert!(matches!(error, ConnectError::Protocol { .. }), "{answer}: {error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        server.finish();
    }
    let typed = json!({ "value": [{ "accountid": ONE, "creditlimit": "secret" }] });
    let (_, dataverse) = Server::start(vec![exchange("GET accounts", 200, typed)]).await;
    let error = dataverse.scan(&selection(), None, 10).await.unwrap_err();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    let (_, dataverse) = Server::start(vec![exchange("GET accounts", 200, json!({ "value": [] }))]).await;
    let error = dataverse.changes(&selection(), None, 10).await.unwrap_err();
    assert!(matches!(error, ConnectError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn a_column_that_is_not_there_is_told_by_name() {
    let (server, dataverse) = Server::start(vec![]).await;
    let mut selection = selection();
    selection.columns.push("msdyn_paymentterm.nonsense".into());
    let error = dataverse.scan(&selection, None, 10).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Dataverse does not know the column msdyn_paymentterm.nonsense of accounts"
    );
    server.finish();
}

#[tokio::test]
async fn a_passing_fault_is_tried_again_over_the_wire() {
    let script = vec![
        raw("GET WhoAmI()", 500, ""),
        exchange("GET WhoAmI()", 200, json!({ "UserId": "u", "OrganizationId": "o", "BusinessUnitId": "b" })),
    ];
    let (server, dataverse) = Server::start(script).await;
    assert_eq!(dataverse.check_access().await.unwrap(), "signed in as user u of organization o");
    server.finish();
}

use dualwright_model::TableName;
use serde_json::json;

use super::customers;
use super::server::{Server, exchange};
use crate::{ConnectError, Connector, NudgeSubscription};

#[tokio::test]
async fn a_table_is_described_from_the_metadata_service() {
    let (server, finops) = Server::start(vec![]).await;
    let schema = finops.describe(&"customersv3".into(), &[]).await;
    assert!(matches!(schema, Err(ConnectError::Unknown { .. })), "the service compares names exactly");
    let schema = finops.describe(&"CustomersV3".into(), &[]).await.unwrap();
    assert_eq!(*schema, customers().schema);
    server.finish();
}

#[tokio::test]
async fn an_unknown_table_is_said_to_be_unknown() {
    let (server, finops) = Server::start(vec![]).await;
    let table = TableName::from("Nothing's");
    let error = finops.describe(&table, &[]).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Unknown { what, .. } if what.contains("Nothing's")), "{error}");
    let subscription =
        NudgeSubscription { tables: vec![table], endpoint: "http://h".into(), secret: "s".into() };
    assert!(finops.subscribe(&subscription).await.is_err());
    server.finish();
}

#[tokio::test]
async fn access_is_checked_with_a_harmless_read() {
    let script = vec![
        exchange("GET ", 200, json!({ "value": [{ "name": "CustomersV3" }, { "name": "VendorsV2" }] })),
        exchange("GET ", 403, json!({ "error": { "code": "", "message": "No role." } })),
    ];
    let (server, finops) = Server::start(script).await;
    assert_eq!(finops.check_access().await.unwrap(), "signed in; 2 tables are public");
    assert!(matches!(finops.check_access().await, Err(ConnectError::Forbidden { .. })));
    server.finish();
}

//! The F&O connector against SAP CAP: metadata, query, pages, `$batch`, ETags.

use dualwright_connect::conformance::{self, Fixture};
use dualwright_connect::finops::{Finops, FinopsConfig};
use dualwright_connect::http::SignIn;
use dualwright_connect::{Connector, Precondition, ReadKey, Selection, Write, WriteOutcome, WriteTarget};
use dualwright_model::{ColumnPath, ColumnType, Date, Decimal, Record, Timestamp, Value};

use crate::cap::{self, Cap};

fn connect(cap: &Cap) -> Finops {
    let sign_in = SignIn::new(&cap.url, "tenant", &cap.url, "any", "any".into());
    Finops::connect(FinopsConfig::new(&cap.url, sign_in)).unwrap()
}

fn customers() -> Selection {
    let paths = |names: &[&str]| names.iter().map(|name| ColumnPath::from(*name)).collect();
    Selection {
        table: "CustomersV3".into(),
        columns: paths(&["OrganizationName", "CreditLimit", "Employees", "CustomerSince", "LastCall"]),
        key: paths(&["dataAreaId", "CustomerAccount"]),
        filter: None,
    }
}

fn key(account: &str) -> Vec<Value> {
    vec![Value::text("usmf"), Value::text(account)]
}

fn write(account: &str, cells: &[(&str, Value)], precondition: Precondition) -> Write {
    let cells: Record = cells.iter().map(|(name, value)| (ColumnPath::from(*name), value.clone())).collect();
    Write { target: WriteTarget::Key(key(account)), cells, delete: false, precondition }
}

#[tokio::test]
async fn the_battery_of_the_connectors_is_kept_against_a_server_of_others() {
    let Some(cap) = cap::start().await else { return };
    let fixture = Fixture {
        selection: customers(),
        key,
        required: Vec::new(),
        text: "OrganizationName".into(),
        empty_text: Value::text(""),
        number: "CreditLimit".into(),
        lookup: None,
    };
    let outcome = conformance::run(&connect(&cap), &fixture).await;
    let told: String = outcome.err().unwrap_or_default().iter().map(|one| format!("\n- {one}")).collect();
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn metadata_values_filters_and_versions_are_understood_on_both_sides() {
    let Some(cap) = cap::start().await else { return };
    read_metadata(&cap).await;
    let connector = connect(&cap);
    assert_eq!(connector.check_access().await.unwrap(), "signed in; 1 tables are public");
    let schema = connector.describe(&"CustomersV3".into(), &[]).await.unwrap();
    let kind = |name: &str| schema.column(name).map(|column| column.column_type.clone());
    assert_eq!(kind("CustomerSince"), Some(ColumnType::Date));
    assert_eq!(kind("CreditLimit"), Some(ColumnType::Decimal { scale: None }));

    let day = Value::Date(Date::parse("2026-11-23").unwrap());
    let moment = Value::Timestamp(Timestamp::parse("2026-11-23T16:56:42Z").unwrap());
    let limit = Value::Decimal(Decimal::parse("1234567.0125").unwrap());
    let cells = [
        ("OrganizationName", Value::text("O'Neill & Söhne 50 %")),
        ("CreditLimit", limit.clone()),
        ("Employees", Value::Integer(7)),
        ("CustomerSince", day.clone()),
        ("LastCall", moment.clone()),
    ];
    // More than one write, so that they go in a batch.
    let other = write("Q/2", &[("Employees", Value::Integer(3))], Precondition::Absent);
    let outcomes =
        connector.apply(&customers(), &[write("Q'1", &cells, Precondition::Absent), other]).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Written(_))), "{outcomes:?}");
    let read = async |account: &str| {
        let rows = connector
            .read(&customers(), &[ReadKey::Key(key(account)), ReadKey::Key(key("nobody"))])
            .await
            .unwrap();
        assert!(rows[1].is_none(), "{rows:?}");
        rows.into_iter().next().flatten().unwrap()
    };
    let row = read("Q'1").await;
    for (name, value) in &cells {
        assert_eq!(row.record.get(name), value, "{name}");
    }
    assert!(row.modified_at.is_some());

    let filtered = async |filter: &str| {
        let selection = Selection { filter: Some(filter.to_owned()), ..customers() };
        let page = connector.scan(&selection, None, 100).await.unwrap();
        let accounts = page.changes.iter().map(|change| change.record.get("CustomerAccount").to_key_text());
        accounts.collect::<Vec<_>>()
    };
    assert_eq!(filtered("OrganizationName eq 'O''Neill & Söhne 50 %'").await, ["Q'1"]);
    assert_eq!(filtered("contains(OrganizationName,'Söhne') and CustomerSince eq 2026-11-23").await, ["Q'1"]);
    assert_eq!(filtered("CreditLimit gt 1234567.01 or Employees eq 3").await, ["Q'1", "Q/2"]);
    assert_eq!(
        filtered("LastCall ge 2026-11-23T16:56:42Z and not startswith(OrganizationName,'X')").await,
        ["Q'1"]
    );

    // The version of an answer is the version that the next condition names.
    let change = |version: &dualwright_connect::Existing| {
        let precondition = Precondition::Version(version.version.clone().unwrap());
        write("Q'1", &[("Employees", Value::Integer(8))], precondition)
    };
    let outcomes = connector.apply(&customers(), &[change(&row)]).await.unwrap();
    assert!(matches!(outcomes[0], WriteOutcome::Written(_)), "{outcomes:?}");
    let outcomes = connector.apply(&customers(), &[change(&row)]).await.unwrap();
    assert!(matches!(outcomes[0], WriteOutcome::PreconditionFailed), "{outcomes:?}");
    let newer = read("Q'1").await;
    assert_eq!(newer.record.get("Employees"), &Value::Integer(8));
    assert_ne!(newer.version, row.version);
}

/// The document that CAP prints of its own accord.
async fn read_metadata(cap: &Cap) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let text = reqwest::get(format!("{}/data/$metadata", cap.url)).await.unwrap().text().await.unwrap();
    let metadata = dualwright_odata::metadata::parse(&text).unwrap();
    assert_eq!(metadata.entity_sets[0].name, "CustomersV3");
    let customer = &metadata.entity_types[0];
    assert_eq!(customer.key, ["dataAreaId", "CustomerAccount"]);
    let property = |name: &str| customer.properties.iter().find(|property| property.name == name).unwrap();
    assert_eq!(
        (property("CustomerAccount").max_length, property("CustomerAccount").nullable),
        (Some(20), false)
    );
    assert_eq!(
        (property("CreditLimit").type_name.as_str(), property("CreditLimit").scale),
        ("Edm.Decimal", Some(4))
    );
}

//! The F&O connector keeps every rule of the battery against the F&O emulator, and those of its own system.

use std::sync::Arc;

use dualwright_connect::conformance::{self, Fixture};
use dualwright_connect::finops::{Finops, FinopsConfig};
use dualwright_connect::http::SignIn;
use dualwright_connect::{Connector, Precondition, ReadKey, Selection, Write, WriteOutcome, WriteTarget};
use dualwright_emulators::{Options, Running, finops};
use dualwright_model::{ColumnPath, ColumnType, Date, Decimal, Record, Value};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const CUSTOMERS: &str = r#"
table = "CustomersV3"
entity = "CustCustomerV3Entity"
public_entity = "CustomerV3"
key = ["dataAreaId", "CustomerAccount"]
column = [
    { name = "dataAreaId", type = "text", max_length = 4, updatable = false },
    { name = "CustomerAccount", type = "text", max_length = 20, required = true },
    { name = "CustomerGroupId", type = "text", max_length = 10 },
    { name = "SalesMemo", type = "text", max_length = 200 },
    { name = "CreditLimit", type = "decimal" },
    { name = "PartyType", type = "enum", enum = "DirPartyType" },
    { name = "OnHoldStatus", type = "enum", enum = "CustVendorBlocked" },
    { name = "CustomerSince", type = "date" },
]
"#;

const ENUMS: &str = r#"
DirPartyType = ["Person", "Organization"]
CustVendorBlocked = ["No", "Invoice", "All"]
"#;

struct World {
    emulator: Running,
    connector: Arc<Finops>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let schema = folder.path().join("finops");
        std::fs::create_dir(&schema)?;
        std::fs::write(schema.join("CustomersV3.toml"), CUSTOMERS)?;
        std::fs::write(schema.join("enums.toml"), ENUMS)?;
        let mut options = Options::new(folder.path().join("finops.sqlite"));
        options.schema_folder = Some(folder.path().to_owned());
        let emulator = finops::start(options).await?;
        let url = emulator.url();
        let sign_in = SignIn::new(&url, "tenant", &url, "dualwright", "dualwright-secret".into());
        let connector = Arc::new(Finops::connect(FinopsConfig::new(&url, sign_in))?);
        Ok(Self { emulator, connector, _folder: folder })
    }

    async fn post(&self, path: &str, body: Json) -> anyhow::Result<()> {
        let url = format!("{}{path}", self.emulator.url());
        let answer = reqwest::Client::new().post(url).json(&body).send().await?;
        anyhow::ensure!(answer.status().is_success(), "{}: {}", answer.status(), answer.text().await?);
        Ok(())
    }

    async fn apply(&self, writes: &[Write]) -> anyhow::Result<Vec<WriteOutcome>> {
        Ok(self.connector.apply(&customers(), writes).await?)
    }

    async fn all_written(&self, writes: &[Write]) -> anyhow::Result<()> {
        let outcomes = self.apply(writes).await?;
        let written = outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Written(_)));
        anyhow::ensure!(written, "{outcomes:?}");
        Ok(())
    }

    async fn written_accounts(&self) -> anyhow::Result<Vec<String>> {
        let url = format!("{}/emulator/writes?after=0&limit=1000", self.emulator.url());
        let log: Json = reqwest::get(url).await?.json().await?;
        let accounts = log["writes"].as_array().into_iter().flatten();
        let accounts = accounts.filter_map(|write| write["key"]["CustomerAccount"].as_str());
        Ok(accounts.map(str::to_owned).collect())
    }
}

fn customers() -> Selection {
    let paths = |names: &[&str]| names.iter().map(|name| ColumnPath::from(*name)).collect();
    Selection {
        table: "CustomersV3".into(),
        columns: paths(&["SalesMemo", "CreditLimit", "PartyType", "OnHoldStatus", "CustomerSince"]),
        key: paths(&["dataAreaId", "CustomerAccount"]),
        filter: None,
    }
}

fn key(company: &str, account: &str) -> Vec<Value> {
    vec![Value::text(company), Value::text(account)]
}

fn creation(company: &str, account: &str, cells: &[(&str, Value)]) -> Write {
    let cells: Record = cells.iter().map(|(name, value)| (ColumnPath::from(*name), value.clone())).collect();
    let target = WriteTarget::Key(key(company, account));
    Write { target, cells, delete: false, precondition: Precondition::Absent }
}

fn fixture() -> Fixture {
    Fixture {
        selection: customers(),
        key: |name| key("usmf", name),
        required: vec![("PartyType".into(), Value::text("Organization"))],
        text: "SalesMemo".into(),
        empty_text: Value::text(""),
        number: "CreditLimit".into(),
        lookup: None,
    }
}

fn told(violations: Vec<conformance::Violation>) -> String {
    violations.iter().map(|violation| format!("\n- {violation}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_is_kept() -> anyhow::Result<()> {
    let world = World::new().await?;
    let outcome = conformance::run(world.connector.as_ref(), &fixture()).await;
    assert!(outcome.is_ok(), "{}", told(outcome.err().unwrap_or_default()));
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_is_kept_under_passing_faults() -> anyhow::Result<()> {
    let world = World::new().await?;
    let faults = json!([
        { "kind": "status", "status": 401, "client": "dualwright", "skip": 4, "times": 1 },
        { "kind": "status", "status": 500, "client": "dualwright", "skip": 8, "times": 2 },
        { "kind": "status", "status": 503, "retry_after": 1, "client": "dualwright", "skip": 12, "times": 1 },
        { "kind": "drop-before", "client": "dualwright", "skip": 16, "times": 2 },
        { "kind": "status", "status": 429, "retry_after": 1, "client": "dualwright", "skip": 20, "times": 2 },
        { "kind": "half-response", "operation": "read", "client": "dualwright", "skip": 10, "times": 2 },
        { "kind": "drop-after", "operation": "read", "client": "dualwright", "skip": 20, "times": 1 },
        { "kind": "status", "status": 502, "path": "$batch", "client": "dualwright", "times": 1 },
    ]);
    world.post("/emulator/faults", faults).await?;
    let outcome = conformance::run(world.connector.as_ref(), &fixture()).await;
    assert!(outcome.is_ok(), "{}", told(outcome.err().unwrap_or_default()));
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_written_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    for (lost, accounts) in [
        (json!({ "method": "POST", "path": "CustomersV3" }), &["L-1"][..]),
        (json!({ "path": "$batch" }), &["L-2", "L-3"]),
    ] {
        let mut fault = lost;
        fault["kind"] = json!("drop-after");
        fault["client"] = json!("dualwright");
        fault["times"] = json!(1);
        world.post("/emulator/faults", json!([fault])).await?;
        let writes: Vec<Write> = accounts.iter().map(|account| creation("usmf", account, &[])).collect();
        let outcomes = world.apply(&writes).await?;
        let met_itself = outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::PreconditionFailed));
        assert!(met_itself, "{outcomes:?}");
    }
    assert_eq!(world.written_accounts().await?, ["L-1", "L-2", "L-3"]);
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_every_company_are_read_and_filters_speak_of_enums() -> anyhow::Result<()> {
    let world = World::new().await?;
    let person = ("PartyType", Value::text("Person"));
    let organization = ("PartyType", Value::text("Organization"));
    world
        .all_written(&[
            creation("usmf", "A", std::slice::from_ref(&person)),
            creation("usmf", "B", std::slice::from_ref(&organization)),
            creation("gbsi", "A", &[organization]),
        ])
        .await?;
    let mut selection = customers();
    let companies = async |selection: &Selection| -> anyhow::Result<Vec<(String, String)>> {
        let page = world.connector.scan(selection, None, 100).await?;
        let text = |record: &Record, name| record.get(name).to_key_text();
        let pair = |record: &Record| (text(record, "dataAreaId"), text(record, "CustomerAccount"));
        Ok(page.changes.iter().map(|change| pair(&change.record)).collect())
    };
    let pair = |company: &str, account: &str| (company.to_owned(), account.to_owned());
    assert_eq!(companies(&selection).await?, [pair("gbsi", "A"), pair("usmf", "A"), pair("usmf", "B")]);
    selection.filter = Some("partytype eq 'Organization'".into());
    assert_eq!(companies(&selection).await?, [pair("gbsi", "A"), pair("usmf", "B")]);
    selection.filter = Some("PartyType in ('Person') or CustomerSince ne null".into());
    assert_eq!(companies(&selection).await?, [pair("usmf", "A")]);
    let keys = [ReadKey::Key(key("GBSI", "a")), ReadKey::Key(key("gbsi", "B"))];
    let rows = world.connector.read(&customers(), &keys).await?;
    assert!(rows[0].is_some() && rows[1].is_none(), "{rows:?}");
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_nothings_and_money_survive() -> anyhow::Result<()> {
    let world = World::new().await?;
    let day = Value::Date(Date::parse("2026-11-23")?);
    let limit = Value::Decimal(Decimal::parse("9007199254740993.01")?);
    let cells = [
        ("CustomerSince", day.clone()),
        ("CreditLimit", limit.clone()),
        ("OnHoldStatus", Value::text("All")),
    ];
    let mut write = creation("usmf", "D", &cells);
    world.all_written(std::slice::from_ref(&write)).await?;
    let read = async || -> anyhow::Result<Record> {
        let rows = world.connector.read(&customers(), &[ReadKey::Key(key("usmf", "D"))]).await?;
        let row = rows.into_iter().flatten().next();
        Ok(row.ok_or_else(|| anyhow::anyhow!("no row"))?.record)
    };
    let record = read().await?;
    assert_eq!((record.get("CustomerSince"), record.get("CreditLimit")), (&day, &limit));
    assert_eq!(record.get("OnHoldStatus"), &Value::text("All"));
    assert_eq!(record.get("SalesMemo"), &Value::text(""));
    write.precondition = Precondition::None;
    write.cells = [("CustomerSince".into(), Value::Null)].into_iter().collect();
    world.all_written(&[write]).await?;
    assert_eq!(read().await?.get("CustomerSince"), &Value::Null);
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_keeps_its_id_when_its_key_changes() -> anyhow::Result<()> {
    let world = World::new().await?;
    world.all_written(&[creation("usmf", "OLD", &[])]).await?;
    let find = async |account: &str| {
        world
            .connector
            .read(&customers(), &[ReadKey::Key(key("usmf", account))])
            .await
            .map(|mut rows| rows.remove(0))
    };
    let before = find("OLD").await?.ok_or_else(|| anyhow::anyhow!("no row"))?;
    assert!(before.id.0.parse::<i64>().is_ok(), "{}", before.id);
    let rename = Write {
        target: WriteTarget::Id { id: before.id.clone(), key: key("usmf", "OLD") },
        precondition: Precondition::Version(
            before.version.clone().ok_or_else(|| anyhow::anyhow!("no version"))?,
        ),
        ..creation("usmf", "OLD", &[("CustomerAccount", Value::text("NEW"))])
    };
    world.all_written(&[rename]).await?;
    assert!(find("OLD").await?.is_none());
    let after = find("NEW").await?.ok_or_else(|| anyhow::anyhow!("no row"))?;
    assert_eq!(after.id, before.id);
    assert_ne!(after.version, before.version);
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_is_described_with_its_enums() -> anyhow::Result<()> {
    let world = World::new().await?;
    let schema = world.connector.describe(&"CustomersV3".into(), &[]).await?;
    assert_eq!(schema.logical_name, "CustCustomerV3Entity");
    assert_eq!(schema.keys[0].columns, ["dataAreaId", "CustomerAccount"]);
    let members = ["No", "Invoice", "All"].map(str::to_owned).to_vec();
    let hold = schema.column("onholdstatus").map(|column| &column.column_type);
    assert_eq!(hold, Some(&ColumnType::Enum { name: "CustVendorBlocked".into(), members }));
    assert_eq!(schema.column("customersince").map(|column| &column.column_type), Some(&ColumnType::Date));
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_emulators_own_tables_are_described_and_read() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let emulator = finops::start(Options::new(folder.path().join("finops.sqlite"))).await?;
    let url = emulator.url();
    let sign_in = SignIn::new(&url, "tenant", &url, "dualwright", "dualwright-secret".into());
    let connector = Finops::connect(FinopsConfig::new(&url, sign_in))?;
    let document = connector.check_access().await?;
    assert!(!document.contains("; 0 tables"), "{document}");
    for table in ["CustomersV3", "VendorsV2", "LegalEntities", "ReleasedProductsV2", "UnitsOfMeasure"] {
        let schema = connector.describe(&table.into(), &[]).await?;
        let names = schema.columns.values().map(|column| column.name.clone());
        let key = schema.keys.iter().flat_map(|key| key.columns.clone()).map(ColumnPath::from).collect();
        let columns = names.map(ColumnPath::from).collect();
        let selection = Selection { table: table.into(), columns, key, filter: None };
        let page = connector.scan(&selection, None, 100).await?;
        assert_eq!(page.total, Some(u64::try_from(page.changes.len())?), "{table}");
    }
    emulator.shutdown().await;
    Ok(())
}

/// Takes one pushed request and answers 200.
async fn pushed(listener: &TcpListener) -> anyhow::Result<(String, Vec<u8>)> {
    let (mut stream, _) = listener.accept().await?;
    let (mut bytes, mut buffer) = (Vec::new(), [0_u8; 4096]);
    loop {
        let read = stream.read(&mut buffer).await?;
        anyhow::ensure!(read > 0, "the push ended early");
        bytes.extend_from_slice(&buffer[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec())?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
        });
        let body = bytes[end + 4..].to_vec();
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
        let target = head.split_whitespace().nth(1).unwrap_or_default();
        let query = target.split_once('?').map_or("", |split| split.1).to_owned();
        return Ok((query, body));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_event_names_the_row_that_changed() -> anyhow::Result<()> {
    let world = World::new().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}/nudges/finops?code=push-secret", listener.local_addr()?);
    world.post("/emulator/data-events", json!({ "endpoint": endpoint, "tables": ["CustomersV3"] })).await?;
    world.all_written(&[creation("usmf", "E-1", &[])]).await?;
    let deletion = Write { delete: true, precondition: Precondition::Exists, ..creation("usmf", "E-1", &[]) };
    world.all_written(&[deletion]).await?;
    let mut told = Vec::new();
    for _ in 0..2 {
        let (query, body) = pushed(&listener).await?;
        let headers = http::HeaderMap::new();
        assert!(world.connector.parse_nudge(&headers, &query, &body, "another").is_err());
        for nudge in world.connector.parse_nudge(&headers, &query, &body, "push-secret")? {
            assert_eq!(nudge.table, "CustCustomerV3Entity");
            assert_eq!(nudge.cells.get("dataAreaId"), &Value::text("usmf"));
            assert_eq!(nudge.cells.get("CustomerAccount"), &Value::text("E-1"));
            told.push(nudge.deleted);
        }
    }
    told.sort_unstable();
    assert_eq!(told, [false, true]);
    world.emulator.shutdown().await;
    Ok(())
}

//! The Dataverse connector keeps every rule of the battery against the Dataverse emulator.

use std::sync::Arc;

use dualwright_connect::conformance::{self, Fixture, LookupFixture};
use dualwright_connect::dataverse::{Dataverse, DataverseConfig};
use dualwright_connect::http::SignIn;
use dualwright_connect::{
    ConnectError, Connector, NudgeSubscription, Precondition, Selection, Write, WriteOutcome, WriteTarget,
};
use dualwright_emulators::{Options, Running, dataverse};
use dualwright_model::{ColumnPath, Value};
use serde_json::{Value as Json, json};

const ACCOUNTS: &str = r#"
table = "accounts"
logical_name = "account"
primary_id = "accountid"
primary_name = "name"
change_tracking = true
column = [
    { name = "accountnumber", type = "text", max_length = 20 },
    { name = "name", type = "text", max_length = 160, required = true },
    { name = "description", type = "text", max_length = 200 },
    { name = "creditlimit", type = "decimal", scale = 2 },
    { name = "customertypecode", type = "option-set", options = [1, 2, 3] },
    { name = "msdyn_company", type = "lookup", targets = ["cdm_companies"] },
    { name = "msdyn_paymentterm", type = "lookup", targets = ["msdyn_paymentterms"] },
]
key = [{ name = "msdyn_account_company", columns = ["accountnumber", "msdyn_company"] }]
"#;

const COMPANIES: &str = r#"
table = "cdm_companies"
logical_name = "cdm_company"
primary_id = "cdm_companyid"
primary_name = "cdm_name"
change_tracking = true
column = [
    { name = "cdm_companycode", type = "text", max_length = 4 },
    { name = "cdm_name", type = "text", max_length = 100 },
]
key = [{ name = "cdm_company_code", columns = ["cdm_companycode"] }]
"#;

const PAYMENT_TERMS: &str = r#"
table = "msdyn_paymentterms"
logical_name = "msdyn_paymentterm"
primary_id = "msdyn_paymenttermid"
primary_name = "msdyn_name"
change_tracking = true
column = [
    { name = "msdyn_name", type = "text", max_length = 10 },
    { name = "msdyn_company", type = "lookup", targets = ["cdm_companies"] },
]
key = [{ name = "msdyn_term_company", columns = ["msdyn_name", "msdyn_company"] }]
"#;

struct World {
    emulator: Running,
    connector: Arc<Dataverse>,
    _folder: tempfile::TempDir,
}

impl World {
    /// An emulator with three tables, two companies and a payment term of one of them.
    async fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let schema = folder.path().join("dataverse");
        std::fs::create_dir(&schema)?;
        for (name, text) in [("accounts", ACCOUNTS), ("companies", COMPANIES), ("terms", PAYMENT_TERMS)] {
            std::fs::write(schema.join(format!("{name}.toml")), text)?;
        }
        let mut options = Options::new(folder.path().join("dataverse.sqlite"));
        options.schema_folder = Some(folder.path().to_owned());
        let emulator = dataverse::start(options).await?;
        let url = emulator.url();
        let sign_in = SignIn::new(&url, "tenant", &url, "dualwright", "dualwright-secret".into());
        let connector = Arc::new(Dataverse::connect(DataverseConfig::new(&url, sign_in))?);
        let world = Self { emulator, connector, _folder: folder };
        let companies = selection("cdm_companies", &["cdm_name"], &["cdm_companycode"]);
        world.create(&companies, &[vec!["USMF"], vec!["GBSI"]]).await?;
        let terms = selection("msdyn_paymentterms", &[], &["msdyn_name", "msdyn_company.cdm_companycode"]);
        world.create(&terms, &[vec!["Net30", "USMF"], vec!["Net60", "GBSI"]]).await?;
        Ok(world)
    }

    async fn create(&self, selection: &Selection, keys: &[Vec<&str>]) -> anyhow::Result<()> {
        let writes: Vec<Write> = keys
            .iter()
            .map(|key| Write {
                target: WriteTarget::Key(key.iter().map(|part| Value::text(*part)).collect()),
                cells: dualwright_model::Record::new(),
                delete: false,
                precondition: Precondition::Absent,
            })
            .collect();
        let outcomes = self.connector.apply(selection, &writes).await?;
        let written = outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Written(_)));
        anyhow::ensure!(written, "{outcomes:?}");
        Ok(())
    }

    async fn fault(&self, faults: Json) -> anyhow::Result<()> {
        let url = format!("{}/emulator/faults", self.emulator.url());
        let answer = reqwest::Client::new().post(url).json(&faults).send().await?;
        anyhow::ensure!(answer.status().is_success(), "{}: {}", answer.status(), answer.text().await?);
        Ok(())
    }
}

fn selection(table: &str, columns: &[&str], key: &[&str]) -> Selection {
    let paths = |names: &[&str]| names.iter().map(|name| ColumnPath::from(*name)).collect();
    Selection { table: table.into(), columns: paths(columns), key: paths(key), filter: None }
}

fn accounts() -> Selection {
    selection(
        "accounts",
        &["name", "description", "creditlimit", "customertypecode", "msdyn_paymentterm.msdyn_name"],
        &["accountnumber", "msdyn_company.cdm_companycode"],
    )
}

fn fixture() -> Fixture {
    Fixture {
        selection: accounts(),
        key: |name| vec![Value::text(name), Value::text("USMF")],
        required: vec![
            ("name".into(), Value::text("Contoso")),
            ("customertypecode".into(), Value::Integer(3)),
        ],
        text: "description".into(),
        empty_text: Value::Null,
        number: "creditlimit".into(),
        lookup: Some(LookupFixture {
            path: "msdyn_paymentterm.msdyn_name".into(),
            present: Value::text("Net30"),
            // It exists, but in another company.
            absent: Value::text("Net60"),
            table: "msdyn_paymentterms".into(),
        }),
    }
}

fn creation(name: &str) -> Write {
    Write {
        target: WriteTarget::Key(vec![Value::text(name), Value::text("USMF")]),
        cells: [("name".into(), Value::text("Contoso"))].into_iter().collect(),
        delete: false,
        precondition: Precondition::Absent,
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
    world.fault(faults).await?;
    let outcome = conformance::run(world.connector.as_ref(), &fixture()).await;
    assert!(outcome.is_ok(), "{}", told(outcome.err().unwrap_or_default()));
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_written_once_and_says_that_it_may_be() -> anyhow::Result<()> {
    let world = World::new().await?;
    let names = ["L-1", "L-2", "L-3"];
    for (lost, writes) in
        [(json!({ "method": "POST" }), &names[..1]), (json!({ "path": "$batch" }), &names[1..])]
    {
        let mut fault = lost;
        fault["kind"] = json!("drop-after");
        fault["client"] = json!("dualwright");
        fault["times"] = json!(1);
        world.fault(json!([fault])).await?;
        let writes: Vec<Write> = writes.iter().map(|name| creation(name)).collect();
        let outcomes = world.connector.apply(&accounts(), &writes).await?;
        let met_itself = outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::PreconditionFailed));
        assert!(met_itself, "{outcomes:?}");
    }
    let written: Json = reqwest::get(format!("{}/emulator/writes?after=0&limit=100", world.emulator.url()))
        .await?
        .json()
        .await?;
    let created: Vec<&str> = written["writes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|write| write["table"] == "accounts")
        .filter_map(|write| write["cells"]["accountnumber"].as_str())
        .collect();
    assert_eq!(created, names);
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_batch_is_waited_out_and_fails_nothing() -> anyhow::Result<()> {
    let world = World::new().await?;
    let fault = json!([{ "kind": "status", "status": 429, "retry_after": 1, "path": "$batch", "client": "dualwright",
        "times": 2 }]);
    world.fault(fault).await?;
    let writes: Vec<Write> = (0..5).map(|number| creation(&format!("T-{number}"))).collect();
    let asked_at = std::time::Instant::now();
    let outcomes = world.connector.apply(&accounts(), &writes).await?;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Written(_))), "{outcomes:?}");
    assert!(asked_at.elapsed() >= std::time::Duration::from_secs(2), "Retry-After was not honoured");
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_feed_says_so_and_begins_anew() -> anyhow::Result<()> {
    let world = World::new().await?;
    let page = world.connector.changes(&accounts(), None, 100).await?;
    let url = format!("{}/emulator/expire-changes", world.emulator.url());
    anyhow::ensure!(reqwest::Client::new().post(url).send().await?.status().is_success());
    let error = world.connector.changes(&accounts(), Some(&page.next), 100).await.err();
    assert!(matches!(error, Some(ConnectError::FeedExpired { .. })), "{error:?}");
    world.connector.changes(&accounts(), None, 100).await?;
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_is_refused_and_not_repeated() -> anyhow::Result<()> {
    let world = World::new().await?;
    let url = world.emulator.url();
    let sign_in = SignIn::new(&url, "tenant", &url, "dualwright", "not-the-secret".into());
    let connector = Dataverse::connect(DataverseConfig::new(&url, sign_in))?;
    let error = connector.check_access().await.err();
    assert!(matches!(error, Some(ConnectError::Unauthorized { .. })), "{error:?}");
    assert!(!format!("{error:?}").contains("not-the-secret"));
    world.emulator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_is_registered_once() -> anyhow::Result<()> {
    let world = World::new().await?;
    let subscription = NudgeSubscription {
        tables: vec!["accounts".into(), "msdyn_paymentterms".into()],
        endpoint: "http://127.0.0.1:9/nudges/dataverse".into(),
        secret: "push-secret".into(),
    };
    for _ in 0..2 {
        world.connector.subscribe(&subscription).await?;
    }
    let steps = selection("sdkmessageprocessingsteps", &["name"], &["name"]);
    let page = world.connector.scan(&steps, None, 100).await?;
    assert_eq!(page.changes.len(), 6, "{:?}", page.changes);
    world.emulator.shutdown().await;
    Ok(())
}

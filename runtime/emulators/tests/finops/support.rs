//! An emulator on a file of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use dualwright_emulators::{Options, Running, finops};
use serde_json::Value;
use tempfile::TempDir;

pub use crate::shared::{Answer, Client, Receiver};

const CUSTOMERS: &str = r#"
table = "CustomersV3"
entity = "CustCustomerV3Entity"
public_entity = "CustomerV3"
key = ["dataAreaId", "CustomerAccount"]
column = [
    { name = "dataAreaId", type = "text", max_length = 4, updatable = false },
    { name = "CustomerAccount", type = "text", max_length = 20, required = true },
    { name = "OrganizationName", type = "text", max_length = 100 },
    { name = "CreditLimit", type = "decimal" },
    { name = "Employees", type = "integer" },
    { name = "OnHoldStatus", type = "enum", enum = "CustVendorBlocked" },
    { name = "IsOneTimeCustomer", type = "enum", enum = "NoYes" },
    { name = "CustomerSince", type = "date" },
    { name = "LastCall", type = "timestamp" },
    { name = "PartyNumber", type = "text", updatable = false },
]
"#;

const UNITS: &str = r#"
table = "UnitsOfMeasure"
entity = "UnitOfMeasureEntity"
public_entity = "UnitOfMeasure"
key = ["UnitSymbol"]
column = [
    { name = "UnitSymbol", type = "text", max_length = 10, required = true },
    { name = "DecimalPrecision", type = "integer" },
    { name = "modifieddatetime", type = "timestamp" },
]
"#;

const JOURNALS: &str = r#"
table = "Journals"
entity = "JournalEntity"
public_entity = "Journal"
key = ["dataAreaId", "JournalNumber"]
column = [
    { name = "dataAreaId", type = "text", max_length = 4, updatable = false },
    { name = "JournalNumber", type = "text", max_length = 20, required = true, creatable = false },
    { name = "Name", type = "text" },
]
"#;

const ENUMS: &str = r#"
NoYes = ["No", "Yes"]
CustVendorBlocked = ["No", "Invoice", "All"]
"#;

pub struct Emulator {
    pub running: Running,
    pub folder: Arc<TempDir>,
    pub client: Client,
}

/// An emulator on a fresh file.
pub async fn start() -> Emulator {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let schema = folder.path().join("schema");
    std::fs::create_dir(&schema).unwrap();
    let files =
        [("CustomersV3", CUSTOMERS), ("UnitsOfMeasure", UNITS), ("Journals", JOURNALS), ("enums", ENUMS)];
    for (name, text) in files {
        std::fs::write(schema.join(format!("{name}.toml")), text).unwrap();
    }
    start_in(folder).await
}

/// An emulator on the file in this folder.
pub async fn start_in(folder: Arc<TempDir>) -> Emulator {
    let running = finops::start(Options {
        database: folder.path().join("finops.sqlite"),
        schema_folder: Some(folder.path().join("schema")),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..Options::default()
    })
    .await
    .unwrap();
    let client = Client::sign_in(&running.url(), "dualwright").await;
    Emulator { running, folder, client }
}

/// A customer by address.
pub fn customer(company: &str, account: &str) -> String {
    format!("/data/CustomersV3(dataAreaId='{company}',CustomerAccount='{account}')?cross-company=true")
}

/// Creates a customer with these further members.
pub async fn create(client: &Client, company: &str, account: &str, more: &str) -> Value {
    let body = format!(r#"{{"dataAreaId":"{company}","CustomerAccount":"{account}"{more}}}"#);
    client.post("/data/CustomersV3", &body).await.expect(201).json()
}

/// The inner message of an error.
#[track_caller]
pub fn reason(answer: &Answer) -> String {
    let body = answer.json();
    assert_eq!(body["error"]["code"], "");
    assert!(
        body["error"]["innererror"]["type"].is_string()
            && body["error"]["innererror"]["stacktrace"].is_string()
    );
    body["error"]["innererror"]["message"].as_str().unwrap().to_owned()
}

/// One column of the rows of a page.
#[track_caller]
pub fn column(page: &Value, name: &str) -> Vec<String> {
    let text = |row: &Value| row[name].as_str().unwrap().to_owned();
    page["value"].as_array().unwrap().iter().map(text).collect()
}

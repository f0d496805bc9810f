//! How many rows a second the emulators take and give over HTTP, with the client in the same process:
//!
//!     cargo bench -p dualwright-tests --bench emulators -- [--rows 100000]
//!
//! They must not be what the other benchmarks measure. Every row counts once: written when its own answer says so, read
//! when it is in a page.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark is run by hand, and one that fails should say so at once"
)]

mod session;

use std::time::Instant;

use dualwright_emulators::{Options, dataverse, finops};
use session::Session;

/// Rows a request, and requests at once.
const ROWS: usize = 1000;
const AT_ONCE: usize = 4;

const COMPANIES: &str = r#"
table = "cdm_companies"
logical_name = "cdm_company"
column = [{ name = "cdm_companycode", type = "text", max_length = 4 }]
key = [{ name = "code", columns = ["cdm_companycode"] }]
"#;

const ACCOUNTS: &str = r#"
table = "accounts"
logical_name = "account"
change_tracking = true
column = [
    { name = "name", type = "text", max_length = 160 }, { name = "accountnumber", type = "text", max_length = 20 },
    { name = "creditlimit", type = "decimal", scale = 2 }, { name = "creditonhold", type = "boolean" },
    { name = "customertypecode", type = "option-set", options = [1, 2, 3] },
    { name = "telephone1", type = "text" }, { name = "emailaddress1", type = "text" },
    { name = "address1_line1", type = "text" }, { name = "address1_city", type = "text" },
    { name = "address1_postalcode", type = "text" },
    { name = "msdyn_company", type = "lookup", targets = ["cdm_companies"] },
]
key = [{ name = "number", columns = ["accountnumber", "msdyn_company"] }]
"#;

const CUSTOMERS: &str = r#"
table = "CustomersV3"
entity = "CustCustomerV3Entity"
public_entity = "CustomerV3"
key = ["dataAreaId", "CustomerAccount"]
column = [
    { name = "dataAreaId", type = "text", max_length = 4, updatable = false },
    { name = "CustomerAccount", type = "text", max_length = 20, required = true },
    { name = "OrganizationName", type = "text", max_length = 160 }, { name = "CreditLimit", type = "decimal" },
    { name = "OnHoldStatus", type = "enum", enum = "CustVendorBlocked" },
    { name = "PrimaryContactPhone", type = "text" }, { name = "PrimaryContactEmail", type = "text" },
    { name = "AddressStreet", type = "text" }, { name = "AddressCity", type = "text" },
    { name = "AddressZipCode", type = "text" },
]
"#;

const ENUMS: &str = r#"CustVendorBlocked = ["No", "Invoice", "All"]"#;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rows");
    let rows = arguments.nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    println!("{rows} rows of 10 columns, {ROWS} a request, {AT_ONCE} at once; rows/s\n");
    measure_dataverse(rows).await;
    measure_finops(rows).await;
}

fn options(folder: &tempfile::TempDir, system: &str, tables: &[(&str, &str)]) -> Options {
    let schema = folder.path().join(system);
    std::fs::create_dir(&schema).unwrap();
    for (name, text) in tables {
        std::fs::write(schema.join(name), text).unwrap();
    }
    let mut options = Options::new(folder.path().join("rows.sqlite"));
    options.schema_folder = Some(folder.path().to_owned());
    options
}

async fn measure_dataverse(rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let tables = [("companies.toml", COMPANIES), ("accounts.toml", ACCOUNTS)];
    let emulator = dataverse::start(options(&folder, "dataverse", &tables)).await.unwrap();
    let session = Session::sign_in(&emulator.url(), "api/data/v9.2").await;
    let company = session.create("cdm_companies", r#"{"cdm_companycode":"usmf"}"#).await;
    let cells = |number: usize, name: &str| {
        format!(
            "\"name\":\"Customer {name} {number}\",\"creditlimit\":{number}.25,\"creditonhold\":false,\
             \"customertypecode\":3,\"telephone1\":\"+49 30 {number:07}\",\"address1_city\":\"Berlin\",\
             \"emailaddress1\":\"customer{number}@example.com\",\"address1_line1\":\"Street {number}\",\
             \"address1_postalcode\":\"10115\""
        )
    };
    for (what, name) in [
        ("Dataverse, $batch of upserts: new rows", "one"),
        ("Dataverse, $batch of upserts: changed rows", "two"),
    ] {
        let part = |number: usize| {
            let key = format!("accounts(accountnumber='C-{number:07}',_msdyn_company_value={company})");
            ("PATCH", key, format!("{{{}}}", cells(number, name)))
        };
        rate(what, rows, session.batches(rows, part)).await;
    }
    for (what, name) in
        [("Dataverse, UpsertMultiple: new rows", "one"), ("Dataverse, UpsertMultiple: changed rows", "two")]
    {
        let target = |number: usize| {
            format!(
                "{{\"@odata.type\":\"Microsoft.Dynamics.CRM.account\",\
                 \"@odata.id\":\"accounts(accountnumber='M-{number:07}',_msdyn_company_value={company})\",{}}}",
                cells(number, name)
            )
        };
        rate(what, rows, session.bulk("accounts", "UpsertMultiple", rows, target)).await;
    }
    rate(
        "Dataverse, pages of 5000",
        2 * rows,
        session.read("accounts?$select=name,creditlimit,telephone1", 2 * rows),
    )
    .await;
    emulator.shutdown().await;
}

async fn measure_finops(rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let emulator =
        finops::start(options(&folder, "finops", &[("CustomersV3.toml", CUSTOMERS), ("enums.toml", ENUMS)]))
            .await
            .unwrap();
    let session = Session::sign_in(&emulator.url(), "data").await;
    let cells = |number: usize, name: &str| {
        format!(
            "\"OrganizationName\":\"Customer {name} {number}\",\"CreditLimit\":{number}.25,\"OnHoldStatus\":\"No\",\
             \"PrimaryContactPhone\":\"+49 30 {number:07}\",\"PrimaryContactEmail\":\"customer{number}@example.com\",\
             \"AddressStreet\":\"Street {number}\",\"AddressCity\":\"Berlin\",\"AddressZipCode\":\"10115\""
        )
    };
    let create = |number: usize| {
        let body = format!(
            "{{\"dataAreaId\":\"usmf\",\"CustomerAccount\":\"C-{number:07}\",{}}}",
            cells(number, "one")
        );
        ("POST", "CustomersV3".to_owned(), body)
    };
    rate("F&O, $batch: new rows", rows, session.batches(rows, create)).await;
    let change = |number: usize| {
        let key =
            format!("CustomersV3(dataAreaId='usmf',CustomerAccount='C-{number:07}')?cross-company=true");
        ("PATCH", key, format!("{{{}}}", cells(number, "two")))
    };
    rate("F&O, $batch: changed rows", rows, session.batches(rows, change)).await;
    let query =
        "CustomersV3?cross-company=true&$select=dataAreaId,CustomerAccount,OrganizationName,CreditLimit";
    rate("F&O, pages of 10000", rows, session.read(query, rows)).await;
    emulator.shutdown().await;
}

async fn rate(what: &str, rows: usize, work: impl Future<Output = ()>) {
    let began = Instant::now();
    work.await;
    println!("{what:<44}{:>9.0}", rows as f64 / began.elapsed().as_secs_f64());
}

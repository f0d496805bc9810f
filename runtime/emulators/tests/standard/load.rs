use std::collections::BTreeMap;
use std::path::Path;

use dualwright_emulators::load::{Columns, LoadError, csv};
use serde_json::Value;

use crate::shared::Client;
use crate::support::{columns, dataverse, finops};

async fn rows(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).await["value"].as_array().unwrap().clone()
}

const CUSTOMERS: &str = "/data/CustomersV3?cross-company=true&$orderby=dataAreaId,CustomerAccount";

#[tokio::test]
async fn cells_arrive_as_they_are_written() {
    let emulator = finops().await;
    let text = "\u{feff}customeraccount,Firm,CREDITLIMIT,onholdstatus,salesmemo,Colour\r\n\
                C-1,\"Señor \"\"Ünï\"\", Łódź\",12345678901234567.10,Invoice,\"two\nlines\",red\r\n\
                C-2,,0,,,\r\n";
    let columns = columns(
        &[("firm", "OrganizationName"), ("Colour", "")],
        &[("dataareaid", "NWND"), ("PartyType", "Organization")],
    );
    let report = emulator.load("customersv3", text, &columns).await.unwrap();
    assert_eq!((report.written, report.refused), (2, vec![]));
    let page = emulator.client.send("GET", CUSTOMERS, &[], "").await.expect(200);
    assert!(page.text.contains(r#""CreditLimit":12345678901234567.1,"#), "{}", page.text);
    let rows = rows(&emulator.client, CUSTOMERS).await;
    let cell = |row: usize, name: &str| rows[row][name].as_str().unwrap().to_owned();
    assert_eq!(cell(0, "dataAreaId"), "nwnd");
    assert_eq!(cell(0, "OrganizationName"), "Señor \"Ünï\", Łódź");
    assert_eq!(cell(0, "SalesMemo"), "two\nlines");
    assert_eq!(cell(0, "OnHoldStatus"), "Invoice");
    assert_eq!(cell(0, "PartyType"), "Organization");
    assert_eq!((cell(1, "OrganizationName"), cell(1, "OnHoldStatus")), (String::new(), "No".to_owned()));
    let writes = emulator.client.writes().await;
    assert_eq!(writes[0]["client"], "someone");
    // An empty cell is not sent.
    assert!(writes[1]["cells"].get("OrganizationName").is_none());
    assert_eq!(writes[1]["cells"]["CreditLimit"], 0);
}

#[tokio::test]
async fn days_and_moments_are_understood() {
    let emulator = finops().await;
    let text = "VendorAccountNumber,VendorHoldReleaseDate\n\
                1,2026-11-23\n2,1996-07-04 01:02:03.000\n3,2026-11-23T10:00:00+02:00\n4,tomorrow\n";
    let report = emulator.load("VendorsV2", text, &Columns::default()).await.unwrap();
    assert_eq!((report.written, report.refused.len(), report.refused[0].line), (3, 1, 5));
    assert!(report.refused[0].reason.contains("VendorHoldReleaseDate"), "{}", report.refused[0].reason);
    let rows = rows(&emulator.client, "/data/VendorsV2?$orderby=VendorAccountNumber").await;
    let dates: Vec<_> = rows.iter().map(|row| row["VendorHoldReleaseDate"].clone()).collect();
    assert_eq!(dates, ["2026-11-23T12:00:00Z", "1996-07-04T01:02:03Z", "2026-11-23T08:00:00Z"]);
}

#[tokio::test]
async fn a_table_of_dataverse_is_filled_with_its_lookups() {
    let emulator = dataverse().await;
    let companies = "cdm_companycode,cdm_name\nNWND,Northwind\n";
    emulator.load("cdm_companies", companies, &Columns::default()).await.unwrap();
    let accounts = "accountnumber,name,msdyn_onetimecustomer,customertypecode,msdyn_company@odata.bind,creditlimit\n\
                    1,Café,yes,3,/cdm_companies(cdm_companycode='NWND'),10.50\n\
                    2,Bar,no,3,/cdm_companies(cdm_companycode='NONE'),\n\
                    3,Inn,perhaps,3,/cdm_companies(cdm_companycode='NWND'),\n\
                    4,Pub,,99,/cdm_companies(cdm_companycode='NWND'),\n";
    let report = emulator.load("accounts", accounts, &Columns::default()).await.unwrap();
    let lines: Vec<u64> = report.refused.iter().map(|refused| refused.line).collect();
    assert_eq!((report.written, lines), (1, vec![3, 4, 5]), "{:?}", report.refused);
    let company = rows(&emulator.client, "cdm_companies").await[0]["cdm_companyid"].clone();
    let account = &rows(&emulator.client, "accounts").await[0];
    assert_eq!(account["name"], "Café");
    assert_eq!(account["_msdyn_company_value"], company);
    assert_eq!(account["msdyn_onetimecustomer"], true);
    assert_eq!(account["creditlimit"].to_string(), "10.5");
}

#[tokio::test]
async fn refused_rows_are_told_with_their_lines_and_the_others_are_loaded() {
    let emulator = finops().await;
    let mut text = String::from("CustomerAccount,OnHoldStatus,CreditLimit\n");
    for number in 1..=450 {
        let (account, status, limit) = match number {
            201 => (1, "No", "1"),
            300 => (300, "Perhaps", "1"),
            449 => (449, "No", "much"),
            _ => (number, "No", "1"),
        };
        text.push_str(&format!("C{account:04},{status},{limit}\n"));
    }
    let report = emulator.load("CustomersV3", &text, &Columns::default()).await.unwrap();
    assert_eq!(report.written, 447);
    let refused: Vec<(u64, &str)> =
        report.refused.iter().map(|refused| (refused.line, refused.reason.as_str())).collect();
    let words = ["The record already exists.", "Perhaps", "CreditLimit holds a number, and this is `much`"];
    assert_eq!(refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [202, 301, 450]);
    for ((_, reason), word) in refused.iter().zip(words) {
        assert!(reason.contains(word), "{reason}");
    }
    assert_eq!(rows(&emulator.client, CUSTOMERS).await.len(), 447);
}

#[tokio::test]
async fn what_cannot_be_understood_loads_nothing() {
    let emulator = finops().await;
    let none = Columns::default();
    let error = |table: &'static str, text: &'static str, columns: Columns| {
        let emulator = &emulator;
        async move { emulator.load(table, text, &columns).await.unwrap_err() }
    };
    let one = "CustomerAccount,Colour,Taste\n1,red,sour\n";
    let unknown = error("CustomersV3", one, none.clone()).await;
    assert!(
        matches!(&unknown, LoadError::UnknownColumns { columns, .. } if columns == "Colour, Taste"),
        "{unknown}"
    );
    let hint = error("CustomersV4", one, none.clone()).await;
    assert!(matches!(&hint, LoadError::UnknownTable { hint, .. } if hint.contains("CustomersV3")), "{hint}");
    let twice = error("CustomersV3", "CustomerAccount,customeraccount\n1,2\n", none.clone()).await;
    assert!(matches!(twice, LoadError::FieldTwice { .. }), "{twice}");
    let constant =
        error("CustomersV3", "CustomerAccount\n1\n", columns(&[], &[("CreditLimit", "much")])).await;
    assert!(matches!(constant, LoadError::Constant { .. }), "{constant}");
    let strange = error("CustomersV3", "CustomerAccount\n1\n", columns(&[], &[("Colour", "red")])).await;
    assert!(matches!(strange, LoadError::UnknownColumns { .. }), "{strange}");
    let ragged = error("CustomersV3", "CustomerAccount,CreditLimit\n1,2\n3\n", none.clone()).await;
    assert!(matches!(&ragged, LoadError::File { reason, .. } if reason.contains("line: 3")), "{ragged}");
    let absent = csv(&emulator.target(), "CustomersV3", Path::new("/nowhere.csv"), &none).await.unwrap_err();
    assert!(matches!(absent, LoadError::File { .. }), "{absent}");
    assert!(emulator.client.writes().await.is_empty());
    let empty = emulator.load("CustomersV3", "CustomerAccount\n", &none).await.unwrap();
    assert_eq!((empty.written, empty.refused.len()), (0, 0));
}

/// Real rows, where they are at hand.
#[tokio::test]
async fn northwind_is_loaded_whole() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/northwind/customers.csv");
    if !file.is_file() {
        eprintln!("skipped: {} is not there", file.display());
        return;
    }
    let emulator = finops().await;
    let renames = columns(
        &[
            ("CustomerID", "CustomerAccount"),
            ("CompanyName", "OrganizationName"),
            ("ContactName", ""),
            ("ContactTitle", ""),
            ("Address", "InvoiceAddressStreet"),
            ("City", "InvoiceAddressCity"),
            ("Region", "InvoiceAddressState"),
            ("PostalCode", "InvoiceAddressZipCode"),
            ("Country", "InvoiceAddressCountryRegionISOCode"),
            ("Phone", "PrimaryContactPhone"),
            ("Fax", "PrimaryContactFax"),
        ],
        &[("dataAreaId", "NWND"), ("PartyType", "Organization")],
    );
    let report = csv(&emulator.target(), "CustomersV3", &file, &renames).await.unwrap();
    let mut reader = ::csv::Reader::from_path(&file).unwrap();
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let given: BTreeMap<String, ::csv::StringRecord> =
        reader.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row)).collect();
    assert_eq!((report.written, report.refused), (u64::try_from(given.len()).unwrap(), vec![]));
    let loaded = rows(&emulator.client, CUSTOMERS).await;
    assert_eq!(loaded.len(), given.len());
    for row in loaded {
        let record = &given[row["CustomerAccount"].as_str().unwrap()];
        for (column, text) in header.iter().zip(record) {
            let field = &renames.renames.iter().find(|(from, _)| from == column).unwrap().1;
            if !field.is_empty() {
                assert_eq!(row[field], *text, "{column} of {}", &record[0]);
            }
        }
    }
}

//! Real input: the Northwind trading company, with its accents, empty regions and duplicate names.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::json;
use support::{Cell, Pair, Row, Turn, agreement, catalogue};

use super::story::{PATIENCE, Story};

const MAPS: [&str; 6] = [
    "company/legal-entities-companies",
    "payments/payment-terms",
    "customers/customer-groups",
    "pre-party/customers-accounts",
    "pre-party/vendors",
    "products/released-products",
];

const CUSTOMERS: &[&str] = &[
    "CustomerID=CustomerAccount",
    "CompanyName=OrganizationName",
    "ContactName=SalesMemo",
    "ContactTitle=",
    "Address=DeliveryAddressStreet",
    "City=DeliveryAddressCity",
    "Region=DeliveryAddressState",
    "PostalCode=DeliveryAddressZipCode",
    "Country=DeliveryAddressCountryRegionISOCode",
    "Phone=PrimaryContactPhone",
    "Fax=PrimaryContactFax",
];
const SUPPLIERS: &[&str] = &[
    "SupplierID=VendorAccountNumber",
    "CompanyName=VendorOrganizationName",
    "ContactName=VendorKnownAsName",
    "ContactTitle=",
    "Address=AddressStreet",
    "City=AddressCity",
    "Region=AddressStateId",
    "PostalCode=AddressZipCode",
    "Country=AddressCountryRegionId",
    "Phone=PrimaryPhoneNumber",
    "Fax=PrimaryFaxNumber",
    "HomePage=PrimaryURL",
];
const PRODUCTS: &[&str] = &[
    "ProductID=ItemNumber",
    "ProductName=WarehouseMobileDeviceDescriptionLine1",
    "SupplierID=PrimaryVendorAccountNumber",
    "CategoryID=",
    "QuantityPerUnit=WarehouseMobileDeviceDescriptionLine2",
    "UnitPrice=SalesPrice",
    "UnitsInStock=",
    "UnitsOnOrder=",
    "ReorderLevel=MaximumPickQuantity",
    "Discontinued=",
];

/// Edits on each side.
const EDITS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn northwind_arrives_and_stays_the_same() -> anyhow::Result<()> {
    let data = support::repository().join("../shared/data/northwind");
    if !data.is_dir() {
        eprintln!("SKIPPED: there is no Northwind at {}", data.display());
        return Ok(());
    }
    let turn = Turn::take().await?;
    let mut story = Story::with(turn, Pair::start()?, catalogue(&MAPS), Vec::new(), "").await?;
    story
        .finops
        .create("LegalEntities", &json!({"LegalEntityId": "NWND", "Name": "Northwind Traders"}))
        .await?;
    let url = story.pair.finops.url();
    for (table, file, renames, constants) in [
        ("CustomersV3", "customers.csv", CUSTOMERS, &["PartyType=Organization"][..]),
        ("VendorsV2", "suppliers.csv", SUPPLIERS, &["VendorPartyType=Organization"]),
        ("ReleasedProductsV2", "products.csv", PRODUCTS, &[]),
    ] {
        load(&url, table, &data.join(file), renames, constants)?;
        file_is_loaded(&story, table, &data.join(file), renames).await?;
    }
    story.run().await?;
    all_is_compared(&story, &data).await?;
    names_survive(&story).await?;
    edit_both_sides(&story).await?;
    all_is_compared(&story, &data).await?;
    story.nothing_went_wrong().await
}

fn load(url: &str, table: &str, file: &Path, renames: &[&str], constants: &[&str]) -> anyhow::Result<()> {
    let mut command = support::command()?;
    command.args(["emulate", "load", "finops", table]).arg(file).args(["--url", url]);
    command.args(renames.iter().flat_map(|rename| ["--rename", rename]));
    command
        .args(["--set", "dataAreaId=nwnd"])
        .args(constants.iter().flat_map(|constant| ["--set", constant]));
    let output = command.output()?;
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{table}: {}\n{said}\n{complained}", output.status);
    Ok(())
}

/// Every record of every file is in F&O as the file says it, and there was looked at every mapped field of it in Dataverse.
async fn all_is_compared(story: &Story, data: &Path) -> anyhow::Result<()> {
    for (map, file) in [(3, "customers.csv"), (4, "suppliers.csv"), (5, "products.csv")] {
        let records = csv::Reader::from_path(data.join(file))?.records().count();
        let found = agreement::compare(&story.maps[map], &story.finops, &story.dataverse).await?;
        ensure!(found.differences.is_empty(), "{found:#?}");
        ensure!(found.records == records, "{} of {records} records of {file}", found.records);
        eprintln!("{}: {} records agree on every mapped field", found.map, found.records);
    }
    Ok(())
}

/// Each cell of a file is in F&O as the file says it, letter by letter.
async fn file_is_loaded(story: &Story, table: &str, file: &Path, renames: &[&str]) -> anyhow::Result<()> {
    let fields: BTreeMap<&str, &str> = renames.iter().filter_map(|rename| rename.split_once('=')).collect();
    let mut file = csv::Reader::from_path(file)?;
    let header = file.headers()?.clone();
    let rows = by(story.finops.rows(table).await?, fields[&header[0]]);
    for record in file.records() {
        let record = record?;
        let row = rows.get(record[0].trim_end()).with_context(|| format!("{} is not there", &record[0]))?;
        ensure!(row.cell("dataAreaId").key() == "nwnd", "{row:?}");
        for (column, said) in header.iter().zip(&record) {
            let field = fields[column];
            let said = if said.is_empty() { Cell::Nothing } else { Cell::Text(said.to_owned()) };
            let agrees = field.is_empty() || said.agrees_with(row.cell(field));
            ensure!(agrees, "{column} of {} is {said:?} and not {:?}", &record[0], row.cell(field));
        }
    }
    Ok(())
}

/// What the files say, letter by letter, where encodings and empty cells usually go wrong.
async fn names_survive(story: &Story) -> anyhow::Result<()> {
    let accounts = by(story.dataverse.rows("accounts").await?, "accountnumber");
    let berglund = &accounts["BERGS"];
    assert_eq!(berglund.cell("name").plain(), "Berglunds snabbköp");
    assert_eq!(berglund.cell("address1_city").plain(), "Luleå");
    assert_eq!(berglund.cell("address1_stateorprovince").plain(), "", "no region");
    assert_eq!(accounts["ANATR"].cell("address1_line1").plain(), "Avda. de la Constitución 2222");
    assert_eq!(accounts["TRADH"].cell("name").plain(), "Tradição Hipermercados");
    assert_eq!(accounts["WOLZA"].cell("name").plain(), "Wolski  Zajazd", "two spaces are two spaces");
    assert_eq!(accounts["SPECD"].cell("address1_line1").plain(), "25, rue Lauriston");
    let alike: Vec<&Row> = accounts.values().filter(|row| row.cell("name").plain() == "IT").collect();
    assert_eq!(alike.len(), 2, "two customers of one name are two customers");
    let vendors = by(story.dataverse.rows("msdyn_vendors").await?, "msdyn_vendoraccountnumber");
    assert_eq!(vendors["5"].cell("msdyn_name").plain(), "Cooperativa de Quesos 'Las Cabras'");
    assert_eq!(vendors["4"].cell("msdyn_addressstreet").plain(), "9-8 Sekimai\nMusashino-shi", "a line end");
    let products = by(story.dataverse.rows("msdyn_sharedproductdetails").await?, "msdyn_itemnumber");
    let coffee = &products["43"];
    assert_eq!(coffee.cell("msdyn_salesprice").plain(), "46");
    assert_eq!(products["3"].cell("_msdyn_vendorid_value"), vendors["1"].cell("msdyn_vendorid"), "a lookup");
    Ok(())
}

fn by(rows: Vec<Row>, key: &str) -> BTreeMap<String, Row> {
    rows.into_iter().map(|row| (row.cell(key).plain().trim_end().to_owned(), row)).collect()
}

/// Fifty edits on each side at the same time; a few customers are edited on both, in different fields.
async fn edit_both_sides(story: &Story) -> anyhow::Result<()> {
    let accounts = by(story.dataverse.rows("accounts").await?, "accountnumber");
    let numbers: Vec<&String> = accounts.keys().collect();
    ensure!(numbers.len() < 2 * EDITS, "no customer would be edited on both sides");
    let here = async {
        for number in &numbers[..EDITS] {
            let path = format!("CustomersV3(dataAreaId='nwnd',CustomerAccount='{number}')");
            let memo = format!("Geändert für {number}: 50 % Łódź – « ça va »");
            story.finops.update(&path, &json!({"SalesMemo": memo, "CreditLimit": 0.10})).await?;
        }
        anyhow::Ok(())
    };
    let there = async {
        for number in &numbers[numbers.len() - EDITS..] {
            let path = format!("accounts({})", accounts[*number].cell("accountid").plain());
            let email = format!("{}@example.com", number.trim().to_lowercase());
            story.dataverse.update(&path, &json!({"emailaddress1": email, "fax": null})).await?;
        }
        anyhow::Ok(())
    };
    let (here, there) = tokio::join!(here, there);
    here.context("the edits in F&O")?;
    there.context("the edits in Dataverse")?;
    support::wait_until(PATIENCE, async || {
        let accounts = by(story.dataverse.rows("accounts").await?, "accountnumber");
        let customers = by(story.finops.rows("CustomersV3").await?, "CustomerAccount");
        for number in &numbers[..EDITS] {
            for (row, memo, limit) in [
                (&accounts[*number], "description", "creditlimit"),
                (&customers[*number], "SalesMemo", "CreditLimit"),
            ] {
                ensure!(row.cell(memo).plain().starts_with("Geändert für"), "{number}: {row:?}");
                ensure!(row.cell(limit).plain() == "0.1", "{number}: {row:?}");
            }
        }
        for number in &numbers[numbers.len() - EDITS..] {
            for (row, email, fax) in [
                (&accounts[*number], "emailaddress1", "fax"),
                (&customers[*number], "PrimaryContactEmail", "PrimaryContactFax"),
            ] {
                ensure!(row.cell(email).plain().ends_with("@example.com"), "{number}: {row:?}");
                ensure!(row.cell(fax).plain().is_empty(), "{number}: {row:?}");
            }
        }
        Ok(())
    })
    .await
    .with_context(|| story.runtime.log_tail())?;
    story.settle().await
}

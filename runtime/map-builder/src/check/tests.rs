use dualwright_model::{AlternateKey, ColumnSchema, ColumnType, Lookup, System, TableSchema};

use super::{Finding, Schemas, Severity, check, check_all};
use crate::map::describe;

mod rules;
mod together;

const MAP: &str = r#"
[map]
name = "customers-accounts"
version = "1.0.0"
finops = "CustomersV3"
dataverse = "accounts"
key = [ { finops = "dataAreaId", dataverse = "msdyn_company.cdm_companycode" }, { finops = "CustomerAccount", dataverse = "accountnumber" } ]
filter = { finops = "PartyType eq 'Organization'" }
field = [
  { finops = "OrganizationName", dataverse = "name" },
  { finops = "OnHoldStatus", dataverse = "msdyn_onholdstatus", values = { No = 0, All = 1 } },
  { finops = "CreditLimit", dataverse = "creditlimit" },
]
"#;

fn column(name: &str, column_type: ColumnType) -> ColumnSchema {
    ColumnSchema {
        name: name.to_owned(),
        column_type,
        nullable: true,
        required: false,
        creatable: true,
        updatable: true,
        lookup: None,
    }
}

fn text(name: &str) -> ColumnSchema {
    column(name, ColumnType::Text { max_length: Some(60) })
}

fn table(name: &str, columns: Vec<ColumnSchema>, keys: &[&[&str]]) -> TableSchema {
    TableSchema {
        name: name.into(),
        logical_name: name.to_lowercase(),
        primary_id: None,
        columns: columns.into_iter().map(|column| (column.name.to_lowercase(), column)).collect(),
        keys: keys
            .iter()
            .map(|columns| AlternateKey {
                name: "a_key".to_owned(),
                columns: columns.iter().map(|column| (*column).to_owned()).collect(),
                active: true,
            })
            .collect(),
        tracks_changes: true,
    }
}

fn customers() -> TableSchema {
    let status =
        ColumnType::Enum { name: "CustVendorBlocked".to_owned(), members: vec!["No".into(), "All".into()] };
    let columns = vec![
        text("dataAreaId"),
        text("CustomerAccount"),
        text("OrganizationName"),
        text("PartyType"),
        column("OnHoldStatus", status),
        column("CreditLimit", ColumnType::Decimal { scale: None }),
    ];
    table("CustomersV3", columns, &[&["dataAreaId", "CustomerAccount"]])
}

fn accounts() -> TableSchema {
    let mut company = column("msdyn_company", ColumnType::Guid);
    company.lookup = Some(Lookup { targets: vec!["cdm_companies".into()] });
    let columns = vec![
        text("accountnumber"),
        text("name"),
        company,
        column("msdyn_onholdstatus", ColumnType::OptionSet { options: vec![0, 1] }),
        column("creditlimit", ColumnType::Decimal { scale: Some(2) }),
    ];
    table("accounts", columns, &[&["accountnumber", "msdyn_company"]])
}

fn findings(map: &str, finops: &TableSchema, dataverse: &TableSchema) -> Vec<Finding> {
    let file = dualwright_table_map::compile::parse(map).unwrap();
    let compiled = dualwright_table_map::compile::compile(&file, &mut |_| Err(String::new())).unwrap();
    check(&describe(&compiled), Some(&compiled), finops, dataverse)
}

/// The single finding after spoiling one thing.
fn spoilt(spoil: impl FnOnce(&mut TableSchema, &mut TableSchema)) -> Finding {
    let (mut finops, mut dataverse) = (customers(), accounts());
    spoil(&mut finops, &mut dataverse);
    let mut found = findings(MAP, &finops, &dataverse);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn is(finding: &Finding, severity: Severity, side: System, code: &str) {
    assert_eq!((finding.severity, finding.side, finding.code), (severity, side, code), "{finding}");
}

#[test]
fn a_map_that_fits_has_no_findings() {
    assert_eq!(findings(MAP, &customers(), &accounts()), []);
}

#[test]
fn what_does_not_fit_is_found() {
    let found = spoilt(|_, accounts| accounts.tracks_changes = false);
    is(&found, Severity::Error, System::Dataverse, "no-change-tracking");
    let found = spoilt(|customers, _| customers.tracks_changes = false);
    is(&found, Severity::Warning, System::Finops, "no-change-tracking");
    let found = spoilt(|_, accounts| accounts.keys[0].active = false);
    is(&found, Severity::Error, System::Dataverse, "key-inactive");
    let found = spoilt(|_, accounts| accounts.keys.clear());
    is(&found, Severity::Error, System::Dataverse, "not-a-key");
    assert_eq!(
        found.field.as_ref().unwrap().as_str(),
        "msdyn_company.cdm_companycode",
        "the key's first column"
    );
    assert_eq!(found.map.as_str(), "customers-accounts");
    assert!(found.hint.unwrap().contains("create an alternate key on accountnumber, msdyn_company"));
    let found = spoilt(|customers, _| customers.keys[0].columns.push("PartyType".into()));
    is(&found, Severity::Error, System::Finops, "not-a-key");
    let found = spoilt(|_, accounts| {
        let name = accounts.columns.get_mut("name").unwrap();
        (name.creatable, name.updatable) = (false, false);
    });
    is(&found, Severity::Error, System::Dataverse, "read-only");
    let found = spoilt(|_, accounts| accounts.columns.get_mut("name").unwrap().updatable = false);
    is(&found, Severity::Warning, System::Dataverse, "not-updatable");
    let found = spoilt(|_, accounts| accounts.columns.get_mut("msdyn_company").unwrap().lookup = None);
    is(&found, Severity::Error, System::Dataverse, "not-a-lookup");
    let found = spoilt(|_, accounts| {
        let mut column = text("ownerid");
        column.required = true;
        accounts.columns.insert("ownerid".into(), column);
    });
    is(&found, Severity::Warning, System::Dataverse, "required-not-written");
}

#[test]
fn unknown_names_get_a_suggestion() {
    let found =
        findings(&MAP.replace("dataverse = \"name\"", "dataverse = \"nam\""), &customers(), &accounts());
    is(&found[0], Severity::Error, System::Dataverse, "unknown-column");
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `name`?"));
    assert_eq!(found[0].field.as_ref().unwrap().as_str(), "nam");
    let found = findings(&MAP.replace("\"accounts\"", "\"account\""), &customers(), &accounts());
    assert_eq!(found.len(), 1, "{found:?}");
    is(&found[0], Severity::Error, System::Dataverse, "unknown-table");
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `accounts`?"));
    // F&O and Dataverse both match names without regard to case.
    assert_eq!(
        findings(&MAP.replace("\"OrganizationName\"", "\"ORGANIZATIONNAME\""), &customers(), &accounts()),
        []
    );
}

#[test]
fn types_constants_and_value_sets_are_checked() {
    let found = findings(&MAP.replace(", values = { No = 0, All = 1 }", ""), &customers(), &accounts());
    assert_eq!(found.len(), 2, "both directions: {found:?}");
    assert!(found.iter().all(|finding| finding.code == "type-mismatch"));
    let found = findings(&MAP.replace("All = 1", "All = 7"), &customers(), &accounts());
    is(&found[0], Severity::Error, System::Dataverse, "bad-constant");
    let found = findings(&MAP.replace("No = 0, All = 1", "No = 0"), &customers(), &accounts());
    assert!(
        found.iter().any(|finding| finding.code == "value-not-in-set" && finding.message.contains("All"))
    );
    let found = spoilt(|_, accounts| {
        accounts.columns.get_mut("name").unwrap().column_type = ColumnType::Text { max_length: Some(20) };
    });
    is(&found, Severity::Warning, System::Dataverse, "may-be-too-long");
}

#[test]
fn filters_are_understood_or_refused() {
    let found = findings(&MAP.replace("PartyType eq", "PartyTipe eq"), &customers(), &accounts());
    assert!(
        found.iter().any(|finding| finding.hint.as_deref() == Some("did you mean `PartyType`?")),
        "{found:?}"
    );
    let found =
        findings(&MAP.replace("PartyType eq 'Organization'", "PartyType is 5"), &customers(), &accounts());
    assert!(found.iter().any(|finding| finding.code == "bad-filter"), "{found:?}");
}

#[test]
fn lookups_are_followed_where_their_tables_are_known() {
    let file = dualwright_table_map::compile::parse(MAP).unwrap();
    let compiled = dualwright_table_map::compile::compile(&file, &mut |_| Err(String::new())).unwrap();
    let check_with = |schemas: &Schemas| check_all(&describe(&compiled), Some(&compiled), schemas);
    let mut schemas = Schemas::default();
    schemas.insert(System::Finops, customers());
    schemas.insert(System::Dataverse, accounts());
    let mut missing = schemas.clone();
    missing.set_names(System::Dataverse, vec!["accounts".into()]);
    let found = check_with(&missing);
    is(&found[0], Severity::Error, System::Dataverse, "unknown-table");
    let mut keyless = schemas.clone();
    keyless.insert(System::Dataverse, table("cdm_companies", vec![text("cdm_companycode")], &[]));
    is(&check_with(&keyless)[0], Severity::Warning, System::Dataverse, "lookup-not-a-key");
    let mut other = schemas.clone();
    other.insert(System::Dataverse, table("cdm_companies", vec![text("cdm_code")], &[&["cdm_code"]]));
    is(&check_with(&other)[0], Severity::Error, System::Dataverse, "unknown-column");
    schemas.insert(
        System::Dataverse,
        table("cdm_companies", vec![text("cdm_companycode")], &[&["cdm_companycode"]]),
    );
    assert_eq!(check_with(&schemas), []);
}

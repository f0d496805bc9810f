//! A map means the same natively and in the sandbox.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use dualwright_map_builder::{BuildOptions, BuiltMap, build_folder, build_map};
use dualwright_model::{ColumnPath, Date, Decimal, Leg, Operation, Record, Timestamp, Value};
use dualwright_plugin_host::{Grants, GuestChange, Host, HostConfig, Outcome};
use dualwright_sdk::{Cell, Change};
use dualwright_table_map::program::{Program, Rule};
use dualwright_table_map::{encode, eval};

/// Everything that the language has, in one map.
const EVERYTHING: &str = r#"
[map]
name = "everything"
version = "1.2.3"
about = "Ærø: every word of the language."
finops = "CustomersV3"
dataverse = "accounts"
key = [ { finops = "dataAreaId", dataverse = "msdyn_company.cdm_companycode" }, { finops = "CustomerAccount", dataverse = "accountnumber" } ]
filter = { finops = "PartyType eq 'Organization'", dataverse = "customertypecode eq 3" }
on-leave = "ignore"
on-delete = { dataverse = { statecode = 1, statuscode = "2" }, finops = "ignore" }
needs = ["customer-groups"]

[[field]]
finops = "OrganizationName"
dataverse = "name"

[[field]]
finops = "LanguageId"
direction = "to-finops"
default = "en-us"

[[field]]
finops = "OnHoldStatus"
dataverse = "msdyn_onholdstatus"
values = { "" = 9, No = 806380000, Invoice = 806380001, "Ænd" = 806380002 }

[[field]]
finops = "IsOneTimeCustomer"
dataverse = "msdyn_onetimecustomer"
values = { No = false, Yes = true }

[[field]]
finops = "SalesMemo"
dataverse = "description"
direction = "to-dataverse"
default = "none"

[[field]]
finops = "SalesMemo"
dataverse = "memo"
direction = "to-dataverse"

[[field]]
dataverse = "customertypecode"
default = 3

[[field]]
dataverse = "active"
default = true
"#;

/// Numbers that look random and are the same in every run.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// A value that this column may meet: one of its value set; in a wild row sometimes anything.
fn value(sequence: &mut Sequence, rule: Option<&Rule<'_>>, wild: bool) -> Value {
    if let Some(values) = rule.and_then(|rule| rule.values.as_ref())
        && (!wild || sequence.below(4) > 0)
    {
        let (text, _) = &values.entries[sequence.below(values.entries.len())];
        return match (text.parse(), sequence.below(2)) {
            (Ok(number), 0) => Value::Integer(number),
            (_, 0) if text == "true" || text == "false" => Value::Boolean(text == "true"),
            _ => Value::text(text.to_uppercase()),
        };
    }
    match sequence.below(10) {
        0 => Value::Absent,
        1 => Value::Null,
        2 => Value::text(""),
        3 => Value::text("Ørsted & Søn – 東京"),
        4 => Value::Integer(0),
        5 => Value::Decimal(Decimal::parse("0").unwrap()),
        6 => Value::Decimal(Decimal::parse("-1234567890123456789.25").unwrap()),
        7 => Value::Boolean(false),
        8 => Value::Timestamp(Timestamp::parse("2026-11-23T06:18:00.000001Z").unwrap()),
        _ => Value::Date(Date::parse("1900-01-01").unwrap()),
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Absent => Cell::Absent,
        Value::Null => Cell::Null,
        Value::Text(text) => Cell::Text(text.clone()),
        Value::Integer(number) => Cell::Integer(*number),
        Value::Decimal(number) => Cell::Decimal(number.to_string()),
        Value::Boolean(flag) => Cell::Boolean(*flag),
        Value::Timestamp(time) => Cell::Timestamp(time.as_micros()),
        Value::Date(date) => Cell::Date(date.as_days()),
    }
}

fn same_cell(value: Cell) -> Value {
    match value {
        Cell::Absent => Value::Absent,
        Cell::Null => Value::Null,
        Cell::Text(text) => Value::Text(text),
        Cell::Integer(number) => Value::Integer(number),
        Cell::Decimal(number) => Value::Decimal(Decimal::parse(&number).unwrap()),
        Cell::Boolean(flag) => Value::Boolean(flag),
        Cell::Timestamp(time) => Value::Timestamp(Timestamp::from_micros(time)),
        Cell::Date(days) => Value::Date(Date::from_days(days)),
    }
}

fn rows(program: &Program<'_>, reads: &[ColumnPath], count: usize) -> Vec<GuestChange> {
    let mut sequence = Sequence(42);
    let rule_of = |index: usize| program.rules.iter().find(|rule| rule.source == Some(index));
    let mut row = |number: usize| {
        // Every second row passes all value sets, however many the map has.
        let wild = number.is_multiple_of(2);
        let cells = reads.iter().enumerate();
        GuestChange {
            operation: if number % 7 == 6 { Operation::Delete } else { Operation::Upsert },
            record: cells
                .map(|(index, column)| (column.clone(), value(&mut sequence, rule_of(index), wild)))
                .collect(),
        }
    };
    (0..count).map(&mut row).collect()
}

/// The outcome of the same code, outside the sandbox.
fn natively(
    program: &Program<'_>,
    reads: &[ColumnPath],
    writes: &[ColumnPath],
    row: &GuestChange,
) -> Outcome {
    told(eval::transform(program, vec![change(reads, row)]).pop().unwrap(), writes)
}

fn change(reads: &[ColumnPath], row: &GuestChange) -> Change {
    Change {
        operation: match row.operation {
            Operation::Upsert => dualwright_sdk::Operation::Upsert,
            Operation::Delete => dualwright_sdk::Operation::Delete,
        },
        cells: reads.iter().map(|column| cell(row.record.get(column.as_str()))).collect(),
    }
}

fn told(outcome: dualwright_sdk::Outcome, writes: &[ColumnPath]) -> Outcome {
    match outcome {
        dualwright_sdk::Outcome::Upsert(cells) => {
            Outcome::Upsert(writes.iter().cloned().zip(cells.into_iter().map(same_cell)).collect::<Record>())
        }
        dualwright_sdk::Outcome::Delete => Outcome::Delete,
        dualwright_sdk::Outcome::Skip(reason) => Outcome::Skip(reason),
        dualwright_sdk::Outcome::Reject(violations) => Outcome::Reject(
            violations
                .into_iter()
                .map(|violation| dualwright_plugin_host::Violation {
                    field: violation.field.map(ColumnPath::new),
                    code: violation.code,
                    message: violation.message,
                })
                .collect(),
        ),
    }
}

async fn compare(host: &Host, built: BuiltMap) {
    let name = built.description.name.to_string();
    let plugin = host.load_async(&name, built.bytes.clone(), Grants::default()).await.unwrap();
    assert_eq!(plugin.description(), &built.description, "{name}");
    assert_eq!(plugin.digest(), &built.digest, "{name}");
    let bytes = built.compiled.encode();
    for leg in &built.description.legs {
        let side = match leg.leg {
            Leg::ToDataverse => dualwright_sdk::Leg::ToDataverse,
            Leg::ToFinops => dualwright_sdk::Leg::ToFinops,
        };
        let program = encode::program(&bytes, side).unwrap();
        let rows = rows(&program, &leg.reads, 500);
        let inside = plugin.transform(leg.leg, false, &rows).await;
        let mut upserts = 0;
        for (row, inside) in rows.iter().zip(inside) {
            let outside = natively(&program, &leg.reads, &leg.writes, row);
            upserts += usize::from(matches!(outside, Outcome::Upsert(_)));
            assert_eq!(inside, Ok(outside), "{name} {} {row:?}", leg.leg);
        }
        assert!(upserts > 0, "{name} {}: nothing was written at all", leg.leg);
    }
}

fn host() -> Host {
    Host::new(HostConfig::default()).unwrap()
}

#[tokio::test]
async fn a_map_means_the_same_inside_and_outside() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("everything.toml");
    std::fs::write(&path, EVERYTHING).unwrap();
    compare(&host(), build_map(&path, &BuildOptions::default()).unwrap()).await;
}

const RULES: &str = r#"
[[rule]]
finops = "OrganizationName"
required = true

[[rule]]
finops = "OrganizationName"
length = { min = 2, max = 26 }

[[rule]]
finops = "CustomerAccount"
unique = true

[[rule]]
finops = "SalesMemo"
pattern = "[\\w &]*|-?[0-9.]+"

[[rule]]
finops = "CreditLimit"
range = { min = "-1.5", max = 0 }
code = "credit"
message = "No credit here."

[[rule]]
dataverse = "memo"
direction = "to-dataverse"
stage = "mapped"
one-of = [0, true, "Ørsted & Søn – 東京"]

[[rule]]
direction = "to-dataverse"
expression = "CreditLimit is null or CreditLimit * 2 <= 0 and not length(SalesMemo) > 5"
"#;

/// A whole batch at a time: one of the rules looks at all of it.
#[tokio::test]
async fn rules_mean_the_same_inside_and_outside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("everything.toml");
    std::fs::write(&path, format!("{EVERYTHING}{RULES}")).unwrap();
    let built = build_map(&path, &BuildOptions::default()).unwrap();
    eprintln!("SIZE component with rules: {} bytes", built.bytes.len());
    let plugin = host().load_async("everything", built.bytes.clone(), Grants::default()).await.unwrap();
    let leg = &built.description.legs[0];
    let bytes = built.compiled.encode();
    let program = encode::program(&bytes, dualwright_sdk::Leg::ToDataverse).unwrap();
    assert_eq!(program.checks.len(), 7);
    let rows = rows(&program, &leg.reads, 400);
    let batch = rows.iter().map(|row| change(&leg.reads, row)).collect();
    let outside = eval::transform(&program, batch).into_iter().map(|outcome| told(outcome, &leg.writes));
    let inside = plugin.transform(leg.leg, false, &rows).await;
    let mut codes = std::collections::BTreeSet::new();
    for ((row, inside), outside) in rows.iter().zip(inside).zip(outside) {
        if let Outcome::Reject(violations) = &outside {
            codes.extend(violations.iter().map(|violation| violation.code.clone()));
        }
        assert_eq!(inside, Ok(outside), "{row:?}");
    }
    let rules = ["credit", "expression", "length", "one-of", "pattern", "required", "unique"];
    assert!(rules.iter().all(|rule| codes.contains(*rule)), "every rule has refused something: {codes:?}");
}

#[tokio::test]
async fn a_large_table_finds_its_place() {
    // More than a page of linear memory, so that the table does not fit behind the guest's data by chance.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("everything.toml");
    let values: Vec<String> =
        (0..6_000).map(|number| format!("\"Value number {number}\" = {number}")).collect();
    let text = EVERYTHING.replace("No = false, Yes = true", &values.join(", "));
    std::fs::write(&path, text).unwrap();
    compare(&host(), build_map(&path, &BuildOptions::default()).unwrap()).await;
}

#[tokio::test]
async fn every_map_of_the_catalogue_means_the_same_inside_and_outside() {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/catalogue");
    if !catalogue.is_dir() {
        eprintln!("skipped: not inside the repository");
        return;
    }
    let host = host();
    let maps = build_folder(&catalogue, &BuildOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(!maps.is_empty(), "the catalogue has no maps");
    for built in maps {
        assert!(built.bytes.len() < 150_000, "{}: {} bytes", built.description.name, built.bytes.len());
        compare(&host, built).await;
    }
}

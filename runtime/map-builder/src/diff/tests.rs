use dualwright_table_map::compile;

use super::{Difference, Known, Way, compare};
use crate::compose::compose;
use crate::dual_write::Sheet;

const MAP: &str = r#"
[map]
name = "groups"
version = "1.0.0"
finops = "CustomerGroups"
dataverse = "msdyn_customergroups"
key = [ { finops = "CustomerGroupId", dataverse = "msdyn_groupid" } ]
filter = { finops = "Blocked eq 'No'" }
field = [
  { finops = "Description", dataverse = "msdyn_description" },
  { finops = "Tax", dataverse = "msdyn_tax", values = { No = false, Yes = true } },
  { dataverse = "msdyn_kind", direction = "to-dataverse", default = 3 },
]
"#;

fn known(text: &str) -> Known {
    let compiled = compile::compile(&compile::parse(text).unwrap(), &mut |_| Err(String::new())).unwrap();
    Known::from_sheet(&Sheet::parse(text).unwrap(), Some(&compiled), &|_| None)
}

fn changed() -> String {
    MAP.replace("1.0.0", "1.1.0")
        .replace("'No'\"", "'Yes'\"")
        .replace("Yes = true", "Yes = true, Maybe = \"x\"")
        .replace("\"Description\"", "\"DESCRIPTION\"")
        .replace("default = 3", "default = 4")
        .replace(
            "  { finops = \"Tax\"",
            "  { finops = \"New\", dataverse = \"new\", direction = \"to-finops\" },\n  { finops = \"Tax\"",
        )
}

fn told(differences: &[Difference]) -> Vec<String> {
    let shown = |text: &Option<String>| text.clone().unwrap_or("-".into());
    let line = |one: &Difference| {
        format!("{} | {} | {} | {}", one.subject, one.word, shown(&one.before), shown(&one.after))
    };
    differences.iter().map(line).collect()
}

#[test]
fn files_are_compared_as_they_are_written() {
    let (way, differences) = compare(&known(MAP), &known(&changed()));
    assert_eq!(way, Way::Written);
    assert_eq!(
        told(&differences),
        [
            "filter | over finops | Blocked eq 'No' | Blocked eq 'Yes'",
            "map | version | 1.0.0 | 1.1.0",
            "to Dataverse: msdyn_kind | default | 3 | 4",
            "to Dataverse: msdyn_tax | values | \"No\" → false, \"Yes\" → true | \"Maybe\" → \"x\", \"No\" → false, \"Yes\" → true",
            "to F&O: New |  | - | from new",
            "to F&O: Tax | values | \"No\" → false, \"Yes\" → true | \"Maybe\" → \"x\", \"No\" → false, \"Yes\" → true",
        ]
    );
    assert_eq!(compare(&known(MAP), &known(MAP)).1, []);
}

/// A component and a file are compared by the table that is in both.
#[test]
fn built_maps_are_compared_by_their_tables() {
    let built = |text: &str| Known { written: None, ..known(text) };
    let (way, differences) = compare(&built(MAP), &known(&changed()));
    assert_eq!(way, Way::Built);
    let told = told(&differences);
    assert!(told.contains(&"to Dataverse: msdyn_kind | default | 3 | 4".to_owned()), "{told:#?}");
    assert!(told.contains(&"to F&O: New |  | - | from new".to_owned()), "{told:#?}");
    assert!(told.iter().any(|line| line.starts_with("to F&O: Tax | values")), "{told:#?}");
    assert!(!told.iter().any(|line| line.contains("msdyn_description")), "{told:#?}");
    assert_eq!(compare(&built(MAP), &known(MAP)).1, []);
}

#[test]
fn what_is_only_described_is_compared_by_its_columns() {
    let described = |text: &str| Known { written: None, built: None, ..known(text) };
    let (way, differences) = compare(&described(MAP), &known(&changed()));
    assert_eq!(way, Way::Described);
    let told = told(&differences);
    assert!(told.contains(&"to F&O: New |  | - | ".to_owned()), "{told:#?}");
    assert!(!told.iter().any(|line| line.contains("msdyn_kind")), "{told:#?}");
}

/// The table is found in what was built, and in nothing else.
#[test]
fn the_table_is_found_in_a_component() {
    let options = crate::BuildOptions::default();
    let guest = match crate::guest::Guest::obtain(&options) {
        Ok(guest) => guest,
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "a skipped test says so")]
            {
                eprintln!("skipped: no guest: {error}");
            }
            return;
        }
    };
    let compiled = compile::compile(&compile::parse(MAP).unwrap(), &mut |_| Err(String::new())).unwrap();
    let component = compose(&guest.module, &compiled.encode()).unwrap();
    assert_eq!(super::built::table(&component), Some(compiled.encode()));
    assert_eq!(super::built::table(&guest.module), None);
    assert_eq!(super::built::table(b"\0asm nonsense"), None);
}

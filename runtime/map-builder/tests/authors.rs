//! What an author begins with builds, and is tested in the sandbox.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use dualwright_map_builder::scaffold::{create, template};

mod support;

use support::{all_good, repository, test};

#[tokio::test]
async fn a_new_table_project_passes_its_own_tests() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), "unit-prices", template("table").unwrap()).unwrap();
    all_good(&test(folder.path()).await);
}

/// One project, for a guest takes a while to build: as it is begun, and then with a mistake.
#[tokio::test]
async fn a_new_rust_project_builds_anywhere_and_a_value_that_it_loses_is_found() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), "unit-prices", template("rust").unwrap()).unwrap();
    // The versions that this repository was built with, so that nothing newer is fetched.
    std::fs::copy(repository().join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    all_good(&test(folder.path()).await);

    let path = folder.path().join("src/lib.rs");
    let code = std::fs::read_to_string(&path).unwrap();
    let lossy = code.replace(
        "Outcome::Upsert(vec![company, group, description, tax])",
        "Outcome::Upsert(vec![company, group, description.as_text().map(|text| text.chars().take(5).collect::<String>()).into(), tax])",
    );
    assert_ne!(code, lossy);
    std::fs::write(&path, lossy).unwrap();
    let (_, fields) = test(folder.path()).await;
    let broken: Vec<_> = fields.iter().filter_map(|field| field.broken.as_ref()).collect();
    assert_eq!(broken.len(), 1, "{fields:?}");
    assert_eq!(broken[0].value, "\"aaaaaa\"", "{broken:?}");
    assert!(broken[0].what.contains("comes back as \"aaaaa\""), "{broken:?}");
}

#[tokio::test]
async fn the_example_passes_its_own_tests() {
    all_good(&test(&repository().join("examples/customer-groups")).await);
}

#[tokio::test]
async fn a_map_that_does_something_else_fails_its_fixtures() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), "unit-prices", template("table").unwrap()).unwrap();
    let path = folder.path().join("map.toml");
    let map = std::fs::read_to_string(&path).unwrap();
    let swapped = map.replace("dataverse = \"msdyn_description\" }", "dataverse = \"msdyn_other\" }");
    assert_ne!(map, swapped);
    std::fs::write(&path, swapped).unwrap();
    let (cases, _) = test(folder.path()).await;
    let failed: Vec<&str> =
        cases.iter().filter(|(_, result)| !result.is_good()).map(|(case, _)| case.name.as_str()).collect();
    assert_eq!(failed, ["a group goes out", "a group comes back"]);
}

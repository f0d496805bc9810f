//! What an author begins with builds, and is tested in the sandbox.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use dualwright_map_builder::project::Project;
use dualwright_map_builder::scaffold::{create, template};
use dualwright_map_builder::{BuildOptions, fixtures};
use dualwright_plugin_host::{Grants, Host, HostConfig, Stack};

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
async fn the_examples_of_maps_pass_their_own_tests() {
    for name in ["customer-groups", "customer-credit", "vendor-banks-rust"] {
        all_good(&test(&repository().join("examples").join(name)).await);
    }
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

/// The examples of what is stacked on a map, on the map that they are made for.
#[tokio::test]
async fn the_examples_of_layers_pass_their_fixtures_on_their_map() {
    let build = |path: &str| {
        let project = Project::find(&repository().join(path)).unwrap();
        let built = project.build(&BuildOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        (project, built.bytes)
    };
    let host = Host::new(HostConfig::default()).unwrap();
    let (_, base) = build("plugins/catalogue/pre-party/customers-accounts.toml");
    let base = host.load("customers-accounts", &base, &Grants::default()).unwrap();
    for name in ["customer-credit-control", "customer-loyalty"] {
        let (project, layer) = build(&format!("examples/{name}"));
        let layer = host.load_layer(name, &layer, &Grants::default()).unwrap();
        let stack = Stack::new(base.clone(), vec![layer]).unwrap();
        let mut count = 0;
        for file in fixtures::read_folder(&project.fixtures).unwrap() {
            for (case, result) in file.cases.iter().zip(fixtures::run(&stack, &file.cases).await) {
                assert!(result.is_good() && case.expect.is_some(), "{}: {result:?}", case.name);
                count += 1;
            }
        }
        assert!(count >= 2, "{name} has {count} cases");
    }
}

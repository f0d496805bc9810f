//! A map file becomes a component.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use dualwright_map_builder::guest::Guest;
use dualwright_map_builder::{BuildError, BuildOptions, build_folder, build_map, build_map_with};

const MAP: &str = r#"
[map]
name = "customer-groups"
version = "1.0.0"
about = "Customer groups."
finops = "CustomerGroups"
dataverse = "msdyn_customergroups"
key = [ { finops = "dataAreaId", dataverse = "msdyn_company.cdm_companycode" }, { finops = "CustomerGroupId", dataverse = "msdyn_groupid" } ]
field = [
  { finops = "Description", dataverse = "msdyn_description" },
  { finops = "IsSalesTaxIncludedInPrice", dataverse = "msdyn_taxincluded", values = "yes-no" },
]
"#;

fn folder_with(map: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("values")).unwrap();
    std::fs::create_dir_all(folder.path().join("customers")).unwrap();
    std::fs::write(folder.path().join("values/yes-no.toml"), "[values]\nNo = false\nYes = true\n").unwrap();
    std::fs::write(folder.path().join("customers/customer-groups.toml"), map).unwrap();
    folder
}

fn map_path(folder: &Path) -> std::path::PathBuf {
    folder.join("customers/customer-groups.toml")
}

#[test]
fn a_map_becomes_a_component_of_its_own() {
    let folder = folder_with(MAP);
    let options = BuildOptions::default();
    let built = build_map(&map_path(folder.path()), &options).unwrap();
    assert_eq!(built.description.name.as_str(), "customer-groups");
    assert_eq!(built.description.legs.len(), 2);
    assert!(built.bytes.starts_with(b"\0asm"), "a WebAssembly binary");
    assert!(built.bytes.len() < 150_000, "{} bytes", built.bytes.len());
    let again = build_map(&map_path(folder.path()), &options).unwrap();
    assert_eq!(built.digest, again.digest, "the same map makes the same bytes");
    let other = folder_with(&MAP.replace("1.0.0", "1.0.1"));
    let other = build_map(&map_path(other.path()), &options).unwrap();
    assert_ne!(built.digest, other.digest);
}

#[test]
fn a_wrong_map_is_told_where() {
    let folder = folder_with(&MAP.replace("\"msdyn_description\"", "\"msdyn_groupid\""));
    let error = build_map(&map_path(folder.path()), &BuildOptions::default()).unwrap_err();
    let BuildError::Map { problems } = &error else { panic!("{error}") };
    assert_eq!((problems[0].line, problems[0].column), (10, 3));
    let text = error.to_string();
    assert!(text.contains("msdyn_groupid is written twice"), "{text}");
    assert!(text.contains("customer-groups.toml:10:3"), "{text}");
    assert!(text.contains("^^^^"), "{text}");
    assert!(text.contains("help: "), "{text}");
}

#[test]
fn a_wrong_rule_is_shown_where_it_is_wrong() {
    let rule = "[[rule]]\ndirection = \"to-dataverse\"\nexpression = \"CreditLimit > 'much'\"\n";
    let folder = folder_with(&format!("{MAP}\n{rule}"));
    let error = build_map(&map_path(folder.path()), &BuildOptions::default()).unwrap_err();
    let text = error.to_string();
    let (head, rest) = text.split_once('\n').unwrap();
    assert_eq!(head, "text has no order: only numbers, days and moments have");
    let (place, excerpt) = rest.split_once('\n').unwrap();
    assert!(place.ends_with("customer-groups.toml:16:15"), "{place}");
    assert_eq!(
        excerpt,
        "    |\n 16 | expression = \"CreditLimit > 'much'\"\n    |               ^^^^^^^^^^^^^^^^^^^^"
    );
}

/// A guest from before there were rules runs maps without rules, and no map without its rules.
#[test]
fn an_older_guest_gets_no_rules() {
    let mut guest = Guest::obtain(&BuildOptions::default()).unwrap();
    let placeholder = b"DWTM\x02\0\0\0";
    let at = guest.module.windows(8).position(|bytes| bytes == placeholder).unwrap();
    guest.module[at + 4] = 1;
    let folder = folder_with(MAP);
    build_map_with(&map_path(folder.path()), &guest).unwrap();
    let ruled = folder_with(&format!("{MAP}\n[[rule]]\nfinops = \"Description\"\nrequired = true\n"));
    let error = build_map_with(&map_path(ruled.path()), &guest).unwrap_err();
    assert!(error.to_string().contains("needs 2 for its rules"), "{error}");
}

#[test]
fn a_module_that_is_no_guest_is_refused() {
    let folder = folder_with(MAP);
    let module = folder.path().join("guest.wasm");
    for bytes in [&b""[..], b"\0asm\x01\0\0\0", b"not wasm at all"] {
        std::fs::write(&module, bytes).unwrap();
        let options = BuildOptions { table_map_guest: Some(module.clone()), ..BuildOptions::default() };
        let error = build_map(&map_path(folder.path()), &options).unwrap_err();
        assert!(matches!(error, BuildError::Guest { .. }), "{error}");
    }
}

#[test]
fn away_from_the_sources_an_empty_cache_says_what_to_do() {
    let folder = folder_with(MAP);
    let options = BuildOptions {
        cache: folder.path().join("cache"),
        repository: None,
        table_map_guest: None,
        ..BuildOptions::default()
    };
    let error = build_map(&map_path(folder.path()), &options).unwrap_err();
    assert!(matches!(error, BuildError::NoGuest { .. }), "{error}");
    assert!(error.to_string().contains("DUALWRIGHT_TABLE_MAP_GUEST"), "{error}");
}

#[test]
fn a_folder_is_built_without_its_value_sets_and_says_all_that_is_wrong() {
    let folder = folder_with(MAP);
    std::fs::write(folder.path().join("customers/area.toml"), "about = \"Customers.\"\n").unwrap();
    std::fs::write(folder.path().join("customers/other.toml"), MAP.replace("customer-groups", "other"))
        .unwrap();
    let built = build_folder(folder.path(), &BuildOptions::default()).unwrap();
    let names: Vec<&str> = built.iter().map(|map| map.description.name.as_str()).collect();
    assert_eq!(names, ["customer-groups", "other"]);
    for name in ["first", "second"] {
        let text = MAP.replace("1.0.0", "one");
        std::fs::write(folder.path().join(format!("customers/{name}.toml")), text).unwrap();
    }
    let error = build_folder(folder.path(), &BuildOptions::default()).unwrap_err();
    let BuildError::Map { problems } = &error else { panic!("{error}") };
    assert_eq!(problems.len(), 2, "{error}");
}

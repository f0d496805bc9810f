//! Several maps at once.

use std::path::Path;

use dualwright_model::TableName;
use dualwright_plugin_host::Description;

use super::*;
use crate::check::check_together;
use crate::manifest;

fn described(text: &str) -> Description {
    let file = dualwright_table_map::compile::parse(text).unwrap();
    let compiled = dualwright_table_map::compile::compile(&file, &mut |_| Err(String::new())).unwrap();
    describe(&compiled)
}

/// Another map of the same tables.
fn other(fields: &str, filter: &str) -> Description {
    described(&format!(
        "[map]\nname = \"other\"\nversion = \"1.0.0\"\nfinops = \"CustomersV3\"\ndataverse = \"Accounts\"\n\
         key = [ {{ finops = \"CustomerAccount\", dataverse = \"accountnumber\" }} ]\n\
         legs = [\"to-dataverse\"]\n{filter}\nfield = [ {fields} ]\n"
    ))
}

fn schemas() -> Schemas {
    let mut schemas = Schemas::default();
    schemas.insert(System::Finops, customers());
    schemas.insert(System::Dataverse, accounts());
    schemas
}

fn together(maps: &[Description], filled: &[&str]) -> Vec<Finding> {
    let schemas = schemas();
    let maps: Vec<_> = maps.iter().map(|map| (map, &schemas)).collect();
    let filled: Vec<TableName> = filled.iter().map(|table| TableName::new(*table)).collect();
    check_together(&maps, &filled)
}

#[test]
fn two_maps_that_write_one_column_are_refused() {
    let name = "{ finops = \"PartyType\", dataverse = \"NAME\" }";
    let found = together(&[described(MAP), other(name, "")], &["cdm_companies"]);
    assert_eq!(found.len(), 1, "the key may be written by both: {found:?}");
    is(&found[0], Severity::Error, System::Dataverse, "written-twice");
    assert_eq!(found[0].map.as_str(), "other");
    assert_eq!(found[0].field.as_ref().unwrap().as_str(), "NAME");
    assert_eq!(found[0].message, "NAME of Accounts is written by customers-accounts too");
    let lookup = "{ finops = \"dataAreaId\", dataverse = \"msdyn_company.cdm_name\" }";
    let found = together(&[described(MAP), other(lookup, "")], &["cdm_companies"]);
    assert_eq!(found.len(), 1, "a lookup is one column, whatever it is found by: {found:?}");
    let new = "{ finops = \"PartyType\", dataverse = \"description\" }";
    assert_eq!(together(&[described(MAP), other(new, "")], &["cdm_companies"]), []);
}

#[test]
fn filters_keep_maps_apart() {
    let name = "{ finops = \"PartyType\", dataverse = \"name\" }";
    let filtered = |filter: &str| other(name, &format!("filter = {{ finops = \"{filter}\" }}"));
    let found = together(&[described(MAP), filtered("PartyType eq 'Person'")], &["cdm_companies"]);
    assert_eq!(found, []);
    let found = together(&[described(MAP), filtered("PartyType eq 'Organization'")], &["cdm_companies"]);
    assert_eq!(found.len(), 1, "the same filter keeps nothing apart: {found:?}");
}

#[test]
fn two_maps_of_one_name_are_refused() {
    let found = together(&[described(MAP), described(MAP)], &["cdm_companies"]);
    assert!(found.iter().any(|finding| finding.code == "same-name"), "{found:?}");
}

#[test]
fn a_lookup_needs_a_map_that_fills_its_table() {
    let found = together(&[described(MAP)], &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    is(&found[0], Severity::Error, System::Dataverse, "lookup-not-filled");
    assert_eq!(found[0].field.as_ref().unwrap().as_str(), "msdyn_company.cdm_companycode");
    assert_eq!(
        found[0].to_string(),
        "error [lookup-not-filled] customers-accounts: msdyn_company.cdm_companycode leads to cdm_companies, which no \
         map fills\n  help: run the map that fills cdm_companies beside this one, or say that something else fills \
         it: --filled cdm_companies"
    );
    let companies = |legs: &str| {
        described(&format!(
            "[map]\nname = \"companies\"\nversion = \"1.0.0\"\nfinops = \"LegalEntities\"\n\
             dataverse = \"CDM_companies\"\nlegs = [\"{legs}\"]\n\
             key = [ {{ finops = \"LegalEntityId\", dataverse = \"cdm_companycode\" }} ]\n"
        ))
    };
    assert_eq!(together(&[described(MAP), companies("to-dataverse")], &[]), []);
    let found = together(&[described(MAP), companies("to-finops")], &[]);
    assert_eq!(found.len(), 1, "a map that only reads the table does not fill it: {found:?}");
}

#[test]
fn the_maps_of_the_catalogue_get_along() {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/catalogue");
    if !catalogue.is_dir() {
        eprintln!("skipped: not inside the repository");
        return;
    }
    let files = crate::map_files(&catalogue).unwrap();
    let maps: Vec<(bool, Description)> = files
        .iter()
        .map(|file| {
            let older = file.components().any(|part| part.as_os_str() == "pre-party");
            (older, describe(&manifest::read(file).unwrap().map))
        })
        .collect();
    assert!(maps.len() > 140);
    let nothing = Schemas::default();
    let (older, newer): (Vec<_>, Vec<_>) = maps.iter().partition(|(older, _)| *older);
    for generation in [older, newer] {
        // Maps that exclude each other are not run together; of each such pair the second is left at home.
        let mut chosen: Vec<&Description> = Vec::new();
        for (_, map) in generation {
            let shut_out = |one: &Description, other: &Description| one.excludes.contains(&other.name);
            if !chosen.iter().any(|other| shut_out(map, other) || shut_out(other, map)) {
                chosen.push(map);
            }
        }
        let maps: Vec<_> = chosen.into_iter().map(|map| (map, &nothing)).collect();
        assert_eq!(check_together(&maps, &[]), []);
    }
}

#[test]
fn generations_that_exclude_each_other_are_refused_together() {
    let newer = described(&MAP.replacen("version", "excludes = [\"other\"]\nversion", 1));
    let older = other("{ finops = \"PartyType\", dataverse = \"description\" }", "");
    for maps in [[newer.clone(), older.clone()], [older, newer]] {
        let found = together(&maps, &["cdm_companies"]);
        assert_eq!(found.len(), 1, "{found:?}");
        is(&found[0], Severity::Error, System::Finops, "excluded");
        assert!(found[0].message.contains("must not run beside"), "{}", found[0].message);
    }
}

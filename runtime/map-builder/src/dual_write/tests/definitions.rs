use dualwright_model::System;

use super::CRATES;
use crate::dual_write::automation::Automation;
use crate::dual_write::tables::Entity;
use crate::dual_write::{Aids, Definition, Imported, Weight, import};

fn told(imported: &Imported) -> String {
    let remarks: Vec<String> = imported.remarks.iter().map(ToString::to_string).collect();
    format!("{}\n{}", imported.to_text(), remarks.join("\n"))
}

fn crates() -> Definition {
    Definition::parse(CRATES).unwrap()
}

fn entities() -> Vec<Entity> {
    vec![Entity {
        name: "ContosoCrateTypeEntity".into(),
        set: "ContosoCrateTypes".into(),
        singular: "ContosoCrateType".into(),
        label: "Crate types".into(),
    }]
}

fn automation() -> Automation {
    let xml = r#"<MapConfigs><Map mapName="contoso_cratetypes - Crate types" master="CE"
        keys="contoso_code,contoso_company.cdm_companycode,contoso_owner.msdyn_company.cdm_companycode"/></MapConfigs>"#;
    Automation::parse(xml).unwrap().unwrap()
}

/// Alone, a definition tells neither its key nor its F&O table: both are guessed, and it says so.
#[test]
fn a_definition_alone() {
    insta::assert_snapshot!(told(&import(&crates(), &Aids::default())));
}

#[test]
fn a_definition_with_all_that_helps() {
    let (entities, automation) = (entities(), automation());
    let aids = Aids { entities: Some(&entities), automation: Some(&automation), ..Aids::default() };
    let imported = import(&crates(), &aids);
    assert_eq!(imported.master, Some(System::Dataverse));
    insta::assert_snapshot!(told(&imported));
}

/// What a person says comes before everything else.
#[test]
fn what_is_said_is_taken() {
    let (automation, entities) = (automation(), entities());
    let key = [("NAME".to_owned(), "contoso_name".to_owned())];
    let tables = [("crate types".to_owned(), "CratesV9".to_owned())];
    let aids = Aids {
        tables: &tables,
        key: &key,
        entities: Some(&entities),
        automation: Some(&automation),
        ..Aids::default()
    };
    let sheet = import(&crates(), &aids).sheet;
    assert_eq!(sheet.text("finops"), "CratesV9");
    assert_eq!(sheet.key(), [("NAME", "contoso_name")]);
}

/// A leg that is drawn from Dataverse to F&O is the same map.
#[test]
fn a_leg_may_be_drawn_the_other_way_round() {
    let text = r#"{ "name": "x", "legs": [{
        "sourceEnvironmentType": "CRM", "sourceSchema": "contoso_cratetypes", "sourceFilter": "contoso_retired eq false",
        "destinationEnvironmentType": "AX", "destinationSchema": "Crate types",
        "reversedSourceFilter": "IsRetired == NoYes::No",
        "fieldMappings": [
          { "syncDirection": 1, "sourceField": "contoso_name", "destinationField": "NAME" },
          { "syncDirection": 2, "sourceField": "contoso_memo", "destinationField": "MEMO",
            "valueTransforms": [{ "transformType": "ValueMap", "valueMap": { "1": "Oak" } }] }
        ] }] }"#;
    let entities = entities();
    let imported =
        import(&Definition::parse(text).unwrap(), &Aids { entities: Some(&entities), ..Aids::default() });
    let text = imported.sheet.to_text(&[]);
    assert!(
        text.contains(r#"finops = "NAME", dataverse = "contoso_name", direction = "to-finops""#),
        "{text}"
    );
    assert!(text.contains(r#"direction = "to-dataverse", values = { Oak = 1 }"#), "{text}");
    assert!(text.contains("NoYes'No'\", dataverse = \"contoso_retired eq false\""), "{text}");
}

/// A filter that nobody understands stays, so that the map does not start and write what it should not.
#[test]
fn a_filter_that_cannot_be_carried_stays() {
    let text = CRATES.replace("(Owner != \\\"\\\")", "(ValidTo > DateTimeUtil::utcNow())");
    let imported = import(&Definition::parse(&text).unwrap(), &Aids::default());
    let filter = imported.sheet.header["filter"]["finops"].as_str().unwrap();
    assert!(filter.contains("utcNow"), "{filter}");
    assert!(dualwright_odata::Filter::parse(filter).is_err());
    let remark = imported.remarks.iter().find(|remark| remark.subject == "filter over F&O").unwrap();
    assert!(remark.weight == Weight::Lost && remark.reason.contains("DateTimeUtil::utcNow()"), "{remark}");
}

#[test]
fn garbage_is_refused_with_a_reason() {
    for (text, reason) in [
        ("{}", "legs"),
        ("{\"legs\": []}", "empty"),
        ("{\"legs\": [1]}", "object"),
        ("{\"legs\": [{}]}", "fieldMappings"),
        ("[]", "object"),
        ("nonsense", "JSON"),
    ] {
        let error = Definition::parse(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
    let packed = serde_json::to_string(CRATES).unwrap();
    assert_eq!(Definition::parse(&packed).unwrap(), crates());
}

use serde_json::{Value, json};

use crate::support::start;

#[tokio::test]
async fn tables_describe_themselves() {
    let emulator = start().await;
    let client = &emulator.client;
    let account = client
        .get("EntityDefinitions(LogicalName='account')?$select=EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled\
              &$expand=Attributes($select=LogicalName,AttributeType,MaxLength,Targets),Keys,ManyToOneRelationships")
        .await;
    assert_eq!(account["EntitySetName"], "accounts");
    assert_eq!(account["ChangeTrackingEnabled"], true);
    assert!(account.get("LogicalName").is_none());
    let attribute = |name: &str| -> Value {
        let all = account["Attributes"].as_array().unwrap();
        all.iter().find(|attribute| attribute["LogicalName"] == name).unwrap().clone()
    };
    assert_eq!(attribute("name")["MaxLength"], 160);
    assert_eq!(attribute("accountid")["AttributeType"], "Uniqueidentifier");
    assert_eq!(attribute("parentcustomerid")["Targets"], json!(["account", "contact"]));
    assert_eq!(attribute("versionnumber")["AttributeType"], "BigInt");
    assert_eq!(account["Keys"][0]["KeyAttributes"], json!(["accountnumber", "msdyn_company"]));
    assert_eq!(account["Keys"][0]["EntityKeyIndexStatus"], "Active");
    let relationships = account["ManyToOneRelationships"].as_array().unwrap();
    let navigation: Vec<_> = relationships
        .iter()
        .map(|one| one["ReferencingEntityNavigationPropertyName"].as_str().unwrap())
        .collect();
    assert_eq!(navigation, ["msdyn_company", "parentcustomerid_account", "parentcustomerid_contact"]);

    let picklists = client
        .get("EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata\
              ?$select=LogicalName&$expand=OptionSet")
        .await;
    assert_eq!(picklists["value"].as_array().unwrap().len(), 1);
    let options = picklists["value"][0]["OptionSet"]["Options"].as_array().unwrap();
    assert_eq!(options.iter().map(|option| option["Value"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    let one =
        client.get("EntityDefinitions(LogicalName='account')/Attributes(LogicalName='creditlimit')").await;
    assert_eq!((&one["AttributeType"], &one["Precision"]), (&json!("Decimal"), &json!(2)));

    let tracked =
        client.get("EntityDefinitions?$select=LogicalName&$filter=ChangeTrackingEnabled eq true").await;
    let names: Vec<_> =
        tracked["value"].as_array().unwrap().iter().map(|one| one["LogicalName"].clone()).collect();
    assert_eq!(names, [json!("account"), json!("cdm_company")]);
    client.send("GET", "EntityDefinitions(LogicalName='nothing')", &[], "").await.expect(404);
}

#[tokio::test]
async fn the_metadata_document_is_csdl() {
    let emulator = start().await;
    let answer = emulator.client.send("GET", "$metadata", &[], "").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/xml");
    let metadata = dualwright_odata::metadata::parse(&answer.text).unwrap();
    let account = metadata.entity_type("account").unwrap();
    assert_eq!(account.key, ["accountid"]);
    assert!(account.properties.iter().any(|property| property.name == "_msdyn_company_value"));
    let set = metadata.entity_set("accounts").unwrap();
    assert!(set.bindings.contains(&("parentcustomerid_contact".into(), "contacts".into())));
    let service = emulator.client.get("").await;
    assert!(service["value"].as_array().unwrap().iter().any(|set| set["name"] == "accounts"));
}

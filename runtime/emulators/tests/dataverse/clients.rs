//! What clients that others wrote rely on, each rule with its page in `MicrosoftDocs/powerapps-docs`,
//! `powerapps-docs/developer/data-platform/`. `tests/clients` runs the clients themselves.

use serde_json::json;

use crate::support::start;

/// `webapi/query/overview.md`: what the service would answer otherwise is never left out in silence.
#[tokio::test]
async fn options_that_would_change_the_answer_are_refused_by_name() {
    let emulator = start().await;
    let client = &emulator.client;
    for option in ["sql=SELECT%20name%20FROM%20account", "fetchXml=x", "savedQuery=x", "$apply=x", "$index=1"]
    {
        let answer = client.send("GET", &format!("accounts?{option}"), &[], "").await.expect(501);
        let name = option.split('=').next().unwrap();
        assert!(answer.text.contains(&format!("does not support {name}")), "{}", answer.text);
    }
    // Names of a client's own change nothing, and neither does the format that is answered anyway.
    client.get("accounts?$format=json&tag=mine&trace=1").await;
}

/// `webapi/web-api-actions.md`, `webapi/web-api-functions.md`.
#[tokio::test]
async fn actions_functions_and_definitions_are_refused_by_name() {
    let emulator = start().await;
    let client = &emulator.client;
    for name in [
        "BulkDelete",
        "CreateEntities",
        "RetrieveVersion()",
        "RetrieveMetadataChanges(Query=@p)",
        "GlobalOptionSetDefinitions",
    ] {
        let answer = client.send("POST", name, &[], "{}").await.expect(501);
        assert!(answer.text.contains(name.split('(').next().unwrap()), "{}", answer.text);
    }
    let answer = client.send("POST", "/api/search/v2.0/query", &[], "{}").await.expect(501);
    assert!(answer.text.contains("/api/search"), "{}", answer.text);
    client.send("GET", "nosuchtables", &[], "").await.expect(404);
}

/// `webapi/update-delete-entities-using-web-api.md`, "Update a single property value".
#[tokio::test]
async fn one_property_is_put() {
    let emulator = start().await;
    let client = &emulator.client;
    let id = client.create("accounts", r#"{"name":"Contoso","creditlimit":1}"#).await;
    client.send("PUT", &format!("accounts({id})/creditlimit"), &[], r#"{"value":12.50}"#).await.expect(204);
    let row = client.get(&format!("accounts({id})")).await;
    assert_eq!((&row["creditlimit"], &row["name"]), (&json!(12.50), &json!("Contoso")));
    let put = async |path: &str, body: &str| client.send("PUT", path, &[], body).await;
    let answer = put(&format!("accounts({id})/name"), r#"{"name":"x"}"#).await.expect(400);
    assert!(answer.text.contains("'value'"), "{}", answer.text);
    put(&format!("accounts({id})/nosuchcolumn"), r#"{"value":1}"#).await.expect(400);
    put(&format!("accounts({id})/_msdyn_company_value"), r#"{"value":null}"#).await.expect(405);
    // It never creates.
    put("accounts(00000000-0000-0000-0000-00000000dead)/name", r#"{"value":"x"}"#).await.expect(404);
}

/// `reference/entities/account.md`, `statecode` and `statuscode`; `webapi/query/overview.md`, "Formatted values".
#[tokio::test]
async fn states_are_told_in_words() {
    let emulator = start().await;
    let client = &emulator.client;
    let id = client.create("accounts", r#"{"name":"Contoso","customertypecode":3}"#).await;
    let annotate = [("prefer", "odata.include-annotations=\"*\"")];
    let path = format!("accounts({id})?$select=statecode,statuscode,customertypecode");
    let row = client.send("GET", &path, &annotate, "").await.expect(200).json();
    let told = |column: &str| row[format!("{column}@OData.Community.Display.V1.FormattedValue")].clone();
    assert_eq!((told("statecode"), told("statuscode")), (json!("Active"), json!("Active")));
    // Options of a schema file have numbers only.
    assert_eq!(told("customertypecode"), "3");
    let states = client
        .get("EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.StateAttributeMetadata?$expand=OptionSet")
        .await;
    let options = &states["value"][0]["OptionSet"]["Options"];
    assert_eq!(options[1]["Label"]["UserLocalizedLabel"]["Label"], "Inactive");
}

/// `webapi/query-metadata-web-api.md`: a filter on what is not there must not look as if nothing fitted.
#[tokio::test]
async fn definitions_are_filtered_by_what_they_have_only() {
    let emulator = start().await;
    let client = &emulator.client;
    let names = async |filter: &str| {
        let answer = client.get(&format!("EntityDefinitions?$select=LogicalName&$filter={filter}")).await;
        answer["value"].as_array().unwrap().len()
    };
    assert!(names("IsPrivate%20eq%20false").await >= 3);
    assert_eq!(names("IsPrivate%20eq%20true").await, 0);
    for query in [
        "EntityDefinitions?$filter=NoSuchThing%20eq%20true",
        "EntityDefinitions(LogicalName='account')?$select=NoSuchThing",
        "EntityDefinitions(LogicalName='account')/Attributes?$select=NoSuchThing",
    ] {
        let answer = client.send("GET", query, &[], "").await.expect(501);
        assert!(answer.text.contains("NoSuchThing"), "{}", answer.text);
    }
}

/// `webapi/query-metadata-web-api.md`: relationships are told from both ends.
#[tokio::test]
async fn relationships_are_told_from_both_ends() {
    let emulator = start().await;
    let client = &emulator.client;
    let many = client.get("EntityDefinitions(LogicalName='account')/ManyToOneRelationships").await;
    let company = client.get("EntityDefinitions(LogicalName='cdm_company')/OneToManyRelationships").await;
    let one = &company["value"][0];
    assert_eq!(
        (&one["ReferencingEntity"], &one["ReferencedEntity"]),
        (&json!("account"), &json!("cdm_company"))
    );
    assert!(many["value"].as_array().unwrap().contains(one));
    let none = client.get("EntityDefinitions(LogicalName='account')/ManyToManyRelationships").await;
    assert_eq!(none["value"], json!([]));
}

/// `webapi/execute-batch-operations-using-web-api.md`: clients know the answer to a changeset by its boundary.
#[tokio::test]
async fn the_answer_to_a_changeset_is_named_so() {
    let emulator = start().await;
    let body = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\
                Content-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\nPOST /api/data/v9.2/accounts HTTP/1.1\r\n\
                Content-Type: application/json\r\n\r\n{\"name\":\"x\"}\r\n--c--\r\n--b--\r\n";
    let headers = [("content-type", "multipart/mixed; boundary=b")];
    let answer = emulator.client.send("POST", "$batch", &headers, body).await.expect(200);
    assert!(answer.text.starts_with("--batchresponse_"), "{}", answer.text);
    assert!(answer.text.contains("boundary=changesetresponse_"), "{}", answer.text);
    assert!(answer.text.contains("\r\n--changesetresponse_"), "{}", answer.text);
}

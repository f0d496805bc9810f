use serde_json::json;

use super::server::{Server, exchange};
use super::{ONE, TWO};
use crate::{Connector, NudgeSubscription};

fn subscription() -> NudgeSubscription {
    NudgeSubscription {
        tables: vec!["accounts".into()],
        endpoint: "http://127.0.0.1:7900/nudges/dataverse".into(),
        secret: "push-secret".into(),
    }
}

#[tokio::test]
async fn the_webhook_and_its_steps_are_registered() {
    let filters = json!({ "value": [
        { "sdkmessagefilterid": "f1", "_sdkmessageid_value": "m1" },
        { "sdkmessagefilterid": "f2", "_sdkmessageid_value": "m2" },
        { "sdkmessagefilterid": "f3", "_sdkmessageid_value": "m3" },
    ] });
    let messages = json!({ "value": [
        { "sdkmessageid": "m1", "name": "Create" },
        { "sdkmessageid": "m2", "name": "Update" },
        { "sdkmessageid": "m3", "name": "Delete" },
    ] });
    let script = vec![
        exchange(
            "GET serviceendpoints?$select=serviceendpointid,name,url&$filter=name eq 'dualwright' and contract eq 8",
            200,
            json!({ "value": [] }),
        ),
        exchange("POST serviceendpoints?", 201, json!({ "serviceendpointid": ONE })),
        exchange(
            "GET sdkmessageprocessingsteps?$select=sdkmessageprocessingstepid,name&$filter=startswith(name,'dualwright: ')",
            200,
            json!({ "value": [{ "name": "dualwright: Update of account" }] }),
        ),
        exchange("GET sdkmessages?", 200, messages),
        exchange(
            "GET sdkmessagefilters?$select=sdkmessagefilterid,_sdkmessageid_value&$filter=primaryobjecttypecode eq 'account'",
            200,
            filters,
        ),
        exchange("POST sdkmessageprocessingsteps", 204, json!(null)),
        exchange("POST sdkmessageprocessingsteps", 204, json!(null)),
    ];
    let (server, dataverse) = Server::start(script).await;
    dataverse.subscribe(&subscription()).await.unwrap();
    let seen = server.finish();
    assert_eq!(
        seen[1].json(),
        json!({ "name": "dualwright", "contract": 8, "authtype": 4, "authvalue": "push-secret",
            "url": "http://127.0.0.1:7900/nudges/dataverse" })
    );
    let step = seen[6].json();
    assert_eq!(step["name"], "dualwright: Delete of account");
    assert_eq!((&step["stage"], &step["mode"]), (&json!(40), &json!(1)));
    assert_eq!(step["sdkmessagefilterid@odata.bind"], "/sdkmessagefilters(f3)");
    assert_eq!(step["eventhandler_serviceendpoint@odata.bind"], format!("/serviceendpoints({ONE})"));
}

#[tokio::test]
async fn registering_again_changes_the_address_and_adds_nothing() {
    let steps: Vec<_> = ["Create", "Update", "Delete"]
        .iter()
        .map(|message| json!({ "name": format!("dualwright: {message} of account") }))
        .collect();
    let script = vec![
        exchange("GET serviceendpoints?", 200, json!({ "value": [{ "serviceendpointid": TWO }] })),
        exchange(&format!("PATCH serviceendpoints({TWO})"), 204, json!(null)),
        exchange("GET sdkmessageprocessingsteps?", 200, json!({ "value": steps })),
        exchange("GET sdkmessages?", 200, json!({ "value": [] })),
    ];
    let (server, dataverse) = Server::start(script).await;
    dataverse.subscribe(&subscription()).await.unwrap();
    let seen = server.finish();
    assert_eq!(seen[1].json()["authvalue"], "push-secret");
    let shown = format!("{:?} {dataverse:?}", subscription());
    assert!(shown.contains("127.0.0.1") && !shown.contains("push-secret") && !shown.contains("hunter2"));
}

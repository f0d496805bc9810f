//! What an operator asks of one record, over the runtime's own HTTP.

use std::sync::Arc;

use dualwright_model::Value as Cell;
use reqwest::StatusCode;
use serde_json::json;

use crate::control::Served;
use crate::map::{CopyMap, Flaw};
use crate::settle_down;

#[tokio::test]
async fn a_record_tells_its_story_and_is_done_again() {
    let served = Served::start(None).await;
    let (status, story) = served.get("/v1/maps/copy/records?key=a").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        story["link"]["dataverse"]["written_by"],
        json!({ "map_version": "1.0.0", "digest": "native" })
    );
    assert_eq!(story["link"]["finops"]["written_by"], json!(null));
    assert_eq!((&story["pending"], &story["dead_letters"]), (&json!([]), &json!([])));

    let mended = Arc::new(CopyMap::version("1.0.1", "mended", Flaw::None));
    served.engine.switch(&"copy".into(), mended, "test").await.unwrap();
    let again = served.post("/v1/maps/copy/reapply", json!({ "version": "1.0.0" })).await;
    assert_eq!(again, (StatusCode::OK, json!({ "map": "copy", "version": "1.0.0", "rows": 1 })));
    settle_down(&served.world, 1).await;
    assert_eq!(served.world.dataverse.rows()["a"]["name"], Cell::text("one"));

    let (status, story) = served.get("/v1/maps/copy/records?key=nobody").await;
    assert_eq!((status, &story["link"]), (StatusCode::OK, &json!(null)));
    for (path, status) in [
        ("/v1/maps/copy/records", StatusCode::BAD_REQUEST),
        ("/v1/maps/copy/records?name=a", StatusCode::BAD_REQUEST),
        ("/v1/maps/nobody/records?key=a", StatusCode::NOT_FOUND),
    ] {
        let (found, answer) = served.get(path).await;
        assert_eq!(found, status, "{path}");
        assert!(
            answer["error"]["message"].as_str().is_some_and(|message| message.len() > 20),
            "{path}: {answer}"
        );
    }
    served.stop().await;
}

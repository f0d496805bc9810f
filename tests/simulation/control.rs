//! The runtime's own HTTP, over real sockets, on top of the simulated systems.

use std::sync::Arc;
use std::time::Duration;

use dualwright_control::{Control, ControlSettings};
use dualwright_engine::Engine;
use dualwright_model::{System, Value as Cell};
use dualwright_store::conformance::entry;
use dualwright_store::{NewDeadLetter, Sequence, Settlement, Store};
use dualwright_sync::conflict::Policy;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::{World, settle_down};

pub(crate) struct Served {
    pub(crate) world: World,
    pub(crate) engine: Arc<Engine>,
    control: Control,
    http: Client,
}

impl Served {
    pub(crate) async fn start(token: Option<&str>) -> Self {
        let world = World::new(1, Policy::FinopsWins, System::Finops);
        world.finops.user_set("a", "name", Cell::text("one"));
        let engine = world.start().await;
        let settings = ControlSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            nudge_secret: "nudge-secret".into(),
            token: token.map(str::to_owned),
        };
        let listener = Control::bind(&settings).await.unwrap();
        let control = Control::serve(listener, settings, Arc::clone(&engine), world.pair(), None).unwrap();
        settle_down(&world, 1).await;
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { world, engine, control, http: Client::new() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.control.address)
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.http.get(self.url(path)).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self.http.post(self.url(path)).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    pub(crate) async fn stop(self) {
        self.engine.shutdown().await;
        self.control.shutdown().await;
    }
}

/// I1: a push is acknowledged only once its change is in the journal; and by whom it comes is checked first.
#[tokio::test]
async fn a_push_is_acknowledged_once_it_is_durable() {
    let served = Served::start(None).await;
    served.engine.request(&"copy".into(), dualwright_sync::map_state::Request::Pause, "test").await.unwrap();
    served.world.finops.detach();
    served.world.finops.user_set("a", "name", Cell::text("two"));
    let push = |code: &str| {
        let url = served.url(&format!("/nudges/finops?code={code}"));
        served.http.post(url).body("a").send()
    };
    assert_eq!(push("guess").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert!(served.world.store.pending(&"copy".into(), Sequence(0), 9).await.unwrap().is_empty());
    assert_eq!(push("nudge-secret").await.unwrap().status(), StatusCode::OK);
    // Paused, so that the entry is still there to be seen.
    let pending = served.world.store.pending(&"copy".into(), Sequence(0), 9).await.unwrap();
    assert_eq!(pending[0].entry.change.record.get("name"), &Cell::text("two"));
    let unknown = served.post("/nudges/elsewhere", json!(null)).await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
    served.stop().await;
}

/// I12: what is answered are types of the API; a word that changes here changes for everybody who reads it.
#[tokio::test]
async fn maps_are_shown_paused_and_resumed() {
    let served = Served::start(None).await;
    let (status, maps) = served.get("/v1/maps").await;
    assert_eq!(status, StatusCode::OK);
    let map = &maps["maps"][0];
    assert_eq!((map["map"].as_str(), map["version"].as_str()), (Some("copy"), Some("1.0.0")));
    assert_eq!(map["legs"]["to-dataverse"]["applied"], 1);
    assert_eq!(map["legs"]["to-dataverse"]["pending"], 0);
    assert_eq!(served.post("/v1/maps/copy/pause", json!({})).await.1["state"], "paused");
    let (status, refusal) = served.post("/v1/maps/copy/pause", json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(refusal["error"]["message"], "a map that is paused cannot be asked to pause");
    assert_eq!(served.post("/v1/maps/copy/resume", json!({})).await.0, StatusCode::OK);
    assert_eq!(served.post("/v1/maps/nobody/pause", json!({})).await.0, StatusCode::NOT_FOUND);
    let (_, log) = served.get("/v1/activities?map=copy&limit=50").await;
    let lines = log["activities"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["actor"] == "operator" && line["kind"] == "state"));
    assert_eq!(served.get("/v1/activities?nonsense=1").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(served.get("/health").await, (StatusCode::OK, json!({ "healthy": true })));
    served.stop().await;
}

#[tokio::test]
async fn dead_letters_are_listed_retried_and_skipped() {
    let served = Served::start(None).await;
    let letter = |key: &str| {
        let mut entry = entry("copy", dualwright_model::Leg::ToDataverse, key);
        entry.change.record.set("key", Cell::text(key));
        NewDeadLetter {
            entry,
            class: dualwright_diagnostics::Class::Data,
            code: "rejected".into(),
            message: "it does not fit".into(),
            column: Some("name".into()),
            violations: Vec::new(),
            intended: None,
            map_version: "1.0.0".into(),
            digest: "native".into(),
            at: Default::default(),
        }
    };
    let settlement = Settlement { dead_letters: vec![letter("x"), letter("y")], ..Settlement::default() };
    served.world.store.settle(settlement).await.unwrap();
    // What is retried is the row as it is now, not as it was when the letter was written.
    served.world.finops.detach();
    served.world.finops.user_set("y", "name", Cell::text("mended"));
    let (_, list) = served.get("/v1/dead-letters?map=copy").await;
    let letters = list["dead_letters"].as_array().unwrap();
    assert_eq!(letters.len(), 2);
    assert_eq!((letters[0]["key"].as_str(), letters[0]["column"].as_str()), (Some("x"), Some("name")));
    assert_eq!(letters[0]["captured"]["money"], "12345678901234567890.0001", "an amount is text (I10)");
    assert_eq!(
        served.post("/v1/dead-letters/skip", json!({ "ids": [letters[0]["id"]] })).await.1["skipped"],
        1
    );
    assert_eq!(
        served.post("/v1/dead-letters/retry", json!({ "ids": [letters[1]["id"]] })).await.1["retried"],
        1
    );
    assert_eq!(served.get("/v1/dead-letters?map=copy").await.1["dead_letters"], json!([]));
    assert_eq!(
        served.post("/v1/dead-letters/retry", json!({ "id": 1 })).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    tokio::time::timeout(Duration::from_secs(120), settle_down(&served.world, 1)).await.unwrap();
    assert_eq!(served.world.dataverse.rows()["y"]["name"], Cell::text("mended"));
    served.stop().await;
}

#[tokio::test]
async fn a_token_is_asked_for_where_there_is_one_and_outside_this_machine() {
    let served = Served::start(Some("control-token")).await;
    assert_eq!(served.get("/v1/maps").await.0, StatusCode::UNAUTHORIZED);
    let with = |token: &str| served.http.get(served.url("/v1/maps")).bearer_auth(token.to_owned()).send();
    assert_eq!(with("control-tokem").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(with("control-token").await.unwrap().status(), StatusCode::OK);
    assert_eq!(served.get("/health").await.0, StatusCode::OK);
    served.stop().await;
    let open =
        ControlSettings { listen: "0.0.0.0:0".parse().unwrap(), nudge_secret: String::new(), token: None };
    let refused = Control::bind(&open).await.unwrap_err().to_string();
    assert!(refused.contains("token must be set"), "{refused}");
}

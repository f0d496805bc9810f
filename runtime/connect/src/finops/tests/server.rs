//! A server that plays back recorded exchanges: it knows one table's definition, answers everything else from a
//! script, part by part where it comes in a batch, and notes what did not go by the script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use dualwright_odata::batch::{self, Item, Limits};
use dualwright_odata::percent::decode_query;
use serde_json::{Value as Json, json};

use crate::finops::{Finops, FinopsConfig};
use crate::http::{RetryPolicy, SignIn};

/// One exchange of the script: what must come, and what goes back.
pub(super) struct Exchange {
    expect: String,
    status: u16,
    answer: String,
}

/// What came: `METHOD path?query`, decoded; headers; body.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    headers: Vec<(String, String)>,
    body: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Script {
    exchanges: VecDeque<Exchange>,
    seen: Vec<Seen>,
    strays: Vec<String>,
}

pub(super) struct Server {
    script: Mutex<Script>,
    address: String,
}

pub(super) fn exchange(expect: &str, status: u16, answer: Json) -> Exchange {
    let answer = if answer.is_null() { String::new() } else { answer.to_string() };
    Exchange { expect: expect.to_owned(), status, answer }
}

impl Server {
    /// Starts a server on a free port of this machine, and a connector to it.
    pub(super) async fn start(exchanges: Vec<Exchange>) -> (Arc<Self>, Finops) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let script = Script { exchanges: exchanges.into(), ..Script::default() };
        let server = Arc::new(Self { script: Mutex::new(script), address: address.clone() });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let sign_in = SignIn::new(&address, "tenant", &address, "dualwright", "hunter2".into());
        let mut config = FinopsConfig::new(&address, sign_in);
        config.http.retry =
            RetryPolicy { attempts: 2, base: Duration::from_millis(1), cap: Duration::from_millis(1) };
        (server, Finops::connect(config).unwrap())
    }

    /// Everything that came, once the script has been played to its end.
    pub(super) fn finish(&self) -> Vec<Seen> {
        let script = self.script.lock().unwrap();
        assert!(script.strays.is_empty(), "did not go by the script: {:#?}", script.strays);
        let left: Vec<&String> = script.exchanges.iter().map(|exchange| &exchange.expect).collect();
        assert!(left.is_empty(), "never came: {left:#?}");
        script.seen.clone()
    }

    fn play(&self, line: &str, seen: Seen) -> (u16, String) {
        if let Some(answer) = definitions(line) {
            return (200, answer.to_string());
        }
        let mut script = self.script.lock().unwrap();
        let matches = script.exchanges.front().is_some_and(|exchange| line == exchange.expect);
        let exchange = if matches { script.exchanges.pop_front() } else { None };
        let Some(exchange) = exchange else {
            let expected = script.exchanges.front().map(|exchange| exchange.expect.clone());
            script.strays.push(format!("{line} (expected {expected:?})"));
            return (418, String::new());
        };
        script.seen.push(seen);
        (exchange.status, exchange.answer.replace("{address}", &self.address))
    }
}

async fn handle(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    if target.ends_with("/oauth2/v2.0/token") {
        let token = r#"{"access_token":"t","expires_in":3599}"#;
        return ([("content-type", "application/json")], token).into_response();
    }
    if target.ends_with("/$batch") {
        let content_type = parts.headers["content-type"].to_str().unwrap();
        let items = batch::parse_request(content_type, &body, &Limits::default()).unwrap();
        let answers: Vec<_> = items.into_iter().map(|item| answer_part(&server, item)).collect();
        let answer = batch::build_response(&answers, "batchresponse_1");
        return ([("content-type", batch::content_type("batchresponse_1"))], answer).into_response();
    }
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    let seen = Seen { headers: headers.collect(), body: String::from_utf8_lossy(&body).into_owned() };
    let (status, answer) = server.play(&line(parts.method.as_str(), &target), seen);
    let mut response = answer.into_response();
    *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap();
    response
}

fn answer_part(server: &Server, item: Item<batch::PartRequest>) -> Item<batch::PartResponse> {
    let Item::Single(part) = item else { panic!("a changeset") };
    let seen = Seen { headers: part.headers, body: String::from_utf8(part.body).unwrap() };
    let (status, answer) = server.play(&line(&part.method, &part.url), seen);
    Item::Single(batch::PartResponse { body: answer.into_bytes(), ..batch::PartResponse::new(status) })
}

fn line(method: &str, target: &str) -> String {
    let path = target.strip_prefix("/data/").unwrap_or(target);
    format!("{method} {}", decode_query(path).unwrap())
}

fn property(name: &str, type_name: &str, data_type: &str) -> Json {
    json!({ "Name": name, "TypeName": type_name, "DataType": data_type, "LabelId": null,
        "IsKey": matches!(name, "dataAreaId" | "CustomerAccount"), "IsMandatory": name == "CustomerAccount",
        "ConfigurationEnabled": true, "AllowEdit": name != "dataAreaId", "AllowEditOnCreate": true,
        "IsDimension": false })
}

/// The definition of one table, as the metadata service tells it.
fn definitions(line: &str) -> Option<Json> {
    let members = |names: [&str; 2]| {
        let [first, second] = names;
        json!({ "Members": [{ "Name": first, "Value": 0 }, { "Name": second, "Value": 1 }] })
    };
    let namespace = "Microsoft.Dynamics.DataEntities";
    Some(match line.strip_prefix("GET /metadata/")? {
        "DataEntities?$filter=PublicCollectionName eq 'CustomersV3'" => json!({ "value": [
            { "Name": "CustCustomerV3Entity", "PublicEntityName": "CustomerV3",
                "PublicCollectionName": "CustomersV3", "IsReadOnly": false },
        ] }),
        "PublicEntities('CustomerV3')" => json!({ "Name": "CustomerV3", "EntitySetName": "CustomersV3",
            "Properties": [
                property("dataAreaId", "Edm.String", "String"),
                property("CustomerAccount", "Edm.String", "String"),
                property("CreditLimit", "Edm.Decimal", "Real"),
                property("PartyType", &format!("{namespace}.DirPartyBaseType"), "Enum"),
                property("IsOneTimeCustomer", &format!("{namespace}.NoYes"), "Enum"),
                property("CustomerSince", "Edm.DateTimeOffset", "Date"),
                property("Picture", "Edm.Binary", "Container"),
            ] }),
        "PublicEnumerations('DirPartyBaseType')" => members(["Person", "Organization"]),
        "PublicEnumerations('NoYes')" => members(["No", "Yes"]),
        _ => json!({ "value": [] }),
    })
}

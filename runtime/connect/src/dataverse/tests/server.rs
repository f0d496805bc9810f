//! A server that plays back recorded exchanges: it knows three tables' definitions, answers everything else from a
//! script, part by part where it comes in a batch, and notes what did not go by the script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use dualwright_odata::batch::{self, Item, Limits};
use dualwright_odata::percent::decode_query;
use serde_json::{Value as Json, json};

use crate::dataverse::{Dataverse, DataverseConfig};
use crate::http::{RetryPolicy, SignIn};

/// One exchange of the script: what must come, and what goes back.
pub(super) struct Exchange {
    expect: String,
    status: u16,
    headers: Vec<(String, String)>,
    answer: String,
}

/// What came: `METHOD path?query`, decoded; headers; body.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
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
    address: Mutex<String>,
}

pub(super) fn exchange(expect: &str, status: u16, answer: Json) -> Exchange {
    let answer = if answer.is_null() { String::new() } else { answer.to_string() };
    Exchange { expect: expect.to_owned(), status, headers: Vec::new(), answer }
}

pub(super) fn raw(expect: &str, status: u16, answer: &str) -> Exchange {
    Exchange { expect: expect.to_owned(), status, headers: Vec::new(), answer: answer.to_owned() }
}

impl Server {
    /// Starts a server on a free port of this machine, and a connector to it.
    pub(super) async fn start(exchanges: Vec<Exchange>) -> (Arc<Self>, Dataverse) {
        let script = Script { exchanges: exchanges.into(), ..Script::default() };
        let server = Arc::new(Self { script: Mutex::new(script), address: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        *server.address.lock().unwrap() = address.clone();
        let router = Router::new().fallback(handle).with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let sign_in = SignIn::new(&address, "tenant", &address, "dualwright", "hunter2".into());
        let mut config = DataverseConfig::new(&address, sign_in);
        config.http.retry =
            RetryPolicy { attempts: 2, base: Duration::from_millis(1), cap: Duration::from_millis(1) };
        (server, Dataverse::connect(config).unwrap())
    }

    /// Everything that came, once the script has been played to its end.
    pub(super) fn finish(&self) -> Vec<Seen> {
        let script = self.script.lock().unwrap();
        assert!(script.strays.is_empty(), "did not go by the script: {:#?}", script.strays);
        let left: Vec<&String> = script.exchanges.iter().map(|exchange| &exchange.expect).collect();
        assert!(left.is_empty(), "never came: {left:#?}");
        script.seen.clone()
    }

    fn play(&self, seen: Seen) -> (u16, Vec<(String, String)>, String) {
        let mut script = self.script.lock().unwrap();
        if let Some(answer) = definitions(&seen.line) {
            return (200, Vec::new(), answer.to_string());
        }
        let matches = script.exchanges.front().is_some_and(|exchange| seen.line.contains(&exchange.expect));
        let exchange = if matches { script.exchanges.pop_front() } else { None };
        let Some(exchange) = exchange else {
            let expected = script.exchanges.front().map(|exchange| exchange.expect.clone());
            let stray = format!("{} (expected {expected:?})", seen.line);
            eprintln!("not in the script: {stray}");
            script.strays.push(stray);
            return (418, Vec::new(), String::new());
        };
        script.seen.push(seen);
        let address = self.address.lock().unwrap().clone();
        (exchange.status, exchange.headers, exchange.answer.replace("{address}", &address))
    }
}

async fn handle(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    if target.ends_with("/oauth2/v2.0/token") {
        return ([("content-type", "application/json")], r#"{"access_token":"t","expires_in":3599}"#)
            .into_response();
    }
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    if target.ends_with("/$batch") {
        let content_type = parts.headers["content-type"].to_str().unwrap();
        let items = batch::parse_request(content_type, &body, &Limits::default()).unwrap();
        let answers: Vec<Item<batch::PartResponse>> = items
            .into_iter()
            .map(|item| {
                let Item::Single(part) = item else { panic!("a changeset") };
                let seen = Seen {
                    line: line(&part.method, &part.url),
                    headers: part.headers,
                    body: String::from_utf8(part.body).unwrap(),
                };
                let (status, headers, answer) = server.play(seen);
                Item::Single(batch::PartResponse {
                    status,
                    headers,
                    body: answer.into_bytes(),
                    content_id: None,
                })
            })
            .collect();
        let answer = batch::build_response(&answers, "batchresponse_1");
        return ([("content-type", batch::content_type("batchresponse_1"))], answer).into_response();
    }
    let line = line(parts.method.as_str(), &target);
    let seen = Seen { line, headers, body: String::from_utf8_lossy(&body).into_owned() };
    let (status, headers, answer) = server.play(seen);
    let mut response = answer.into_response();
    *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(
            axum::http::HeaderName::try_from(name).unwrap(),
            axum::http::HeaderValue::try_from(value).unwrap(),
        );
    }
    response
}

fn line(method: &str, target: &str) -> String {
    let path = target.strip_prefix("/api/data/v9.2/").unwrap_or(target);
    format!("{method} {}", decode_query(path).unwrap())
}

/// The definitions of three tables, as the environment tells them.
fn definitions(line: &str) -> Option<Json> {
    let rest = line.strip_prefix("GET EntityDefinitions")?;
    if let Some(rest) = rest.strip_prefix("(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.") {
        return Some(json!({ "value": match rest.split('?').next()? {
            "StringAttributeMetadata" => json!([{ "LogicalName": "accountnumber", "MaxLength": 20 }]),
            "MoneyAttributeMetadata" => json!([{ "LogicalName": "creditlimit", "Precision": 2 }]),
            "DateTimeAttributeMetadata" => json!([
                { "LogicalName": "msdyn_since", "DateTimeBehavior": { "Value": "DateOnly" } },
            ]),
            "PicklistAttributeMetadata" => json!([{ "LogicalName": "customertypecode",
                "OptionSet": { "Options": [{ "Value": 1 }, { "Value": 3 }] } }]),
            _ => json!([]),
        } }));
    }
    if rest.starts_with('(') {
        return Some(json!({ "value": [] }));
    }
    if rest.starts_with("?$select=LogicalName,EntitySetName") {
        return Some(json!({ "value": [
            { "LogicalName": "account", "EntitySetName": "accounts" },
            { "LogicalName": "cdm_company", "EntitySetName": "cdm_companies" },
            { "LogicalName": "msdyn_paymentterm", "EntitySetName": "msdyn_paymentterms" },
        ] }));
    }
    let tables = [account(), company(), payment_term()];
    let wanted = |table: &&Json| {
        rest.contains(&format!("EntitySetName eq '{}'", table["EntitySetName"].as_str().unwrap()))
            || rest.contains(&format!("LogicalName eq '{}'", table["LogicalName"].as_str().unwrap()))
    };
    Some(json!({ "value": tables.iter().filter(wanted).collect::<Vec<_>>() }))
}

fn attribute(name: &str, kind: &str) -> Json {
    json!({ "LogicalName": name, "AttributeType": kind, "IsValidForCreate": true, "IsValidForUpdate": true,
        "RequiredLevel": { "Value": "None", "CanBeChanged": true } })
}

fn relationship(column: &str, target: &str, navigation: &str) -> Json {
    json!({ "ReferencingAttribute": column, "ReferencedEntity": target, "ReferencedAttribute": "id",
        "ReferencingEntityNavigationPropertyName": navigation })
}

fn account() -> Json {
    json!({ "LogicalName": "account", "EntitySetName": "accounts", "PrimaryIdAttribute": "accountid",
        "ChangeTrackingEnabled": true,
        "Attributes": [
            attribute("accountid", "Uniqueidentifier"), attribute("accountnumber", "String"),
            attribute("name", "String"), attribute("creditlimit", "Money"), attribute("msdyn_since", "DateTime"),
            attribute("modifiedon", "DateTime"), attribute("customertypecode", "Picklist"),
            attribute("msdyn_company", "Lookup"), attribute("msdyn_paymentterm", "Lookup"),
            attribute("entityimage", "Virtual"),
        ],
        "Keys": [{ "SchemaName": "K", "LogicalName": "k", "EntityKeyIndexStatus": "Active",
            "KeyAttributes": ["accountnumber", "msdyn_company"] }],
        "ManyToOneRelationships": [
            relationship("msdyn_company", "cdm_company", "msdyn_company"),
            relationship("msdyn_paymentterm", "msdyn_paymentterm", "msdyn_PaymentTerm"),
        ] })
}

fn company() -> Json {
    json!({ "LogicalName": "cdm_company", "EntitySetName": "cdm_companies", "PrimaryIdAttribute": "cdm_companyid",
        "ChangeTrackingEnabled": true,
        "Attributes": [attribute("cdm_companyid", "Uniqueidentifier"), attribute("cdm_companycode", "String")],
        "Keys": [{ "LogicalName": "c", "EntityKeyIndexStatus": "Active", "KeyAttributes": ["cdm_companycode"] }],
        "ManyToOneRelationships": [] })
}

fn payment_term() -> Json {
    json!({ "LogicalName": "msdyn_paymentterm", "EntitySetName": "msdyn_paymentterms",
        "PrimaryIdAttribute": "msdyn_paymenttermid", "ChangeTrackingEnabled": true,
        "Attributes": [
            attribute("msdyn_paymenttermid", "Uniqueidentifier"), attribute("msdyn_name", "String"),
            attribute("msdyn_companyid", "Lookup"),
        ],
        "Keys": [{ "LogicalName": "p", "EntityKeyIndexStatus": "Active",
            "KeyAttributes": ["msdyn_companyid", "msdyn_name"] }],
        "ManyToOneRelationships": [relationship("msdyn_companyid", "cdm_company", "msdyn_CompanyId")] })
}

//! What guests may ask of the world outside: only what was granted, only so often, only so long (I6, I9).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

#[path = "support/asking.rs"]
mod asking;
mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dualwright_model::{Leg, System, TableName, Value};
use dualwright_plugin_host::{
    Grants, GuestFaultKind, HiddenText, Host, HostConfig, HttpAnswer, HttpGrant, HttpRequest, Limits,
    LookupGrant, LookupQuestion, Outcome, Plugin, ServiceError, Services, TransformResult,
};

use asking::asking_guest;
use support::{POISON, patient, row, tight};

const URL: &str = "https://rates.example.com/v1/eur";
const INJECTED: &str = "a-secret-of-the-operator";

/// A world outside that answers from a script, and remembers what it was asked.
#[derive(Debug, Default)]
struct Script {
    asked: Mutex<Vec<LookupQuestion>>,
    sent: Mutex<Vec<HttpRequest>>,
}

impl Script {
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn sent(&self) -> Vec<HttpRequest> {
        self.sent.lock().unwrap().clone()
    }
}

#[async_trait]
impl Services for Script {
    async fn find(&self, question: LookupQuestion) -> Result<Option<Vec<Value>>, ServiceError> {
        let key = question.key[0].1.to_key_text();
        self.asked.lock().unwrap().push(question);
        match key.as_str() {
            "never" => std::future::pending().await,
            "gone" => Ok(None),
            "wrong" => Err(ServiceError::Invalid("there is no such column".into())),
            "long" => Ok(Some(vec![Value::Null, Value::Null])),
            key => Ok(Some(vec![Value::text(format!("found {key}"))])),
        }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, ServiceError> {
        let path = request.url.rsplit('/').next().unwrap_or_default().to_owned();
        let echo: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        self.sent.lock().unwrap().push(request);
        let body = match path.as_str() {
            "never" => std::future::pending().await,
            "large" => return Err(ServiceError::TooLarge(64)),
            "larger" => "x".repeat(65),
            "echo" => echo,
            _ => "1.08".to_owned(),
        };
        Ok(HttpAnswer { status: 200, headers: Vec::new(), body: body.into_bytes() })
    }
}

fn host(limits: Limits, script: &Arc<Script>) -> Host {
    let services: Arc<dyn Services> = Arc::clone(script) as _;
    Host::new(HostConfig { limits, services: Some(services), ..HostConfig::default() }).expect("a host")
}

fn lookups() -> Grants {
    let columns = vec!["accountnumber".into(), "name".into()];
    let grant = LookupGrant { system: System::Dataverse, table: TableName::new("accounts"), columns };
    Grants { lookup: vec![grant], ..Grants::default() }
}

fn requests() -> Grants {
    let grant = HttpGrant::new("rates.example.com").unwrap().path_prefix("/v1/").unwrap().most_bytes(64);
    let grant = grant.methods(["GET", "POST"]).unwrap();
    let grant = grant.header("Authorization", "Bearer ", HiddenText::new(INJECTED)).unwrap();
    Grants { http: vec![grant.timeout(Duration::from_millis(50))], ..Grants::default() }
}

/// A guest that looks one thing up for each row.
fn looking(side: &str, table: &str, key: &str, column: &str) -> Vec<u8> {
    asking_guest("lookup", &[("side", side), ("table", table), ("key", key), ("column", column)])
}

fn accounts() -> Vec<u8> {
    looking("1", "accounts", "accountnumber", "name")
}

fn sending(method: &str, header: Option<&str>) -> Vec<u8> {
    let headers = if header.is_some() { "1" } else { "0" };
    asking_guest("http", &[("method", method), ("header", header.unwrap_or_default()), ("headers", headers)])
}

fn load(host: &Host, bytes: &[u8], grants: &Grants) -> Plugin {
    host.load("asking", bytes, grants).unwrap_or_else(|error| panic!("{error}"))
}

async fn ask(plugin: &Plugin, texts: &[&str]) -> Vec<TransformResult> {
    let rows: Vec<_> = texts.iter().enumerate().map(|(key, text)| row(key, text)).collect();
    plugin.transform(Leg::ToDataverse, false, &rows).await
}

/// What became of one row: the text written, the reason of a skip, or code and message of a refusal.
fn told(answer: &TransformResult) -> String {
    match answer {
        Ok(Outcome::Upsert(record)) => record.get("a").to_key_text(),
        Ok(Outcome::Skip(reason)) => format!("skip {reason}"),
        Ok(Outcome::Reject(violations)) => format!("{}: {}", violations[0].code, violations[0].message),
        other => panic!("{other:?}"),
    }
}

async fn told_one(plugin: &Plugin, text: &str) -> String {
    told(&ask(plugin, &[text]).await[0])
}

#[test]
fn i6_without_a_grant_it_is_refused_with_the_lines_that_grant_it() {
    let host = host(patient(), &Arc::default());
    for (bytes, import, line) in [
        (accounts(), "plugin/lookup", "lookup = [{ side"),
        (sending("GET", None), "plugin/http", "http = [{ host"),
    ] {
        for grants in [Grants::default(), Grants { log: true, ..Grants::default() }] {
            let message = host.load("asking", &bytes, &grants).expect_err("refused").to_string();
            for words in [import, "not granted", "[map.grants]", line] {
                assert!(message.contains(words), "{words}: {message}");
            }
        }
    }
    assert!(host.load("asking", &accounts(), &requests()).is_err(), "each needs its own");
}

#[tokio::test]
async fn a_granted_lookup_is_answered_and_remembered() {
    let script = Arc::new(Script::default());
    let plugin = load(&host(patient(), &script), &accounts(), &lookups());
    let answers = ask(&plugin, &["A-1", "gone", "A-1", "gone", "", "wrong"]).await;
    let answers: Vec<String> = answers.iter().map(told).collect();
    let expected =
        ["found A-1", "skip none", "found A-1", "skip none", "skip none", "invalid: there is no such column"];
    assert_eq!(answers, expected);
    assert_eq!(script.asked(), 3, "answers and misses are asked for once, and an empty key never");
    let question = script.asked.lock().unwrap()[0].clone();
    assert_eq!((question.system, question.table.as_str()), (System::Dataverse, "accounts"));
    assert_eq!(question.columns, ["name".into()]);
}

#[tokio::test]
async fn i6_answers_never_reach_another_component() {
    let script = Arc::new(Script::default());
    let host = host(patient(), &script);
    for _ in 0..2 {
        assert_eq!(told_one(&load(&host, &accounts(), &lookups()), "A-1").await, "found A-1");
    }
    assert_eq!(script.asked(), 2);
}

#[tokio::test]
async fn i6_what_was_not_granted_is_named_and_not_asked() {
    let script = Arc::new(Script::default());
    let host = host(patient(), &script);
    for (guest, words) in [
        (looking("0", "accounts", "accountnumber", "name"), "the finops table \"accounts\""),
        (looking("1", "contacts", "accountnumber", "name"), "the dataverse table \"contacts\""),
        (looking("1", "accounts", "accountnumber", "creditlimit"), "the column \"creditlimit\""),
        (looking("1", "accounts", "emailaddress1", "name"), "the column \"emailaddress1\""),
    ] {
        let answer = told_one(&load(&host, &guest, &lookups()), "A-1").await;
        assert!(answer.starts_with("not-granted: ") && answer.contains(words), "{answer}");
    }
    assert_eq!(script.asked(), 0);
}

#[tokio::test]
async fn i11_the_operators_secret_is_sent_and_never_seen() {
    let script = Arc::new(Script::default());
    let plugin = load(&host(patient(), &script), &sending("GET", Some("x-own")), &requests());
    assert_eq!(told_one(&plugin, URL).await, "1.08");
    let sent = script.sent();
    let headers = [("x-own", "value"), ("authorization", "Bearer a-secret-of-the-operator")];
    assert_eq!(sent[0].headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!((sent[0].method.as_str(), sent[0].url.as_str()), ("GET", URL));
    assert!(!sent[0].private_addresses);

    let answer = told_one(&plugin, "https://rates.example.com/v1/echo").await;
    assert!(answer.starts_with("unavailable: ") && answer.contains("withheld"), "{answer}");
    assert!(!answer.contains(INJECTED), "{answer}");
}

#[tokio::test]
async fn i6_only_named_hosts_paths_and_methods_are_reached() {
    let script = Arc::new(Script::default());
    let host = host(patient(), &script);
    let plugin = load(&host, &sending("GET", None), &requests());
    for (url, words) in [
        ("https://example.com/v1/eur", "not-granted: the host example.com"),
        ("https://rates.example.com/v2/eur", "not-granted: the path /v2/eur"),
        ("http://rates.example.com/v1/eur", "invalid: only https"),
        ("nonsense", "invalid: the address"),
    ] {
        let answer = told_one(&plugin, url).await;
        assert!(answer.starts_with(words), "{url}: {answer}");
    }
    let answer = told_one(&load(&host, &sending("PUT", None), &requests()), URL).await;
    assert!(answer.starts_with("not-granted: the method PUT"), "{answer}");
    for header in ["Host", "authorization", "content-length"] {
        let answer = told_one(&load(&host, &sending("GET", Some(header)), &requests()), URL).await;
        assert!(answer.starts_with("invalid: the header"), "{answer}");
    }
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn what_is_too_large_is_not_handed_on() {
    let plugin = load(&host(patient(), &Arc::default()), &sending("GET", None), &requests());
    for path in ["large", "larger"] {
        assert_eq!(told_one(&plugin, &format!("https://rates.example.com/v1/{path}")).await, "too-large: ");
    }
}

// I9: who does not answer costs a bounded time, which is not the guest's, and no other record.
#[tokio::test]
async fn i9_who_does_not_answer_is_given_up_and_the_batch_goes_on() {
    let script = Arc::new(Script::default());
    // A lookup may take longer than the guest itself.
    let limits = Limits { lookup_timeout: Duration::from_millis(1500), lookup_cache_bytes: 0, ..tight() };
    let plugin = load(&host(limits, &script), &accounts(), &lookups());
    let answers: Vec<String> = ask(&plugin, &["never", "A-1"]).await.iter().map(told).collect();
    assert_eq!(answers, ["unavailable: there was no answer within 1500 ms", "found A-1"]);

    let limits = Limits {
        lookup_timeout: Duration::from_millis(300),
        service_wait: Duration::from_millis(500),
        lookup_cache_bytes: 0,
        ..patient()
    };
    let plugin = load(&host(limits, &script), &accounts(), &lookups());
    let answers: Vec<String> =
        ask(&plugin, &["never", "never", "never", "A-1"]).await.iter().map(told).collect();
    assert!(answers[1].starts_with("unavailable: there was no answer within"), "{answers:?}");
    for answer in &answers[2..] {
        assert_eq!(answer, "unavailable: this batch has waited its 500 ms");
    }
}

#[tokio::test]
async fn a_slow_server_is_given_up() {
    let plugin = load(&host(patient(), &Arc::default()), &sending("GET", None), &requests());
    let answers = ask(&plugin, &["https://rates.example.com/v1/never", URL]).await;
    assert!(told(&answers[0]).starts_with("unavailable: there was no answer within 50 ms"), "{answers:?}");
    assert_eq!(told(&answers[1]), "1.08");
}

// I9: a guest that asks without end is stopped, alone.
#[tokio::test]
async fn i9_a_guest_that_asks_a_million_times_is_stopped() {
    let script = Arc::new(Script::default());
    let limits = Limits { lookup_cache_bytes: 0, ..patient() };
    let plugin = load(&host(limits.clone(), &script), &accounts(), &lookups());
    let answers = ask(&plugin, &["A-1", POISON, "A-2"]).await;
    assert_eq!((told(&answers[0]), told(&answers[2])), ("found A-1".to_owned(), "found A-2".to_owned()));
    let fault = answers[1].as_ref().expect_err("stopped");
    assert_eq!(fault.kind, GuestFaultKind::Trap);
    assert!(fault.message.starts_with("asked `lookup` and `http` more than 80 times"), "{}", fault.message);
    assert!(script.asked() <= 2 * limits.service_calls_for(3), "{} times", script.asked());
}

#[tokio::test]
async fn a_rehearsal_sends_only_what_changes_nothing() {
    let script = Arc::new(Script::default());
    let host = host(patient(), &script);
    let reading = load(&host, &sending("GET", None), &requests());
    let writing = load(&host, &sending("POST", None), &requests());
    let rows = [row(0, URL)];
    assert_eq!(told(&reading.rehearse(Leg::ToDataverse, false, &rows).await[0]), "1.08");
    let answer = told(&writing.rehearse(Leg::ToDataverse, false, &rows).await[0]);
    assert!(answer.starts_with("not-granted: shadow"), "{answer}");
    assert_eq!(told(&writing.transform(Leg::ToDataverse, false, &rows).await[0]), "1.08");
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test]
async fn without_services_nothing_is_connected() {
    let plugin = load(&support::host(patient()), &accounts(), &lookups());
    assert_eq!(told_one(&plugin, "A-1").await, "unavailable: nothing outside is connected here");
}

// I9: two maps that wait for a system that does not answer leave room for those that ask nobody.
#[tokio::test]
async fn i9_who_waits_outside_keeps_nobody_else_waiting() {
    let script = Arc::new(Script::default());
    let services: Arc<dyn Services> = Arc::clone(&script) as _;
    let hour = Duration::from_secs(3600);
    let host = Host::new(HostConfig {
        limits: Limits { lookup_timeout: hour, service_wait: hour, ..patient() },
        services: Some(services),
        concurrent_calls: std::num::NonZeroUsize::new(2).unwrap(),
        ..HostConfig::default()
    })
    .expect("a host");
    let (one, other) = (load(&host, &accounts(), &lookups()), load(&host, &accounts(), &lookups()));
    let pure = support::load(&host, "echo");
    let waiting = [one, other].map(|plugin| tokio::spawn(async move { ask(&plugin, &["never"]).await }));
    while script.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let rows = [row(0, "x")];
    let answers =
        tokio::time::timeout(Duration::from_secs(60), pure.transform(Leg::ToDataverse, false, &rows));
    assert_eq!(answers.await.expect("a place for it"), [support::echoed(0, "x")]);
    assert_eq!(script.asked(), 1, "the other waits for its place, not for the system");
    for task in waiting {
        task.abort();
    }
}

/// Nobody waits for a batch whose caller is gone, whatever it waits for itself.
#[tokio::test]
async fn a_batch_that_nobody_wants_any_more_stops_waiting() {
    let script = Arc::new(Script::default());
    let limits = Limits {
        lookup_timeout: Duration::from_secs(600),
        service_wait: Duration::from_secs(600),
        ..patient()
    };
    let plugin = load(&host(limits, &script), &accounts(), &lookups());
    let asking = tokio::spawn({
        let plugin = plugin.clone();
        async move { ask(&plugin, &["never", "never"]).await }
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    while script.asked() == 0 {
        assert!(Instant::now() < deadline, "it never asked");
        tokio::task::yield_now().await;
    }
    asking.abort();
    // Its thread ends too: the runtime of this test could not end otherwise.
    assert!(asking.await.expect_err("aborted").is_cancelled());
    while plugin.stats().calls == 0 {
        assert!(Instant::now() < deadline, "the guest still waits");
        tokio::task::yield_now().await;
    }
    assert_eq!(script.asked(), 1);
}

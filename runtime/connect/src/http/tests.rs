//! The client against a scripted wire, in virtual time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dualwright_odata::batch::{self, Item};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::Instant;

use super::client::{Client, ClientConfig};
use super::transport::{Outgoing, Transport, TransportError};
use super::{Request, Response, RetryPolicy, SignIn};
use crate::ConnectError;

type Answer = Result<Response, TransportError>;

/// Answers token requests by itself, everything else from the script; keeps what was sent and when.
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    token: Mutex<TokenScript>,
    sent: Mutex<Vec<(Instant, Outgoing)>>,
}

struct TokenScript {
    granted: u32,
    life: u64,
    refusal: Option<Answer>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            token: Mutex::new(TokenScript { granted: 0, life: 3599, refusal: None }),
            sent: Mutex::new(Vec::new()),
        })
    }

    fn client(self: &Arc<Self>) -> Client {
        let sign_in = SignIn::new("https://login", "t", "https://org", "id", "hunter2".into());
        let mut config = ClientConfig::new("Test", "https://org/api/", sign_in);
        config.retry = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
        config.most_batch_parts = 4;
        Client::over(config, Arc::clone(self) as Arc<dyn Transport>).unwrap()
    }

    fn sent(&self) -> Vec<(Instant, Outgoing)> {
        self.sent.lock().unwrap().clone()
    }

    fn tokens(&self) -> u32 {
        self.token.lock().unwrap().granted
    }
}

#[async_trait]
impl Transport for Script {
    async fn exchange(&self, request: Outgoing) -> Answer {
        // Whoever else is ready runs first, as on a real wire.
        tokio::task::yield_now().await;
        if request.url.starts_with("https://login") {
            let mut token = self.token.lock().unwrap();
            if let Some(refusal) = token.refusal.take() {
                return refusal;
            }
            token.granted += 1;
            let body = format!(r#"{{"access_token":"t{}","expires_in":{}}}"#, token.granted, token.life);
            return reply(200, &[], &body);
        }
        self.sent.lock().unwrap().push((Instant::now(), request));
        self.answers.lock().unwrap().pop_front().unwrap_or_else(|| reply(418, &[], "the script has ended"))
    }
}

fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let (status, body) = (StatusCode::from_u16(status).unwrap(), Bytes::from(body.to_owned()));
    Ok(Response { status, headers: map, body })
}

fn lost() -> Answer {
    Err(TransportError::Lost("connection reset".into()))
}

fn write(name: &str, repeatable: bool) -> Request {
    Request::new(Method::PATCH, name, repeatable).body("{}")
}

/// A batch answer with these statuses.
fn batch_reply(statuses: &[u16]) -> Answer {
    let items: Vec<Item<batch::PartResponse>> = statuses
        .iter()
        .map(|status| {
            let mut part = batch::PartResponse::new(*status);
            if *status == 429 {
                part.headers.push(("Retry-After".into(), "20".into()));
            }
            Item::Single(part)
        })
        .collect();
    let body = String::from_utf8(batch::build_response(&items, "b")).unwrap();
    reply(200, &[("content-type", &batch::content_type("b"))], &body)
}

/// The addresses of the parts of a sent batch.
fn parts(request: &Outgoing) -> Vec<String> {
    let content_type = request.headers.get("content-type").unwrap().to_str().unwrap();
    let items = batch::parse_request(content_type, &request.body, &batch::Limits::default()).unwrap();
    let url = |item| match item {
        Item::Single(batch::PartRequest { url, .. }) => url,
        Item::Changeset(_) => panic!("a changeset"),
    };
    items.into_iter().map(url).collect()
}

fn statuses(answers: &[super::PartResponse]) -> Vec<u16> {
    answers.iter().map(|answer| answer.as_ref().map_or(0, |answer| answer.status.as_u16())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once_and_then_it_is_over() {
    let script =
        Script::new([reply(401, &[], ""), reply(200, &[], "{}"), reply(401, &[], ""), reply(401, &[], "")]);
    let client = script.client();
    assert_eq!(client.send(Request::get("x")).await.unwrap().status, 200);
    let tokens: Vec<_> =
        script.sent().iter().map(|(_, sent)| sent.headers["authorization"].clone()).collect();
    assert_eq!(tokens, ["Bearer t1", "Bearer t2"]);
    assert!(matches!(client.send(write("x", false)).await, Err(ConnectError::Unauthorized { .. })));
    assert_eq!(script.tokens(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_task_signs_in_for_all_and_renews_before_the_end() {
    let script = Script::new((0..9).map(|_| reply(200, &[], "{}")));
    let client = script.client();
    futures::future::join_all((0..8).map(|_| client.send(Request::get("x")))).await;
    assert_eq!(script.tokens(), 1);
    tokio::time::advance(Duration::from_secs(3400)).await;
    client.send(Request::get("x")).await.unwrap();
    assert_eq!(script.tokens(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_sign_in_says_why_without_the_secret() {
    let script = Script::new([]);
    let told =
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: hunter2 is wrong.\r\nTrace ID: 1"}"#;
    script.token.lock().unwrap().refusal = Some(reply(401, &[], told));
    let error = script.client().sign_in().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Test refused the sign-in: invalid_client AADSTS7000215: [redacted] is wrong."
    );
    assert!(!format!("{error:?} {:?}", script.client()).contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out_by_all_tasks_and_is_no_failed_attempt() {
    let throttled = || reply(429, &[("retry-after", "30")], "");
    let mut answers = vec![throttled(), throttled(), throttled(), throttled(), throttled()];
    answers.extend((0..2).map(|_| reply(200, &[], "{}")));
    let script = Script::new(answers);
    let client = script.client();
    let start = Instant::now();
    let (one, other) = tokio::join!(client.send(write("x", false)), client.send(write("y", false)));
    assert_eq!((one.unwrap().status, other.unwrap().status), (StatusCode::OK, StatusCode::OK));
    assert!(start.elapsed() >= Duration::from_secs(60));
    let mut times: Vec<Duration> = script.sent().iter().map(|(at, _)| *at - start).collect();
    times.dedup();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(30)), "{times:?}");
    assert!(client.limit() < 16);
}

#[tokio::test(start_paused = true)]
async fn patience_with_throttling_ends() {
    let script = Script::new((0..100).map(|_| reply(503, &[("retry-after", "250")], "")));
    let error = script.client().send(Request::get("x")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Throttled { retry_after: Some(_), .. }), "{error:?}");
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn passing_faults_are_tried_again_only_where_that_is_safe() {
    let script = Script::new([reply(500, &[], ""), lost(), reply(200, &[], "{}")]);
    assert_eq!(script.client().send(Request::get("x")).await.unwrap().status, 200);
    let script = Script::new([lost(), reply(200, &[], "{}")]);
    assert!(matches!(script.client().send(write("x", false)).await, Err(ConnectError::Unavailable { .. })));
    assert_eq!(script.sent().len(), 1);
    let not_sent = || Err(TransportError::NotSent("refused".into()));
    let script = Script::new([not_sent(), not_sent(), reply(204, &[], "")]);
    assert_eq!(script.client().send(write("x", false)).await.unwrap().status, 204);
    let script = Script::new((0..9).map(|_| reply(502, &[], "")));
    assert_eq!(script.client().send(Request::get("x")).await.unwrap().status, 502);
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_batch_gives_each_part_its_answer_in_order() {
    let script = Script::new([batch_reply(&[204, 412, 400, 204]), batch_reply(&[404])]);
    let requests = (0..5).map(|number| write(&format!("x({number})"), true)).collect();
    let answers = script.client().send_batch(requests).await;
    assert_eq!(statuses(&answers), [204, 412, 400, 204, 404]);
    let sent = script.sent();
    assert_eq!(parts(&sent[0].1), ["/api/x(0)", "/api/x(1)", "/api/x(2)", "/api/x(3)"]);
    assert_eq!(sent[0].1.headers["prefer"], "odata.continue-on-error");
    assert_eq!(sent[0].1.url, "https://org/api/$batch");
}

#[tokio::test(start_paused = true)]
async fn throttled_parts_go_again_alone_after_the_wait() {
    let script = Script::new([batch_reply(&[204, 429, 204, 429]), batch_reply(&[201, 204])]);
    let start = Instant::now();
    let answers = script
        .client()
        .send_batch((0..4).map(|number| write(&format!("x({number})"), false)).collect())
        .await;
    assert_eq!(statuses(&answers), [204, 201, 204, 204]);
    assert_eq!(parts(&script.sent()[1].1), ["/api/x(1)", "/api/x(3)"]);
    assert!(start.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn of_a_lost_batch_only_repeatable_parts_go_again() {
    for broken in [lost(), reply(200, &[("content-type", "text/html")], "<html>"), reply(502, &[], "")] {
        let script = Script::new([broken, batch_reply(&[412])]);
        let answers = script.client().send_batch(vec![write("x(1)", true), write("x(2)", false)]).await;
        assert_eq!(statuses(&answers), [412, 0]);
        assert!(matches!(answers[1], Err(ConnectError::Unavailable { .. })));
        assert_eq!(parts(&script.sent()[1].1), ["/api/x(1)"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_ends_early_leaves_the_rest_unknown() {
    let script = Script::new([batch_reply(&[204])]);
    let answers = script.client().send_batch(vec![write("x(1)", false), write("x(2)", false)]).await;
    assert_eq!(statuses(&answers), [204, 0]);
    let script = Script::new([batch_reply(&[204, 204, 204])]);
    let answers = script.client().send_batch(vec![write("x(1)", false)]).await;
    assert!(matches!(answers[0], Err(ConnectError::Protocol { .. })));
}

#[tokio::test(start_paused = true)]
async fn one_part_that_spoils_the_batch_does_not_fail_the_others() {
    let bad = || reply(400, &[], r#"{"error":{"code":"","message":"bad part"}}"#);
    let script = Script::new([bad(), batch_reply(&[204, 204]), bad(), bad(), batch_reply(&[204])]);
    let answers = script
        .client()
        .send_batch((0..4).map(|number| write(&format!("x({number})"), false)).collect())
        .await;
    assert_eq!(statuses(&answers), [204, 204, 0, 204]);
    assert!(matches!(&answers[2], Err(ConnectError::Rejected { message, .. }) if message == "bad part"));
}

#[tokio::test(start_paused = true)]
async fn a_link_is_followed_on_our_own_host_only() {
    let client = Script::new([]).client();
    assert_eq!(client.path_of("https://elsewhere/api/x?$skiptoken=1").unwrap(), "/api/x?$skiptoken=1");
    assert_eq!(client.path_of("x?$skiptoken=http://y").unwrap(), "x?$skiptoken=http://y");
    for link in ["", "https://elsewhere"] {
        assert!(client.path_of(link).is_err(), "{link}");
    }
}

#[test]
fn an_address_must_be_one() {
    for base in ["", "org.example/api", "ftp://org/", "https://user@org/", "https://org/?x=1"] {
        let sign_in = SignIn::new("https://login", "t", "https://org", "id", "s".into());
        let error = Client::new(ClientConfig::new("Test", base, sign_in)).unwrap_err();
        assert!(matches!(error, ConnectError::Unknown { .. }), "{base}");
    }
}

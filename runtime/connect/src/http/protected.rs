//! The client against a service that protects itself, in virtual time: the limits of
//! learn.microsoft.com: power-apps/developer/data-platform/api-limits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dualwright_odata::batch::{self, Item};
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::Instant;

use super::client::{Client, ClientConfig};
use super::transport::{Outgoing, Transport, TransportError};
use super::{Request, Response, SignIn};

const WINDOW: Duration = Duration::from_secs(300);

struct Service {
    requests: usize,
    seconds: f64,
    at_once: usize,
    /// What one part of a batch takes.
    part: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    began: VecDeque<Instant>,
    took: VecDeque<(Instant, f64)>,
    running: usize,
    /// Until then nothing is served; asking meanwhile makes it longer.
    shut: Option<Instant>,
    accepted: Vec<Instant>,
    spent: f64,
    refused: usize,
    parts: Vec<usize>,
}

impl Service {
    fn new(requests: usize, seconds: f64, part: Duration) -> Arc<Self> {
        Arc::new(Self { requests, seconds, at_once: 52, part, state: Mutex::default() })
    }

    fn client(self: &Arc<Self>) -> Client {
        let sign_in = SignIn::new("https://login", "t", "https://org", "id", "s".into());
        let mut config = ClientConfig::new("Test", "https://org/api/", sign_in);
        config.most_batch_parts = 200;
        Client::over(config, Arc::clone(self) as Arc<dyn Transport>).unwrap()
    }

    /// The answer's headers when the request is let in, or the refusal.
    fn enter(&self) -> Result<HeaderMap, Box<Response>> {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap();
        while state.began.front().is_some_and(|at| now - *at >= WINDOW) {
            state.began.pop_front();
        }
        while state.took.front().is_some_and(|(at, _)| now - *at >= WINDOW) {
            state.took.pop_front();
        }
        let spent: f64 = state.took.iter().map(|(_, seconds)| seconds).sum();
        let code = if state.running >= self.at_once {
            Some("0x80072326")
        } else if state.began.len() >= self.requests {
            Some("0x80072322")
        } else if spent >= self.seconds {
            Some("0x80072321")
        } else {
            state.shut.filter(|until| *until > now).map(|_| "0x80072322")
        };
        let mut headers = HeaderMap::new();
        if let Some(code) = code {
            state.refused += 1;
            let until = state.shut.map_or(now, |until| until.max(now)) + Duration::from_secs(10);
            state.shut = Some(until);
            headers.insert("retry-after", HeaderValue::from((until - now).as_secs()));
            let body = Bytes::from(format!(r#"{{"error":{{"code":"{code}","message":"wait"}}}}"#));
            return Err(Box::new(Response { status: StatusCode::TOO_MANY_REQUESTS, headers, body }));
        }
        state.began.push_back(now);
        state.accepted.push(now);
        state.running += 1;
        let text = |text: String| HeaderValue::try_from(text).unwrap();
        let left = self.requests - state.began.len();
        headers.insert("x-ms-ratelimit-burst-remaining-xrm-requests", text(left.to_string()));
        headers.insert(
            "x-ms-ratelimit-time-remaining-xrm-requests",
            text(format!("{:.2}", self.seconds - spent)),
        );
        Ok(headers)
    }

    fn leave(&self, seconds: f64) {
        let mut state = self.state.lock().unwrap();
        state.running -= 1;
        state.spent += seconds;
        state.took.push_back((Instant::now(), seconds));
    }
}

#[async_trait]
impl Transport for Service {
    async fn exchange(&self, request: Outgoing) -> Result<Response, TransportError> {
        if request.url.starts_with("https://login") {
            let body = Bytes::from_static(br#"{"access_token":"t","expires_in":36000}"#);
            return Ok(Response { status: StatusCode::OK, headers: HeaderMap::new(), body });
        }
        // The way there and back counts for nobody.
        tokio::time::sleep(Duration::from_millis(15)).await;
        let mut headers = match self.enter() {
            Ok(headers) => headers,
            Err(refusal) => return Ok(*refusal),
        };
        let content_type =
            request.headers.get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default();
        let parts =
            batch::parse_request(content_type, &request.body, &batch::Limits::default()).unwrap().len();
        let time = self.part * u32::try_from(parts).unwrap();
        self.state.lock().unwrap().parts.push(parts);
        tokio::time::sleep(time).await;
        self.leave(time.as_secs_f64());
        tokio::time::sleep(Duration::from_millis(15)).await;
        headers.insert("content-type", HeaderValue::try_from(batch::content_type("b")).unwrap());
        let items: Vec<Item<batch::PartResponse>> =
            (0..parts).map(|_| Item::Single(batch::PartResponse::new(204))).collect();
        Ok(Response { status: StatusCode::OK, headers, body: batch::build_response(&items, "b").into() })
    }
}

/// Writers that always have more to write, for so many windows. Answers how many rows were written.
async fn write(client: &Client, usual: usize, windows: u32) -> usize {
    let end = Instant::now() + WINDOW * windows;
    let writer = async |_| {
        let mut rows = 0;
        while Instant::now() < end {
            let count = client.batch_parts(usual);
            let parts = (0..count).map(|_| Request::new(Method::PATCH, "x(1)", false).body("{}")).collect();
            let answers = client.send_batch(parts).await;
            assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 204)));
            rows += count;
        }
        rows
    };
    futures::stream::iter(0..40)
        .map(writer)
        .buffer_unordered(40)
        .collect::<Vec<usize>>()
        .await
        .into_iter()
        .sum()
}

#[tokio::test(start_paused = true)]
async fn the_allowed_requests_are_spent_and_no_row_fails() {
    let service = Service::new(300, 1e9, Duration::from_millis(1));
    let start = Instant::now();
    write(&service.client(), 10, 4).await;
    let state = service.state.lock().unwrap();
    let accepted = state.accepted.iter().filter(|at| **at - start < WINDOW * 4).count();
    assert!(accepted as f64 >= 0.95 * 4.0 * 300.0, "{accepted} of {}", 4 * 300);
    assert_eq!(state.refused, 0);
    // As requests grew scarce, each carried more.
    assert!(state.parts.contains(&200), "{:?}", state.parts);
}

#[tokio::test(start_paused = true)]
async fn the_allowed_execution_time_is_spent_and_no_row_fails() {
    let service = Service::new(6000, 1200.0, Duration::from_millis(50));
    write(&service.client(), 100, 4).await;
    let state = service.state.lock().unwrap();
    assert!(state.spent >= 0.95 * 4.0 * 1200.0, "{} of {}", state.spent, 4.0 * 1200.0);
    assert_eq!(state.refused, 0);
    // A batch of the usual size would take five seconds.
    let longest = state.parts.iter().skip(80).max();
    assert!(longest.is_some_and(|longest| *longest <= 20), "{:?}", state.parts);
}

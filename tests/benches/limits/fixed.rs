//! A client with fixed settings that shares nothing with the connector.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Done;

/// Batches in flight, rows a batch, and attempts a batch.
const AT_ONCE: usize = 16;
const ROWS: usize = 100;
const ATTEMPTS: u32 = 3;

pub(super) struct Session {
    http: reqwest::Client,
    url: String,
    token: String,
}

pub(super) async fn sign_in(url: &str) -> Session {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "someone"),
        ("client_secret", "someone-secret"),
        ("scope", "emulator/.default"),
    ];
    let answer = http.post(format!("{url}/tenant/oauth2/v2.0/token")).form(&form).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();
    Session { http, url: format!("{url}/api/data/v9.2/$batch"), token }
}

pub(super) async fn write(session: &Session, done: &Done, until: Instant) {
    let next = AtomicUsize::new(0);
    let writer = async || {
        while Instant::now() < until {
            let written = session.batch(next.fetch_add(ROWS, Ordering::Relaxed)).await;
            done.written.fetch_add(written, Ordering::Relaxed);
            done.failed.fetch_add(ROWS - written, Ordering::Relaxed);
        }
    };
    futures::future::join_all((0..AT_ONCE).map(|_| writer())).await;
}

impl Session {
    /// How many of the rows were written.
    async fn batch(&self, first: usize) -> usize {
        let mut body = String::new();
        for number in first..first + ROWS {
            let _ = write!(
                body,
                "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                 POST accounts HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{{\"accountnumber\":\"F-{number}\",\
                 \"name\":\"Customer number {number}\",\"address1_city\":\"Århus\",\"telephone1\":\"+45 555 0100\"}}\r\n"
            );
        }
        body.push_str("--b--\r\n");
        for _ in 0..ATTEMPTS {
            let request = self
                .http
                .post(&self.url)
                .bearer_auth(&self.token)
                .header("Content-Type", "multipart/mixed; boundary=b")
                .header("Prefer", "odata.continue-on-error")
                .body(body.clone());
            let answer = request.send().await.unwrap();
            if answer.status() != 429 {
                return answer.text().await.unwrap().matches("HTTP/1.1 204").count();
            }
            let seconds = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        0
    }
}

//! A client that writes and reads in bulk, for both systems; it shares nothing with the connectors.

use std::fmt::Write as _;

use futures::StreamExt;
use serde_json::Value;

use super::{AT_ONCE, ROWS};

pub(super) struct Session {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Session {
    pub(super) async fn sign_in(url: &str, path: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "someone"),
            ("client_secret", "someone-secret"),
            ("scope", "emulator/.default"),
        ];
        let answer = http.post(format!("{url}/tenant/oauth2/v2.0/token")).form(&form).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        Self { http, base: format!("{url}/{path}"), token: body["access_token"].as_str().unwrap().to_owned() }
    }

    /// The new row's id.
    pub(super) async fn create(&self, set: &str, body: &str) -> String {
        let request = self.http.post(format!("{}/{set}", self.base)).bearer_auth(&self.token);
        let answer = request.body(body.to_owned()).send().await.unwrap().error_for_status().unwrap();
        let address = answer.headers()["odata-entityid"].to_str().unwrap();
        address.rsplit_once('(').unwrap().1.trim_end_matches(')').to_owned()
    }

    /// Every row as a part of its own: method, address and body.
    pub(super) async fn batches(&self, rows: usize, part: impl Fn(usize) -> (&'static str, String, String)) {
        let send = async |first: usize| {
            let count = ROWS.min(rows - first);
            let mut body = String::with_capacity(count * 600);
            for number in first..first + count {
                let (method, address, cells) = part(number);
                let _ = write!(
                    body,
                    "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                     {method} {address} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{cells}\r\n"
                );
            }
            body.push_str("--b--\r\n");
            let request = self
                .http
                .post(format!("{}/$batch", self.base))
                .bearer_auth(&self.token)
                .header("Content-Type", "multipart/mixed; boundary=b")
                .header("Prefer", "odata.continue-on-error")
                .body(body);
            let answer = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
            assert_eq!(answer.matches("HTTP/1.1 20").count(), count, "every row is written");
        };
        futures::stream::iter((0..rows).step_by(ROWS).map(send))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<()>>()
            .await;
    }

    /// Many rows as one request.
    pub(super) async fn bulk(&self, set: &str, action: &str, rows: usize, target: impl Fn(usize) -> String) {
        let send = async |first: usize| {
            let targets: Vec<String> = (first..rows.min(first + ROWS)).map(&target).collect();
            let request = self
                .http
                .post(format!("{}/{set}/Microsoft.Dynamics.CRM.{action}", self.base))
                .bearer_auth(&self.token)
                .header("Content-Type", "application/json")
                .body(format!("{{\"Targets\":[{}]}}", targets.join(",")));
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        };
        futures::stream::iter((0..rows).step_by(ROWS).map(send))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<()>>()
            .await;
    }

    /// The whole table, page by page.
    pub(super) async fn read(&self, query: &str, rows: usize) {
        let mut next = Some(format!("{}/{query}", self.base));
        let mut found = 0;
        while let Some(address) = next {
            let request = self.http.get(address).bearer_auth(&self.token);
            let page = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
            found += page.matches("\"@odata.etag\"").count();
            next = page.rsplit_once("\"@odata.nextLink\":\"").map(|(_, link)| {
                let end = link.find('"').unwrap();
                link[..end].to_owned()
            });
        }
        assert_eq!(found, rows, "every row is read");
    }
}

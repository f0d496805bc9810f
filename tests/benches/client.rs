//! A small client of our own, for both systems: it shares nothing with the connectors.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::Value;

/// One write of a bulk load.
pub(crate) struct Bulk {
    set: String,
    body: String,
}

impl Bulk {
    pub(crate) fn post(set: &str, row: &Value) -> Self {
        Self { set: set.to_owned(), body: row.to_string() }
    }
}

/// One system and a person signed in to it.
pub(crate) struct Service {
    base: String,
    token: String,
    http: reqwest::Client,
}

impl Service {
    pub(crate) async fn finops(url: &str) -> Self {
        Self::sign_in(url, "data").await
    }

    pub(crate) async fn dataverse(url: &str) -> Self {
        Self::sign_in(url, "api/data/v9.2").await
    }

    async fn sign_in(url: &str, path: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(120)).build().unwrap();
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", "someone".to_owned()),
            ("client_secret", "someone-secret".to_owned()),
            ("scope", format!("{url}/.default")),
        ];
        let answer = http.post(format!("{url}/local/oauth2/v2.0/token")).form(&form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        Self {
            base: format!("{url}/{path}"),
            token: answer["access_token"].as_str().unwrap().to_owned(),
            http,
        }
    }

    pub(crate) async fn create(&self, set: &str, row: &Value) -> String {
        let request = self.http.post(format!("{}/{set}", self.base)).bearer_auth(&self.token).json(row);
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        let address = answer.headers()["odata-entityid"].to_str().unwrap().to_owned();
        address[address.rfind('(').unwrap() + 1..address.len() - 1].to_owned()
    }

    pub(crate) async fn patch_timed(&self, row: &str, cells: &Value) -> f64 {
        let began = Instant::now();
        let request = self.http.patch(format!("{}/{row}", self.base)).bearer_auth(&self.token).json(cells);
        request.send().await.unwrap().error_for_status().unwrap();
        began.elapsed().as_secs_f64() * 1000.0
    }

    pub(crate) async fn activate_data_events(&self, endpoint: &str, tables: &[&str]) {
        let address = self.base.replace("/data", "/emulator/data-events");
        let body = serde_json::json!({ "endpoint": endpoint, "tables": tables });
        self.http.post(address).json(&body).send().await.unwrap().error_for_status().unwrap();
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}/{path}", self.base)).bearer_auth(&self.token);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    pub(crate) async fn find(&self, set: &str, column: &str, value: &str, wanted: &str) -> String {
        let found = self.get(&format!("{set}?$select={wanted}&$filter={column}%20eq%20%27{value}%27")).await;
        found["value"][0][wanted].as_str().unwrap().to_owned()
    }

    /// Milliseconds until a row shows a value.
    pub(crate) async fn time_until(&self, row: &str, column: &str, value: &str) -> f64 {
        let began = Instant::now();
        let path = format!("{row}?$select={column}&cross-company=true");
        let path = if row.starts_with("accounts") { format!("{row}?$select={column}") } else { path };
        while began.elapsed() < Duration::from_secs(60) {
            if self.get(&path).await[column] == value {
                return began.elapsed().as_secs_f64() * 1000.0;
            }
        }
        panic!("{row} did not show {column} = {value} within a minute");
    }

    /// Counts by reading, for `$count` stops at 5,000 in Dataverse.
    pub(crate) async fn count(&self, set: &str) -> usize {
        let mut next = Some(format!("{}/{set}?$select=accountnumber", self.base));
        let mut count = 0;
        while let Some(address) = next {
            let request =
                self.http.get(address).bearer_auth(&self.token).header("Prefer", "odata.maxpagesize=5000");
            let page: Value = request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
            count += page["value"].as_array().unwrap().len();
            next = page["@odata.nextLink"].as_str().map(str::to_owned);
        }
        count
    }

    /// Writes everything in `$batch` requests, some at once. Every part must succeed.
    pub(crate) async fn bulk(&self, writes: &[Bulk], batch: usize, in_flight: usize) {
        futures::stream::iter(writes.chunks(batch).map(|part| self.send_batch(part)))
            .buffer_unordered(in_flight)
            .collect::<Vec<()>>()
            .await;
    }

    async fn send_batch(&self, part: &[Bulk]) {
        let mut body = String::new();
        for write in part {
            let address = format!("{}/{}", self.base, write.set);
            body.push_str(
                "--bulk\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nPOST ",
            );
            body.push_str(&address);
            body.push_str(" HTTP/1.1\r\nContent-Type: application/json\r\n\r\n");
            body.push_str(&write.body);
            body.push_str("\r\n");
        }
        body.push_str("--bulk--\r\n");
        let request = self
            .http
            .post(format!("{}/$batch", self.base))
            .bearer_auth(&self.token)
            .header("Content-Type", "multipart/mixed; boundary=bulk")
            .header("Prefer", "odata.continue-on-error")
            .body(body);
        let answer = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        let done = answer.matches("HTTP/1.1 20").count();
        assert_eq!(
            done,
            part.len(),
            "every row is written: {}",
            answer.chars().take(2000).collect::<String>()
        );
    }
}

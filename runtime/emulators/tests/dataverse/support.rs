//! An emulator on a file of its own, and a client that knows nothing but HTTP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dualwright_emulators::{Options, Running, dataverse};
use serde_json::Value;
use tempfile::TempDir;

pub const COMPANIES: &str = r#"
table = "cdm_companies"
logical_name = "cdm_company"
primary_id = "cdm_companyid"
primary_name = "cdm_companycode"
change_tracking = true
column = [{ name = "cdm_companycode", type = "text", max_length = 4 }, { name = "cdm_name", type = "text" }]
key = [{ name = "cdm_companycode_key", columns = ["cdm_companycode"] }]
"#;

pub const ACCOUNTS: &str = r#"
table = "accounts"
logical_name = "account"
primary_id = "accountid"
primary_name = "name"
change_tracking = true
column = [
    { name = "name", type = "text", max_length = 160 },
    { name = "accountnumber", type = "text", max_length = 20 },
    { name = "creditlimit", type = "decimal", scale = 2 },
    { name = "numberofemployees", type = "integer" },
    { name = "creditonhold", type = "boolean" },
    { name = "opendate", type = "date" },
    { name = "lastcall", type = "timestamp" },
    { name = "customertypecode", type = "option-set", options = [1, 2, 3] },
    { name = "msdyn_company", type = "lookup", targets = ["cdm_companies"] },
    { name = "parentcustomerid", type = "lookup", targets = ["accounts", "contacts"] },
]
key = [{ name = "msdyn_account_company", columns = ["accountnumber", "msdyn_company"] }]
"#;

pub const CONTACTS: &str = r#"
table = "contacts"
logical_name = "contact"
primary_id = "contactid"
primary_name = "fullname"
column = [
    { name = "fullname", type = "text", max_length = 100 },
    { name = "account", type = "lookup", targets = ["accounts"] },
]
"#;

pub struct Emulator {
    pub running: Running,
    pub folder: Arc<TempDir>,
    pub client: Client,
}

/// A folder with the schema and no database yet.
pub fn schema_folder() -> Arc<TempDir> {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let schema = folder.path().join("schema");
    std::fs::create_dir(&schema).unwrap();
    for (name, text) in [("cdm_companies", COMPANIES), ("accounts", ACCOUNTS), ("contacts", CONTACTS)] {
        std::fs::write(schema.join(format!("{name}.toml")), text).unwrap();
    }
    folder
}

/// An emulator on a fresh file.
pub async fn start() -> Emulator {
    start_in(schema_folder(), Duration::from_secs(3600), 0).await
}

/// An emulator on the file in this folder.
pub async fn start_in(folder: Arc<TempDir>, token_lifetime: Duration, port: u16) -> Emulator {
    let options = Options {
        database: folder.path().join("dataverse.sqlite"),
        schema_folder: Some(folder.path().join("schema")),
        token_lifetime,
        listen: SocketAddr::from(([127, 0, 0, 1], port)),
        ..Options::default()
    };
    let running = dataverse::start(options).await.unwrap();
    let client = Client::sign_in(&running.url(), "dualwright").await;
    Emulator { running, folder, client }
}

#[derive(Clone)]
pub struct Client {
    pub http: reqwest::Client,
    pub url: String,
    pub token: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The error code of the body.
    #[track_caller]
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The GUID in `OData-EntityId`.
    pub fn id(&self) -> String {
        let url = self.header("odata-entityid");
        url.rsplit_once('(').unwrap().1.trim_end_matches(')').to_owned()
    }
}

pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl Client {
    pub async fn sign_in(url: &str, name: &str) -> Self {
        let http = http();
        let secret = format!("{name}-secret");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", name),
            ("client_secret", secret.as_str()),
            ("scope", &format!("{url}/.default")),
        ];
        let answer = http.post(format!("{url}/tenant/oauth2/v2.0/token")).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["token_type"], "Bearer");
        Self { http, url: url.to_owned(), token: body["access_token"].as_str().unwrap().to_owned() }
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.try_send(method, path, headers, body).await.unwrap()
    }

    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, reqwest::Error> {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false if path.starts_with('/') => format!("{}{path}", self.url),
            false => format!("{}/api/data/v9.2/{path}", self.url),
        };
        let mut request =
            self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token).body(body.to_owned());
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { status, headers, text: answer.text().await? })
    }

    pub async fn get(&self, path: &str) -> Value {
        self.send("GET", path, &[], "").await.expect(200).json()
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[], body).await
    }

    pub async fn patch(&self, path: &str, body: &str) -> Answer {
        self.send("PATCH", path, &[], body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "").await
    }

    /// Creates a row and answers its id.
    pub async fn create(&self, set: &str, body: &str) -> String {
        self.post(set, body).await.expect(204).id()
    }

    pub async fn writes(&self) -> Vec<Value> {
        let body = self.get("/emulator/writes?limit=10000").await;
        body["writes"].as_array().unwrap().clone()
    }
}

/// A server that notes what it is sent and answers with the status it is told.
pub struct Receiver {
    pub address: SocketAddr,
    pub received: Arc<Mutex<Vec<Received>>>,
    pub status: Arc<Mutex<u16>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Clone, Debug)]
pub struct Received {
    pub target: String,
    pub headers: String,
    pub body: Value,
}

impl Receiver {
    pub async fn start(port: u16) -> Self {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let status = Arc::new(Mutex::new(200));
        let (notes, answers) = (received.clone(), status.clone());
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (notes, answers) = (notes.clone(), answers.clone());
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    loop {
                        let mut chunk = [0; 65536];
                        let read = stream.read(&mut chunk).await.unwrap_or(0);
                        if read == 0 {
                            return;
                        }
                        bytes.extend_from_slice(&chunk[..read]);
                        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                            continue;
                        };
                        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
                        let length: usize = head
                            .lines()
                            .find_map(|line| {
                                line.to_lowercase().strip_prefix("content-length:").map(str::to_owned)
                            })
                            .map_or(0, |length| length.trim().parse().unwrap());
                        if bytes.len() < end + 4 + length {
                            continue;
                        }
                        let body = serde_json::from_slice(&bytes[end + 4..end + 4 + length]).unwrap();
                        bytes.drain(..end + 4 + length);
                        let target = head.split_whitespace().nth(1).unwrap().to_owned();
                        notes.lock().unwrap().push(Received { target, headers: head.to_lowercase(), body });
                        let status = *answers.lock().unwrap();
                        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, received, status, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so many calls have come.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let all = self.all();
            if all.len() >= count {
                return all;
            }
            assert!(Instant::now() < deadline, "{} of {count} calls came", all.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

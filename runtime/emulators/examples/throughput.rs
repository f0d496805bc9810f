//! How many rows a second the Dataverse emulator takes over HTTP, client included:
//! `cargo run --release -p dualwright-emulators --example throughput [rows]`.
#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use dualwright_emulators::{Options, dataverse};
use dualwright_odata::batch::{Item, PartRequest, build_request, content_type};

type Failure = Box<dyn Error + Send + Sync>;

const SCHEMA: [(&str, &str); 2] = [
    (
        "cdm_companies.toml",
        r#"
        table = "cdm_companies"
        logical_name = "cdm_company"
        column = [{ name = "cdm_companycode", type = "text", max_length = 4 }]
        key = [{ name = "code", columns = ["cdm_companycode"] }]
        "#,
    ),
    (
        "accounts.toml",
        r#"
        table = "accounts"
        logical_name = "account"
        change_tracking = true
        column = [
            { name = "name", type = "text", max_length = 160 }, { name = "accountnumber", type = "text", max_length = 20 },
            { name = "creditlimit", type = "decimal", scale = 2 }, { name = "creditonhold", type = "boolean" },
            { name = "customertypecode", type = "option-set", options = [1, 2, 3] },
            { name = "telephone1", type = "text" }, { name = "emailaddress1", type = "text" },
            { name = "address1_line1", type = "text" }, { name = "address1_city", type = "text" },
            { name = "address1_postalcode", type = "text" }, { name = "address1_country", type = "text" },
            { name = "msdyn_company", type = "lookup", targets = ["cdm_companies"] },
        ]
        key = [{ name = "number", columns = ["accountnumber", "msdyn_company"] }]
        "#,
    ),
];

const PARTS: usize = 1000;
const AT_ONCE: usize = 4;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(100_000), |rows| rows.parse())?;
    let folder = tempfile::tempdir()?;
    for (name, text) in SCHEMA {
        std::fs::write(folder.path().join(name), text)?;
    }
    let running = dataverse::start(Options {
        schema_folder: Some(folder.path().to_owned()),
        ..Options::new(folder.path().join("dataverse.sqlite"))
    })
    .await?;
    let client = Arc::new(Client::sign_in(running.url()).await?);
    let company = client.company().await?;
    println!("{rows} rows of 11 columns in $batch of {PARTS}, {AT_ONCE} at once");
    client.run("create by upsert", rows, &company, "one").await?;
    client.run("update by upsert", rows, &company, "two").await?;
    running.shutdown().await;
    Ok(())
}

struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    async fn sign_in(url: String) -> Result<Self, Failure> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "dualwright"),
            ("client_secret", "dualwright-secret"),
            ("scope", "emulator/.default"),
        ];
        let answer = http.post(format!("{url}/t/oauth2/v2.0/token")).form(&form).send().await?;
        let body: serde_json::Value = answer.error_for_status()?.json().await?;
        let token = body.get("access_token").and_then(|token| token.as_str()).ok_or("no token")?.to_owned();
        Ok(Self { http, url: format!("{url}/api/data/v9.2"), token })
    }

    async fn company(&self) -> Result<String, Failure> {
        let request = self.http.post(format!("{}/cdm_companies", self.url)).bearer_auth(&self.token);
        let answer = request.body(r#"{"cdm_companycode":"usmf"}"#).send().await?.error_for_status()?;
        let location = answer.headers().get("odata-entityid").ok_or("no id")?.to_str()?;
        Ok(location.rsplit_once('(').ok_or("no id")?.1.trim_end_matches(')').to_owned())
    }

    async fn run(
        self: &Arc<Self>,
        what: &str,
        rows: usize,
        company: &str,
        name: &str,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, next) = (self.clone(), next.clone());
            let (company, name) = (company.to_owned(), name.to_owned());
            tasks.spawn(async move {
                loop {
                    let first = next.fetch_add(PARTS, Ordering::Relaxed);
                    if first >= rows {
                        return Ok::<(), Failure>(());
                    }
                    client.batch(first, PARTS.min(rows - first), &company, &name).await?;
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        let seconds = began.elapsed().as_secs_f64();
        println!("{what}: {seconds:.2} s, {:.0} rows/s", f64::from(u32::try_from(rows)?) / seconds);
        Ok(())
    }

    async fn batch(&self, first: usize, count: usize, company: &str, name: &str) -> Result<(), Failure> {
        let items: Vec<_> = (first..first + count)
            .map(|number| {
                let url = format!("accounts(accountnumber='C-{number:07}',_msdyn_company_value={company})");
                let body = format!(
                    "{{\"name\":\"Customer {name} {number}\",\"creditlimit\":{number}.25,\"creditonhold\":false,\
                     \"customertypecode\":3,\"telephone1\":\"+49 30 {number:07}\",\
                     \"emailaddress1\":\"customer{number}@example.com\",\"address1_line1\":\"Street {number}\",\
                     \"address1_city\":\"Berlin\",\"address1_postalcode\":\"10115\",\"address1_country\":\"DEU\"}}"
                );
                let mut part = PartRequest::new("PATCH", url);
                part.headers.push(("Content-Type".into(), "application/json".into()));
                part.body = body.into_bytes();
                Item::Single(part)
            })
            .collect();
        let request = self.http.post(format!("{}/$batch", self.url)).bearer_auth(&self.token);
        let request = request
            .header("content-type", content_type("batch_1"))
            .header("prefer", "odata.continue-on-error");
        let text =
            request.body(build_request(&items, "batch_1")).send().await?.error_for_status()?.text().await?;
        let done = text.matches("HTTP/1.1 204").count();
        if done == count { Ok(()) } else { Err(format!("{done} of {count} rows were written").into()) }
    }
}

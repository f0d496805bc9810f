//! How many rows a second the Finance and Operations emulator takes and gives over HTTP, client included:
//! `cargo run --release -p dualwright-emulators --example finops_throughput [rows]`.
#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use dualwright_emulators::{Options, finops};
use dualwright_odata::batch::{Item, PartRequest, build_request, content_type};

type Failure = Box<dyn Error + Send + Sync>;

const PARTS: usize = 1000;
const AT_ONCE: usize = 4;

#[derive(Clone, Copy)]
enum Write {
    Create,
    Change,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(100_000), |rows| rows.parse())?;
    let folder = tempfile::tempdir()?;
    let running = finops::start(Options::new(folder.path().join("finops.sqlite"))).await?;
    let client = Arc::new(Client::sign_in(running.url()).await?);
    println!("{rows} rows of CustomersV3 in $batch of {PARTS}, {AT_ONCE} at once; 12 columns given");
    client.run("create", rows, Write::Create).await?;
    client.run("change", rows, Write::Change).await?;
    let key = "$orderby=dataAreaId,CustomerAccount";
    let few = "$select=dataAreaId,CustomerAccount,OrganizationName,CreditLimit,OnHoldStatus,AddressCity";
    client.read("read 6 columns", rows, few).await?;
    client.read("read 6 columns in key order", rows, &format!("{few}&{key}&$count=true")).await?;
    client.read("read all columns", rows, key).await?;
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
        Ok(Self { http, url: format!("{url}/data"), token })
    }

    async fn run(self: &Arc<Self>, what: &str, rows: usize, write: Write) -> Result<(), Failure> {
        let began = Instant::now();
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, next) = (self.clone(), next.clone());
            tasks.spawn(async move {
                loop {
                    let first = next.fetch_add(PARTS, Ordering::Relaxed);
                    if first >= rows {
                        return Ok::<(), Failure>(());
                    }
                    client.batch(first, PARTS.min(rows - first), write).await?;
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        report(what, rows, began)
    }

    async fn batch(&self, first: usize, count: usize, write: Write) -> Result<(), Failure> {
        let items: Vec<_> = (first..first + count)
            .map(|number| {
                let account = format!("C-{number:07}");
                let cells = format!(
                    "\"OrganizationName\":\"Customer {number}\",\"CreditLimit\":{number}.25,\"OnHoldStatus\":\"No\",\
                     \"CustomerGroupId\":\"10\",\"PrimaryContactPhone\":\"+49 30 {number:07}\",\
                     \"PrimaryContactEmail\":\"customer{number}@example.com\",\"AddressStreet\":\"Street {number}\",\
                     \"AddressCity\":\"Berlin\",\"AddressZipCode\":\"10115\",\"AddressCountryRegionISOCode\":\"DE\""
                );
                let mut part = match write {
                    Write::Create => PartRequest::new("POST", "CustomersV3"),
                    Write::Change => PartRequest::new(
                        "PATCH",
                        format!("CustomersV3(dataAreaId='usmf',CustomerAccount='{account}')?cross-company=true"),
                    ),
                };
                part.headers.push(("Content-Type".into(), "application/json".into()));
                part.body = match write {
                    Write::Create => {
                        format!("{{\"dataAreaId\":\"usmf\",\"CustomerAccount\":\"{account}\",{cells}}}").into()
                    }
                    Write::Change => format!("{{{cells}}}").into(),
                };
                Item::Single(part)
            })
            .collect();
        let request = self.http.post(format!("{}/$batch", self.url)).bearer_auth(&self.token);
        let request = request
            .header("content-type", content_type("batch_1"))
            .header("prefer", "odata.continue-on-error");
        let text =
            request.body(build_request(&items, "batch_1")).send().await?.error_for_status()?.text().await?;
        let done = text.matches("HTTP/1.1 20").count();
        if done == count { Ok(()) } else { Err(format!("{done} of {count} rows were written").into()) }
    }

    /// Reads the whole table page by page.
    async fn read(&self, what: &str, rows: usize, query: &str) -> Result<(), Failure> {
        let began = Instant::now();
        let mut url = format!("{}/CustomersV3?cross-company=true&{query}", self.url);
        let mut found = 0;
        loop {
            let answer = self.http.get(&url).bearer_auth(&self.token).send().await?.error_for_status()?;
            let text = answer.text().await?;
            found += text.matches("\"@odata.etag\"").count();
            match text.rsplit_once("\"@odata.nextLink\":\"") {
                Some((_, link)) => url = link.trim_end_matches("\"}").to_owned(),
                None => break,
            }
        }
        if found != rows {
            return Err(format!("{found} of {rows} rows were read").into());
        }
        report(what, rows, began)
    }
}

fn report(what: &str, rows: usize, began: Instant) -> Result<(), Failure> {
    let seconds = began.elapsed().as_secs_f64();
    println!("{what}: {seconds:.2} s, {:.0} rows/s", f64::from(u32::try_from(rows)?) / seconds);
    Ok(())
}

//! Changes made by a person on each side, one after the other, and how long each takes to arrive on the other.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use uuid::Uuid;

use super::compare::{Cell, Reader, Row, unreachable};
use super::seed::{COMPANY, customer_number, new_account, new_customer};
use crate::Failure;
use crate::progress::Progress;

/// A change that takes longer has not arrived.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the other side: short against the latency that is measured, long against a busy loop.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToDataverse,
    ToFinops,
}

/// What became of the changes.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Latencies in microseconds.
    pub(crate) to_dataverse: Vec<u64>,
    /// Latencies in microseconds.
    pub(crate) to_finops: Vec<u64>,
    /// Changes that did not arrive in time.
    pub(crate) lost: Vec<String>,
}

/// Who makes the changes.
pub(crate) struct Person {
    pub(crate) finops: Reader,
    pub(crate) dataverse: Reader,
}

/// One change, and how to see it on the other side.
struct Deed {
    way: Way,
    title: String,
    method: Method,
    path: String,
    body: Option<String>,
    look: String,
    sign: Sign,
}

/// What tells that the change has arrived.
enum Sign {
    /// This column says this.
    Says(&'static str, Cell),
    /// The row is gone.
    Gone,
}

impl Person {
    /// Makes `count` edits each way, then creates and deletes one record on each side.
    pub(crate) async fn work(&self, count: usize, progress: &Progress) -> Result<Arrivals, Failure> {
        let mut arrivals = Arrivals::default();
        // Another number at each run: a value that is there already would arrive before it was sent.
        let run = Uuid::new_v4().as_u128() % 90_000;
        for turn in 0..count {
            for way in [Way::ToDataverse, Way::ToFinops] {
                let deed = self.edit(way, turn, run).await?;
                self.do_and_watch(deed, &mut arrivals, progress).await?;
            }
        }
        let tail = Uuid::new_v4().simple().to_string().chars().take(8).collect::<String>();
        let number = format!("LIVE-D-{tail}");
        for deed in births_and_deaths(&format!("LIVE-F-{tail}"), &number) {
            self.do_and_watch(deed, &mut arrivals, progress).await?;
        }
        // The record that was born in Dataverse has an id that only Dataverse knows.
        if let Some(id) = self.account_id(&number).await? {
            let deed = Deed {
                way: Way::ToFinops,
                title: format!("{number} deleted"),
                method: Method::DELETE,
                path: format!("/api/data/v9.2/accounts({id})"),
                body: None,
                look: customer_look(&number),
                sign: Sign::Gone,
            };
            self.do_and_watch(deed, &mut arrivals, progress).await?;
        }
        Ok(arrivals)
    }

    async fn edit(&self, way: Way, turn: usize, run: u128) -> Result<Deed, Failure> {
        let number = customer_number(turn * 7 % 100);
        let (method, body, path, look, sign, title);
        match way {
            Way::ToDataverse => {
                let amount = format!("{run}.{:02}", turn % 100);
                title = format!("{number} credit limit {amount}");
                (method, body) = (Method::PATCH, format!("{{\"CreditLimit\":{amount}}}"));
                path = customer_path(&number);
                look = account_look(&number);
                sign = Sign::Says("creditlimit", Cell::number(&amount));
            }
            Way::ToFinops => {
                let memo = format!("Call {run}-{turn}: « ça va », said José");
                title = format!("{number} memo {memo:?}");
                (method, body) = (Method::PATCH, serde_json::json!({ "description": memo }).to_string());
                let id = self.account_id(&number).await?.ok_or_else(|| {
                    Failure::runtime(format!(
                        "the account {number} is not in Dataverse, though it was synchronised"
                    ))
                })?;
                path = format!("/api/data/v9.2/accounts({id})");
                look = customer_look(&number);
                sign = Sign::Says("SalesMemo", Cell::text(memo));
            }
        }
        Ok(Deed { way, title, method, path, body: Some(body), look, sign })
    }

    async fn do_and_watch(
        &self,
        deed: Deed,
        arrivals: &mut Arrivals,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let (here, there) = match deed.way {
            Way::ToDataverse => (&self.finops, &self.dataverse),
            Way::ToFinops => (&self.dataverse, &self.finops),
        };
        let mut request = here.request(deed.method.clone(), &deed.path);
        if let Some(body) = deed.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let began = Instant::now();
        let answer = request.send().await.map_err(|error| unreachable(&deed.path, error))?;
        let status = answer.status();
        if !status.is_success() {
            let text = answer.text().await.unwrap_or_default();
            return Err(
                Failure::runtime(format!("the change was answered with {status}: {text}")).at(&deed.path)
            );
        }
        let arrow = match deed.way {
            Way::ToDataverse => "F&O → Dataverse",
            Way::ToFinops => "Dataverse → F&O",
        };
        while began.elapsed() < PATIENCE {
            if deed.sign.is_there(there.first(&deed.look).await?.as_ref()) {
                let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                progress.line(format!(
                    "  {arrow}  {:<64} {:>8.1} ms",
                    deed.title,
                    began.elapsed().as_secs_f64() * 1e3
                ));
                match deed.way {
                    Way::ToDataverse => arrivals.to_dataverse.push(micros),
                    Way::ToFinops => arrivals.to_finops.push(micros),
                }
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        progress.line(format!("  {arrow}  {:<64} did not arrive", deed.title));
        arrivals.lost.push(deed.title);
        Ok(())
    }

    async fn account_id(&self, number: &str) -> Result<Option<String>, Failure> {
        let row = self.dataverse.first(&account_look(number)).await?;
        Ok(row.map(|row| row.cell("accountid").plain().into_owned()).filter(|id| !id.is_empty()))
    }
}

impl Sign {
    fn is_there(&self, row: Option<&Row>) -> bool {
        match (self, row) {
            (Self::Says(column, expected), Some(row)) => row.cell(column).says_the_same(expected),
            (Self::Gone, None) => true,
            _ => false,
        }
    }
}

/// One record is born in F&O and dies there; another is born in Dataverse.
fn births_and_deaths(ours: &str, theirs: &str) -> [Deed; 3] {
    [
        Deed {
            way: Way::ToDataverse,
            title: format!("{ours} created"),
            method: Method::POST,
            path: "/data/CustomersV3?cross-company=true".to_owned(),
            body: Some(new_customer(ours)),
            look: account_look(ours),
            sign: Sign::Says("accountnumber", Cell::text(ours)),
        },
        Deed {
            way: Way::ToDataverse,
            title: format!("{ours} deleted"),
            method: Method::DELETE,
            path: customer_path(ours),
            body: None,
            look: account_look(ours),
            sign: Sign::Gone,
        },
        Deed {
            way: Way::ToFinops,
            title: format!("{theirs} created"),
            method: Method::POST,
            path: "/api/data/v9.2/accounts".to_owned(),
            body: Some(new_account(theirs)),
            look: customer_look(theirs),
            sign: Sign::Says("CustomerAccount", Cell::text(theirs)),
        },
    ]
}

fn customer_path(number: &str) -> String {
    format!("/data/CustomersV3(dataAreaId='{COMPANY}',CustomerAccount='{number}')?cross-company=true")
}

fn customer_look(number: &str) -> String {
    let filter = format!("dataAreaId eq '{COMPANY}' and CustomerAccount eq '{number}'");
    format!("/data/CustomersV3?cross-company=true&$filter={}", encoded(&filter))
}

fn account_look(number: &str) -> String {
    format!("/api/data/v9.2/accounts?$filter={}", encoded(&format!("accountnumber eq '{number}'")))
}

/// Spaces are all that our filters hold beside letters, digits, quotes and dashes.
fn encoded(filter: &str) -> String {
    filter.replace(' ', "%20")
}

//! Fills both systems with sample records, over HTTP, as a person or an import would.
//!
//! Most records begin their life in F&O; a few are in Dataverse only, so that the initial sync has work in both
//! directions, and one company is in both, under two names.

mod records;

use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::compare::{Reader, unreachable};
use super::live::Person;
use crate::Failure;
use crate::progress::Progress;

pub(crate) use records::{COMPANY, customer_number, new_account, new_customer};

/// Requests in flight at once.
const AT_ONCE: usize = 8;

/// The records of one table.
struct Table {
    name: &'static str,
    /// JSON objects.
    rows: Vec<String>,
}

/// Fills both systems, unless they are filled already.
pub(crate) async fn fill(person: &Person, progress: &Progress) -> Result<(), Failure> {
    if person.finops.first("/data/LegalEntities?cross-company=true&$top=1").await?.is_some() {
        progress.line("The systems hold records already; they are kept as they are.");
        return Ok(());
    }
    let (finops, dataverse) = (records::finops(), records::dataverse());
    let rows: usize = finops.iter().chain(&dataverse).map(|table| table.rows.len()).sum();
    let task = progress.counted("sample records", u64::try_from(rows).unwrap_or(0));
    for table in finops {
        create(&person.finops, &format!("/data/{}?cross-company=true", table.name), table.rows, &task)
            .await?;
    }
    for table in dataverse {
        create(&person.dataverse, &format!("/api/data/v9.2/{}", table.name), table.rows, &task).await?;
    }
    task.finish(format!("{rows} rows"));
    Ok(())
}

async fn create(
    reader: &Reader,
    path: &str,
    rows: Vec<String>,
    task: &crate::progress::Task,
) -> Result<(), Failure> {
    stream::iter(rows)
        .map(|row| async move {
            let request =
                reader.request(Method::POST, path).header(CONTENT_TYPE, "application/json").body(row);
            let answer = request.send().await.map_err(|error| unreachable(path, error))?;
            let status = answer.status();
            if !status.is_success() {
                let text = answer.text().await.unwrap_or_default();
                return Err(
                    Failure::runtime(format!("a sample record was refused with {status}: {text}")).at(path)
                );
            }
            task.step();
            Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

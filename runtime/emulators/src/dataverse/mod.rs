//! The Dataverse emulator: the Web API as far as dual-write touches it. One file a protocol feature; pages named in
//! the files are those of `MicrosoftDocs/powerapps-docs`, `powerapps-docs/developer/data-platform/`.
//!
//! What is not supported is answered 501 with its name. Besides the endpoints of every emulator there is
//! `POST /emulator/expire-changes`, which ends every delta token given so far.

mod address;
mod batch;
mod body;
mod bulk;
mod create;
mod csdl;
mod definition;
mod delete;
mod delta;
mod error;
mod metadata;
mod model;
mod print;
mod query;
mod references;
mod request;
mod single;
mod system_tables;
mod upsert;
mod values;
mod webhook;
mod whoami;
mod work;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, StatusCode};

use self::batch::Batch;
use self::error::ApiError;
use self::model::Model;
use self::request::{Prepared, prepare, split_root};
use self::work::StepCache;
use crate::Options;
use crate::kernel::error::{EmulatorError, StoreError};
use crate::kernel::http::{Request, Response};
use crate::kernel::outbox;
use crate::kernel::quota::{Exceeded, Limit, Remaining};
use crate::kernel::schema::Schema;
use crate::kernel::server::{self, Running, System};
use crate::kernel::store::Store;

/// How many requests at once the emulator says it likes to see (`send-parallel-requests.md`).
const DEGREE_OF_PARALLELISM: &str = "16";

/// The content type of every document.
const JSON: &str = "application/json; odata.metadata=minimal";

/// Starts a Dataverse emulator.
///
/// # Errors
/// When the schema is wrong, the file cannot be opened, or the address cannot be had.
pub async fn start(options: Options) -> Result<Running, EmulatorError> {
    let mut schema =
        Schema::load(options.schema_folder.as_deref(), "dataverse", crate::schema_list::DATAVERSE)?;
    for (name, text) in system_tables::SYSTEM_TABLES {
        if schema.table(name).is_none() {
            schema.merge(Schema::parse([(name, text)])?);
        }
    }
    model::complete(&mut schema);
    let model = Arc::new(Model::new(&schema)?);
    let store = Store::open(&options.database, Arc::new(schema))?;
    let seeded = model.clone();
    store.write(move |transaction| -> Result<(), StoreError> { webhook::seed(transaction, &seeded) }).await?;
    let client = outbox::client().map_err(EmulatorError::Client)?;
    let system = Arc::new(Dataverse { store: store.clone(), model, steps: StepCache::default(), client });
    server::start(&options, store, system).await
}

struct Dataverse {
    store: Store,
    model: Arc<Model>,
    steps: StepCache,
    client: reqwest::Client,
}

impl Dataverse {
    async fn answer(&self, client: Arc<str>, request: Request) -> Result<Response, ApiError> {
        let (root, rest) = split_root(&request.path)?;
        if rest == "$batch" {
            if request.method != Method::POST {
                return Err(ApiError::method());
            }
            return self.batch(Batch::new(&self.model, &client, root, &request)?).await;
        }
        match prepare(&self.model, &client, &request)? {
            Prepared::Read(read) => {
                let model = self.model.clone();
                self.store.read(move |snapshot| read.run(snapshot, &model)).await
            }
            Prepared::Write(write) => work::run(
                &self.store,
                &self.model,
                &self.steps,
                &self.client,
                Arc::new(move |transaction, work| write.run(transaction, work)),
            )
            .await
            .map(|written| written.response),
        }
    }

    async fn batch(&self, batch: Batch) -> Result<Response, ApiError> {
        if batch.only_reads() {
            return self
                .store
                .read(move |snapshot| -> Result<_, ApiError> { Ok(batch.read(snapshot)) })
                .await;
        }
        work::run(
            &self.store,
            &self.model,
            &self.steps,
            &self.client,
            Arc::new(move |transaction, work| Ok(batch.run(transaction, work))),
        )
        .await
    }

    /// Ends every delta token given so far.
    async fn expire_changes(&self) -> Result<(), StoreError> {
        self.store
            .write(|transaction| {
                let ended =
                    transaction.setting(delta::GENERATION)?.and_then(|count| count.parse().ok()).unwrap_or(0);
                transaction.set_setting(delta::GENERATION, &(ended + 1_u64).to_string())
            })
            .await
    }
}

/// Says that the preference for annotations was followed, beside the others that were (`webapi/query-data-web-api.md`).
fn applied(response: Response, names: &str) -> Response {
    let before = response.headers.get("preference-applied").and_then(|value| value.to_str().ok());
    let before = before.map(|before| format!("{before},")).unwrap_or_default();
    response.header("preference-applied", &format!("{before}odata.include-annotations=\"{names}\""))
}

#[async_trait]
impl System for Dataverse {
    fn name(&self) -> &'static str {
        "dataverse"
    }

    fn operation(&self, request: &Request) -> &'static str {
        let last = request.path.rsplit('/').next().unwrap_or_default();
        match request.method.as_str() {
            "POST" if last == "$batch" => "batch",
            "POST" if last.starts_with("Microsoft.Dynamics.CRM.") => "bulk",
            "POST" => "create",
            "PATCH" | "PUT" => "update",
            "DELETE" => "delete",
            _ if last == "$metadata" || request.path.contains("/EntityDefinitions") => "metadata",
            _ => "read",
        }
    }

    async fn handle(self: Arc<Self>, client: Arc<str>, request: Request) -> Response {
        let annotations = Some(&request)
            .filter(|request| request.method == Method::GET)
            .and_then(|request| request.preference("odata.include-annotations"));
        let response = match self.answer(client, request).await {
            Ok(response) => match annotations {
                Some(names) => applied(response, &names),
                None => response,
            },
            Err(error) => error.response(),
        };
        response.header("x-ms-dop-hint", DEGREE_OF_PARALLELISM)
    }

    async fn handle_emulator(self: Arc<Self>, request: Request) -> Option<Response> {
        match (&request.method, request.path.as_str()) {
            (&Method::POST, "/emulator/expire-changes") => Some(match self.expire_changes().await {
                Ok(()) => Response::empty(StatusCode::NO_CONTENT),
                Err(error) => server::store_failure(&error),
            }),
            _ => None,
        }
    }

    fn failure(&self, status: StatusCode) -> Response {
        let (code, message) = match status {
            StatusCode::TOO_MANY_REQUESTS => {
                ("0x80072322", "Number of requests exceeded the limit (scripted fault).")
            }
            _ => ("0x80040216", "An unexpected error occurred (scripted fault)."),
        };
        ApiError::new(status, code, message).response()
    }

    fn throttled(&self, exceeded: &Exceeded) -> Response {
        // After `api-limits.md`.
        let window = exceeded.limits.window_seconds;
        let (code, message) = match exceeded.limit {
            Limit::Requests => (
                "0x80072322",
                format!(
                    "Number of requests exceeded the limit of {}, measured over time window of {window} seconds.",
                    exceeded.limits.requests
                ),
            ),
            Limit::Execution => (
                "0x80072321",
                format!(
                    "Combined execution time of incoming requests exceeded limit of {} milliseconds over time window of \
                     {window} seconds. Decrease number of concurrent requests or reduce the duration of requests and try \
                     again later.",
                    exceeded.limits.execution_seconds.saturating_mul(1000)
                ),
            ),
            Limit::Concurrency => (
                "0x80072326",
                format!(
                    "Number of concurrent requests exceeded the limit of {}.",
                    exceeded.limits.concurrent
                ),
            ),
        };
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, code, message).response()
    }

    fn remaining(&self, remaining: &Remaining, response: Response) -> Response {
        response
            .header("x-ms-ratelimit-burst-remaining-xrm-requests", &remaining.requests.to_string())
            .header(
                "x-ms-ratelimit-time-remaining-xrm-requests",
                &format!("{:.2}", remaining.execution.as_secs_f64()),
            )
    }
}

//! The Finance and Operations emulator: the data service and the metadata service as far as dual-write touches them.
//! One file a protocol feature; pages named in the files are those of
//! `MicrosoftDocs/dynamics-365-unified-operations-public`.
//!
//! What is not supported is answered 501 with its name. Besides the endpoints of every emulator there are
//!
//! | request | what it does |
//! |---|---|
//! | `POST /emulator/data-events {"endpoint": URL, "tables": […]}` | sends the data events of these tables there |
//! | `DELETE /emulator/data-events` | sends none |
//! | `POST /emulator/company {"company": "usmf", "client": "someone"}` | sets the default company of a client, or without one that of all others |

mod address;
mod batch;
mod body;
mod candidates;
mod company;
mod create;
mod csdl;
mod delete;
mod error;
mod events;
mod filter;
mod key_order;
mod metadata;
mod model;
mod print;
mod query;
mod request;
mod single;
mod update;
mod values;

use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, StatusCode};
use serde::Deserialize;

use self::batch::Batch;
use self::error::ApiError;
use self::events::{Events, Subscription};
use self::model::Model;
use self::request::{Prepared, prepare};
use crate::Options;
use crate::kernel::error::{EmulatorError, StoreError};
use crate::kernel::http::{Request, Response};
use crate::kernel::quota::{Exceeded, Limit};
use crate::kernel::schema::Schema;
use crate::kernel::server::{self, Running, System};
use crate::kernel::store::Store;

/// The content type of every document.
const JSON: &str = "application/json; odata.metadata=minimal";

/// Starts a Finance and Operations emulator.
///
/// # Errors
/// When the schema is wrong, the file cannot be opened, or the address cannot be had.
pub async fn start(options: Options) -> Result<Running, EmulatorError> {
    let schema = Schema::load(options.schema_folder.as_deref(), "finops", crate::schema_list::FINOPS)?;
    let model = Arc::new(Model::new(&schema)?);
    let store = Store::open(&options.database, Arc::new(schema))?;
    let events = Events::default();
    let loaded = events.clone();
    store.read(move |snapshot| loaded.load(snapshot)).await?;
    let system = Arc::new(Finops { store: store.clone(), model, events });
    server::start(&options, store, system).await
}

struct Finops {
    store: Store,
    model: Arc<Model>,
    events: Events,
}

/// The body of `POST /emulator/company`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultCompany {
    company: String,
    #[serde(default)]
    client: String,
}

impl Finops {
    async fn answer(&self, client: Arc<str>, request: Request) -> Result<Response, ApiError> {
        if request.path.trim_end_matches('/').eq_ignore_ascii_case("/data/$batch") {
            if request.method != Method::POST {
                return Err(ApiError::method(&request.method));
            }
            let batch = Batch::new(&self.model, &client, &request)?;
            return if batch.only_reads() {
                self.store.read(move |snapshot| -> Result<_, ApiError> { Ok(batch.read(snapshot)) }).await
            } else {
                let events = self.events.clone();
                self.store
                    .write(move |transaction| -> Result<_, ApiError> { Ok(batch.run(transaction, &events)) })
                    .await
            };
        }
        match prepare(&self.model, &client, &request)? {
            Prepared::Done(response) => Ok(response),
            Prepared::Read(read) => self.store.read(move |snapshot| read.run(snapshot)).await,
            Prepared::Write(write) => {
                let events = self.events.clone();
                self.store.write(move |transaction| write.run(transaction, &events)).await
            }
        }
    }

    async fn set_events(&self, subscription: Option<Subscription>) -> Result<(), StoreError> {
        let events = self.events.clone();
        self.store.write(move |transaction| events.set(transaction, subscription)).await
    }

    async fn set_company(&self, given: DefaultCompany) -> Result<(), StoreError> {
        self.store
            .write(move |transaction| {
                transaction.set_setting(&company::setting(&given.client), &given.company.to_lowercase())
            })
            .await
    }
}

#[async_trait]
impl System for Finops {
    fn name(&self) -> &'static str {
        "finops"
    }

    fn operation(&self, request: &Request) -> &'static str {
        match request.method.as_str() {
            "POST" if request.path.ends_with("/$batch") => "batch",
            "POST" => "create",
            "PATCH" | "PUT" => "update",
            "DELETE" => "delete",
            _ if request.path.to_ascii_lowercase().starts_with("/metadata")
                || request.path.ends_with("/$metadata") =>
            {
                "metadata"
            }
            _ => "read",
        }
    }

    async fn handle(self: Arc<Self>, client: Arc<str>, request: Request) -> Response {
        match self.answer(client, request).await {
            Ok(response) => response,
            Err(error) => error.response(),
        }
    }

    async fn handle_emulator(self: Arc<Self>, request: Request) -> Option<Response> {
        let done = match (&request.method, request.path.as_str()) {
            (&Method::POST, "/emulator/data-events") => match Subscription::parse(&self.model, &request.body)
            {
                Ok(subscription) => self.set_events(Some(subscription)).await,
                Err(reason) => return Some(server::wrong(&reason)),
            },
            (&Method::DELETE, "/emulator/data-events") => self.set_events(None).await,
            (&Method::POST, "/emulator/company") => match serde_json::from_slice(&request.body) {
                Ok(given) => self.set_company(given).await,
                Err(error) => return Some(server::wrong(&error.to_string())),
            },
            _ => return None,
        };
        Some(match done {
            Ok(()) => Response::empty(StatusCode::NO_CONTENT),
            Err(error) => server::store_failure(&error),
        })
    }

    fn failure(&self, status: StatusCode) -> Response {
        ApiError::failure(status, "A fault of the script.").response()
    }

    fn throttled(&self, exceeded: &Exceeded) -> Response {
        // After `articles/fin-ops-core/dev-itpro/data-entities/service-protection-maximizing-api-throughput.md`.
        let window = exceeded.limits.window_seconds;
        let reason = match exceeded.limit {
            Limit::Requests => format!(
                "Number of requests exceeded the limit of {}, measured over time window of {window} seconds.",
                exceeded.limits.requests
            ),
            Limit::Execution => format!(
                "Combined execution time of incoming requests exceeded limit of {} milliseconds over time window of \
                 {window} seconds. Decrease number of concurrent requests or reduce the duration of requests and try \
                 again later.",
                exceeded.limits.execution_seconds.saturating_mul(1000)
            ),
            Limit::Concurrency => {
                format!("Number of concurrent requests exceeded the limit of {}.", exceeded.limits.concurrent)
            }
        };
        ApiError::failure(StatusCode::TOO_MANY_REQUESTS, reason).response()
    }
}

//! One environment as the parts of the connector share it.

use http::Method;

use super::config::FinopsConfig;
use super::schema::Catalogue;
use crate::ConnectError;
use crate::http::{Client, Request, Response};

/// Reads and writes rows of every legal entity, not only of the user's own (learn.microsoft.com:
/// dynamics365/fin-ops-core/dev-itpro/data-entities/odata, "Cross-company behavior").
pub(super) const CROSS_COMPANY: &str = "cross-company=true";

/// Longer addresses go inside a `$batch`, where they may be longer.
const LONGEST_ADDRESS: usize = 2000;

pub(super) struct Environment {
    pub(super) client: Client,
    pub(super) catalogue: Catalogue,
    batch_parts: usize,
}

impl Environment {
    pub(super) fn new(config: FinopsConfig) -> Result<Self, ConnectError> {
        let client = Client::new(config.http)?;
        Ok(Self {
            catalogue: Catalogue::new(client.clone(), config.metadata_path, config.schema_life),
            batch_parts: config.batch_parts.clamp(1, 1000),
            client,
        })
    }

    /// Sends requests that do not depend on each other, a single one by itself, many in batches side by side.
    pub(super) async fn answers(&self, mut requests: Vec<Request>) -> Vec<Result<Response, ConnectError>> {
        if requests.len() == 1 && requests.iter().all(|request| request.path.len() <= LONGEST_ADDRESS) {
            let sent = requests.drain(..).map(|request| self.client.send(request));
            return futures::future::join_all(sent).await;
        }
        let mut batches = Vec::new();
        let parts = self.client.batch_parts(self.batch_parts);
        while !requests.is_empty() {
            let rest = requests.split_off(requests.len().min(parts));
            batches.push(self.client.send_batch(std::mem::replace(&mut requests, rest)));
        }
        futures::future::join_all(batches).await.into_iter().flatten().collect()
    }

    pub(super) fn unknown(&self, what: String) -> ConnectError {
        ConnectError::Unknown { system: self.client.system().to_owned(), what }
    }

    pub(super) fn rejected(&self, message: String) -> ConnectError {
        ConnectError::Rejected { system: self.client.system().to_owned(), code: String::new(), message }
    }
}

/// A request for one row.
pub(super) fn row_request(method: Method, address: &str) -> Request {
    Request::new(method, format!("{address}?{CROSS_COMPANY}"), true)
}

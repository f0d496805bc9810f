//! What maps may ask of the world outside the sandbox: records of both systems through the connectors, and requests to
//! hosts that the operator named.

use std::fmt;

use async_trait::async_trait;
use dualwright_connect::outbound::{Outbound, OutboundError, OutboundRequest};
use dualwright_connect::{ConnectError, ReadKey, Selection};
use dualwright_engine::Pair;
use dualwright_model::Value;
use dualwright_plugin_host::{HttpAnswer, HttpRequest, LookupQuestion, ServiceError, Services};

use crate::Failure;

/// The world outside, for all maps of a configuration.
pub(crate) struct MapServices {
    pair: Pair,
    outbound: Outbound,
}

impl MapServices {
    /// Over these connectors. Nothing is sent yet.
    pub(crate) fn new(pair: &Pair) -> Result<Self, Failure> {
        let outbound = Outbound::new()
            .map_err(|error| Failure::runtime("this machine cannot make requests").because(error))?;
        Ok(Self { pair: pair.clone(), outbound })
    }
}

impl fmt::Debug for MapServices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MapServices")
    }
}

#[async_trait]
impl Services for MapServices {
    async fn find(&self, question: LookupQuestion) -> Result<Option<Vec<Value>>, ServiceError> {
        let LookupQuestion { system, table, key, columns } = question;
        let (key, values): (Vec<_>, Vec<_>) = key.into_iter().unzip();
        let mut wanted = columns.clone();
        wanted.extend(key.iter().filter(|column| !columns.contains(column)).cloned());
        let selection = Selection { table, columns: wanted, key, filter: None };
        let found = self
            .pair
            .connector(system)
            .read(&selection, &[ReadKey::Key(values)])
            .await
            .map_err(|error| service_error(&error))?;
        let row = found.into_iter().next().flatten();
        Ok(row.map(|row| columns.iter().map(|column| row.record.get(column.as_str()).clone()).collect()))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, ServiceError> {
        let request = OutboundRequest {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body,
            timeout: request.timeout,
            most_bytes: request.most_bytes,
            private_addresses: request.private_addresses,
        };
        let answer = self.outbound.send(request).await.map_err(|error| match error {
            OutboundError::PrivateAddress(_) => ServiceError::NotGranted(error.to_string()),
            OutboundError::Invalid(_) => ServiceError::Invalid(error.to_string()),
            OutboundError::Unavailable(why) => ServiceError::Unavailable(why),
            OutboundError::TooLong(bytes) => ServiceError::TooLarge(bytes),
        })?;
        Ok(HttpAnswer { status: answer.status, headers: answer.headers, body: answer.body.to_vec() })
    }
}

/// What a map may do about it: ask otherwise, or later.
fn service_error(error: &ConnectError) -> ServiceError {
    match error {
        ConnectError::Unknown { .. } | ConnectError::Rejected { .. } => {
            ServiceError::Invalid(error.to_string())
        }
        _ => ServiceError::Unavailable(error.to_string()),
    }
}

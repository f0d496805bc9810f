//! Finance and Operations over its OData services.
//!
//! Rows are addressed by the table's key and read across all legal entities. There is no readable change feed: data
//! events name the row that changed, and the engine reads it. The stable record id is taken out of the row's version
//! where the service reveals it there (see `row`).
//!
//! What is *not* here: registering data events, which the real service offers to people only, and lookups, which F&O's
//! public tables do not have: related rows are named by their keys in plain columns.

mod apply;
mod config;
mod environment;
mod error;
mod filter;
mod job;
mod nudge;
mod read;
mod row;
mod scan;
mod schema;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

use async_trait::async_trait;
use dualwright_model::{ColumnPath, System, TableName, TableSchema};
use serde::Deserialize;
use serde::de::IgnoredAny;

pub use config::FinopsConfig;
pub use schema::EntityName;

use crate::http::Request;
use crate::{
    ChangePage, ChangePosition, ConnectError, Connector, Existing, Nudge, NudgeSubscription, ReadKey,
    ScanPage, ScanPosition, Selection, Write, WriteOutcome,
};
use environment::Environment;

/// A connector to one F&O environment.
pub struct Finops {
    environment: Environment,
}

impl Finops {
    /// Sets up the connector. Nothing is sent yet: [`check_access`](Connector::check_access) signs in.
    ///
    /// # Errors
    /// When the address is no `http` or `https` address, or this machine cannot do TLS.
    pub fn connect(config: FinopsConfig) -> Result<Self, ConnectError> {
        Ok(Self { environment: Environment::new(config)? })
    }

    /// The names of every data entity that has an entity set, for those who only know its label.
    ///
    /// # Errors
    /// When the metadata service does not answer, or not in its own shape.
    pub async fn entities(&self) -> Result<Vec<EntityName>, ConnectError> {
        self.environment.catalogue.entities().await
    }
}

impl std::fmt::Debug for Finops {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Finops").field("client", &self.environment.client).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct ServiceDocument {
    value: Vec<IgnoredAny>,
}

#[async_trait]
impl Connector for Finops {
    fn system(&self) -> System {
        System::Finops
    }

    async fn check_access(&self) -> Result<String, ConnectError> {
        let client = &self.environment.client;
        let answer = client.fetch(Request::get("")).await?;
        let document: ServiceDocument =
            answer.json().map_err(|reason| client.protocol(format!("the service document: {reason}")))?;
        Ok(format!("signed in; {} tables are public", document.value.len()))
    }

    async fn describe(
        &self,
        table: &TableName,
        _paths: &[ColumnPath],
    ) -> Result<Arc<TableSchema>, ConnectError> {
        let table = self.environment.catalogue.refresh(table).await?;
        Ok(Arc::new(table.schema.clone()))
    }

    async fn scan(
        &self,
        selection: &Selection,
        from: Option<&ScanPosition>,
        page_size: usize,
    ) -> Result<ScanPage, ConnectError> {
        self.environment.scan(selection, from, page_size).await
    }

    async fn changes(
        &self,
        selection: &Selection,
        _since: Option<&ChangePosition>,
        _page_size: usize,
    ) -> Result<ChangePage, ConnectError> {
        Err(ConnectError::Unknown {
            system: self.environment.client.system().to_owned(),
            what: format!("a change feed of {}: data events and scans tell its changes", selection.table),
        })
    }

    fn has_change_feed(&self) -> bool {
        false
    }

    async fn read(
        &self,
        selection: &Selection,
        keys: &[ReadKey],
    ) -> Result<Vec<Option<Existing>>, ConnectError> {
        self.environment.read(selection, keys).await
    }

    async fn apply(
        &self,
        selection: &Selection,
        writes: &[Write],
    ) -> Result<Vec<WriteOutcome>, ConnectError> {
        self.environment.apply(selection, writes).await
    }

    async fn subscribe(&self, subscription: &NudgeSubscription) -> Result<(), ConnectError> {
        self.environment.subscribe(subscription).await
    }

    fn parse_nudge(
        &self,
        _headers: &http::HeaderMap,
        query: &str,
        body: &[u8],
        secret: &str,
    ) -> Result<Vec<Nudge>, ConnectError> {
        nudge::parse(self.environment.client.system(), query, body, secret)
    }
}

//! Dataverse over its Web API.
//!
//! Captures by delta links, with webhooks as nudges; reads and writes rows with their lookups as paths to columns of
//! the related rows; writes in batches with a condition and an outcome each. Related rows are remembered for a short
//! while: `memory` says for how long and what ends it.

mod apply;
mod body;
mod config;
mod definition;
mod environment;
mod error;
mod feed;
mod lookup;
mod memory;
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

pub use config::DataverseConfig;

use crate::http::Request;
use crate::{
    ChangePage, ChangePosition, ConnectError, Connector, Existing, Nudge, NudgeSubscription, ReadKey,
    ScanPage, ScanPosition, Selection, Write, WriteOutcome,
};
use environment::Environment;

/// A connector to one Dataverse environment.
pub struct Dataverse {
    environment: Environment,
}

impl Dataverse {
    /// Sets up the connector. Nothing is sent yet: [`check_access`](Connector::check_access) signs in.
    ///
    /// # Errors
    /// When the address is no `http` or `https` address, or this machine cannot do TLS.
    pub fn connect(config: DataverseConfig) -> Result<Self, ConnectError> {
        Ok(Self { environment: Environment::new(config)? })
    }
}

impl std::fmt::Debug for Dataverse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Dataverse").field("client", &self.environment.client).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WhoAmI {
    user_id: String,
    organization_id: String,
}

#[async_trait]
impl Connector for Dataverse {
    fn system(&self) -> System {
        System::Dataverse
    }

    async fn check_access(&self) -> Result<String, ConnectError> {
        let client = &self.environment.client;
        let answer = client.fetch(Request::get("WhoAmI()")).await?;
        let who: WhoAmI = answer.json().map_err(|reason| client.protocol(format!("WhoAmI: {reason}")))?;
        Ok(format!("signed in as user {} of organization {}", who.user_id, who.organization_id))
    }

    async fn describe(
        &self,
        table: &TableName,
        paths: &[ColumnPath],
    ) -> Result<Arc<TableSchema>, ConnectError> {
        schema::describe(&self.environment.catalogue, table, paths).await.map(Arc::new)
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
        since: Option<&ChangePosition>,
        page_size: usize,
    ) -> Result<ChangePage, ConnectError> {
        self.environment.changes(selection, since, page_size).await
    }

    fn has_change_feed(&self) -> bool {
        true
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

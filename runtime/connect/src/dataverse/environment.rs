//! One environment as the parts of the connector share it, and how rows are read from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use dualwright_model::{ColumnPath, Value};
use dualwright_odata::literal::is_guid;
use dualwright_odata::percent::encode_query;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::config::DataverseConfig;
use super::memory::{Memory, RelatedKey};
use super::row::{Image, Page, Plan, Row};
use super::schema::{Catalogue, Table};
use crate::ConnectError;
use crate::http::{Client, Request, Response};

pub(super) struct Environment {
    pub(super) client: Client,
    pub(super) catalogue: Catalogue,
    pub(super) memory: Memory,
    pub(super) batch_parts: usize,
    pub(super) tag: Option<String>,
}

/// How many conditions one filter joins: well under Dataverse's limit of conditions a query, and short enough for any
/// address within a batch (64 kB).
const CLAUSES_PER_FILTER: usize = 50;
/// Longer addresses go inside a `$batch`, where they may be longer (see execute-batch-operations-using-web-api).
const LONGEST_ADDRESS: usize = 4000;

impl Environment {
    pub(super) fn new(config: DataverseConfig) -> Result<Self, ConnectError> {
        let client = Client::new(config.http)?;
        Ok(Self {
            catalogue: Catalogue::new(client.clone(), config.schema_life),
            memory: Memory::new(config.memory_life, config.memory_entries),
            batch_parts: config.batch_parts.clamp(1, 1000),
            tag: config.tag.filter(|tag| !tag.is_empty()),
            client,
        })
    }

    /// Reads an answer to a query.
    pub(super) fn page(&self, response: &Response) -> Result<Page, ConnectError> {
        response.json().map_err(|reason| self.client.protocol(reason))
    }

    /// The rows of a table that meet any of the conditions, in no particular order. No condition, no row.
    pub(super) async fn rows(
        &self,
        table: &Table,
        select: &str,
        annotations: Option<&'static str>,
        clauses: &[String],
    ) -> Result<Vec<Row>, ConnectError> {
        let requests: Vec<Request> = clauses
            .chunks(CLAUSES_PER_FILTER)
            .map(|chunk| {
                let filter = encode_query(&chunk.join(" or "));
                let request = Request::get(format!("{}?$select={select}&$filter={filter}", table.name()));
                match annotations {
                    Some(annotations) => request.header("prefer", annotations),
                    None => request,
                }
            })
            .collect();
        let mut rows = Vec::new();
        for answer in self.answers(requests).await {
            let answer = answer?;
            if !answer.status.is_success() {
                return Err(self.client.failure(&answer));
            }
            let mut page = self.page(&answer)?;
            rows.append(&mut page.value);
            while let Some(link) = page.next_link.take() {
                let request = Request::get(self.client.path_of(&link)?);
                page = self.page(&self.client.fetch(request).await?)?;
                rows.append(&mut page.value);
            }
        }
        Ok(rows)
    }

    /// Sends requests that do not depend on each other, few by themselves, many in batches side by side.
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

    /// Rows by their ids.
    pub(super) async fn images_by_id(
        &self,
        plan: &Plan,
        ids: &BTreeSet<String>,
    ) -> Result<Vec<Image>, ConnectError> {
        let id_column = plan.table.primary_id();
        let clauses: Vec<String> =
            ids.iter().filter(|id| is_guid(id)).map(|id| format!("{id_column} eq {id}")).collect();
        let rows = self.rows(&plan.table, &plan.select(), plan.annotations(), &clauses).await?;
        self.images(plan, &rows).await
    }

    /// What a selection makes of rows, its lookup paths followed to the related rows.
    pub(super) fn images<'a>(
        &'a self,
        plan: &'a Plan,
        rows: &'a [Row],
    ) -> BoxFuture<'a, Result<Vec<Image>, ConnectError>> {
        Box::pin(async move {
            let images: Result<Vec<Image>, String> = rows.iter().map(|row| plan.image(row)).collect();
            let mut images =
                images.map_err(|reason| self.client.protocol(format!("{}: {reason}", plan.table.name())))?;
            if plan.through.is_empty() || images.is_empty() {
                return Ok(images);
            }
            let related = self.related(plan, rows).await?;
            for (image, row) in images.iter_mut().zip(rows) {
                for through in &plan.through {
                    let value = row.guid(&through.property).and_then(|id| {
                        through.targets.iter().find_map(|target| {
                            let table = target.schema.logical_name.clone();
                            let key = RelatedKey { table, id: id.clone(), column: through.rest.clone() };
                            related.get(&key).cloned()
                        })
                    });
                    image.record.set(through.path.clone(), value.unwrap_or(Value::Null));
                }
            }
            Ok(images)
        })
    }

    /// The columns that these rows' lookup paths lead to. A related row that is gone has none.
    async fn related(&self, plan: &Plan, rows: &[Row]) -> Result<HashMap<RelatedKey, Value>, ConnectError> {
        let mut found = HashMap::new();
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        for through in &plan.through {
            for row in rows {
                let Some(id) = row.guid(&through.property) else { continue };
                let named = row.leads_to(&through.property);
                for target in &through.targets {
                    let table = &target.schema.logical_name;
                    if through.targets.len() > 1 && named.as_ref().is_some_and(|named| named != table) {
                        continue;
                    }
                    let key =
                        RelatedKey { table: table.clone(), id: id.clone(), column: through.rest.clone() };
                    if found.contains_key(&key) {
                        continue;
                    }
                    if let Some(value) = self.memory.related(&key) {
                        found.insert(key, value);
                        continue;
                    }
                    let entry = wanted.entry(table.clone()).or_insert_with(|| Wanted::of(target));
                    entry.columns.insert(through.rest.clone());
                    entry.ids.insert(id.clone());
                }
            }
        }
        for (table, wanted) in wanted {
            let plan = Plan::new(&self.catalogue, wanted.table, &wanted.columns).await?;
            let asked_at = Instant::now();
            for image in self.images_by_id(&plan, &wanted.ids).await? {
                for column in &wanted.columns {
                    let (table, id) = (table.clone(), image.id.0.clone());
                    let key = RelatedKey { table, id, column: column.clone() };
                    let value = image.record.get(column.as_str()).clone();
                    self.memory.keep_related(key.clone(), asked_at, value.clone());
                    found.insert(key, value);
                }
            }
        }
        Ok(found)
    }
}

/// What is to be read of one related table.
struct Wanted {
    table: Arc<Table>,
    columns: BTreeSet<ColumnPath>,
    ids: BTreeSet<String>,
}

impl Wanted {
    fn of(table: &Arc<Table>) -> Self {
        Self { table: Arc::clone(table), columns: BTreeSet::new(), ids: BTreeSet::new() }
    }
}

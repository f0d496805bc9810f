//! Reading single rows, many at a time: each by its address in one `$batch`, where the asked key is the table's key;
//! otherwise by a filter on the columns asked.

use std::collections::HashMap;

use dualwright_model::{ColumnSchema, IntegrationKey, Value};
use dualwright_odata::Filter;
use dualwright_odata::percent::encode_query;
use http::Method;

use super::environment::{CROSS_COMPANY, Environment, row_request};
use super::error::{refusal, row_missing};
use super::row::{Plan, Row, address, is_record_id, key_of_id};
use super::value;
use crate::http::Request;
use crate::{ConnectError, Existing, ReadKey, Selection};

/// How many keys one filter asks for.
const KEYS_PER_FILTER: usize = 20;

impl Environment {
    pub(super) async fn read(
        &self,
        selection: &Selection,
        keys: &[ReadKey],
    ) -> Result<Vec<Option<Existing>>, ConnectError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let plan = self.plan(selection).await?;
        let mut direct = Vec::new();
        let mut indirect = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            match key {
                ReadKey::Id(id) => match key_of_id(id) {
                    Some(key) => direct.push((place, key)),
                    None if is_record_id(id) => {
                        let what = format!("rows of {} by record id, only by key", plan.table.name());
                        return Err(self.unknown(what));
                    }
                    // No row of F&O ever had such an id.
                    None => {}
                },
                ReadKey::Key(values) => {
                    self.check_length(&plan, values)?;
                    match plan.table_key(values) {
                        Some(key) => direct.push((place, key)),
                        None => indirect.push((place, values.clone())),
                    }
                }
            }
        }
        let mut found: Vec<Option<Existing>> = keys.iter().map(|_| None).collect();
        let rows = self.rows_at(&plan, direct).await?.into_iter();
        let asked: Vec<Vec<Value>> = indirect.iter().map(|(_, values)| values.clone()).collect();
        let places = indirect.into_iter().map(|(place, _)| place);
        for (place, row) in rows.chain(places.zip(self.rows_with(&plan, &asked).await?)) {
            let image = row.map(|row| plan.image(&row)).transpose();
            let image =
                image.map_err(|reason| self.client.protocol(format!("{}: {reason}", plan.table.name())))?;
            if let Some(slot) = found.get_mut(place) {
                *slot = image;
            }
        }
        Ok(found)
    }

    pub(super) fn check_length(&self, plan: &Plan, values: &[Value]) -> Result<(), ConnectError> {
        if !values.is_empty() && values.len() == plan.key.len() {
            return Ok(());
        }
        let (asked, has) = (values.len(), plan.key.len());
        Err(self.unknown(format!("a key of {asked} values where {} has {has}", plan.table.name())))
    }

    /// Rows by the table's key, each with the place that was given with it.
    pub(super) async fn rows_at(
        &self,
        plan: &Plan,
        keys: Vec<(usize, Vec<Value>)>,
    ) -> Result<Vec<(usize, Option<Row>)>, ConnectError> {
        let (mut places, mut requests) = (Vec::new(), Vec::new());
        let mut rows = Vec::with_capacity(keys.len());
        for (place, key) in keys {
            match address(&plan.table, &key) {
                Some(address) => {
                    places.push(place);
                    let mut request = row_request(Method::GET, &address);
                    request.path.push_str(&format!("&$select={}", plan.select()));
                    requests.push(request);
                }
                None => rows.push((place, None)),
            }
        }
        for (place, answer) in places.into_iter().zip(self.answers(requests).await) {
            let answer = answer?;
            if row_missing(&answer) {
                rows.push((place, None));
                continue;
            }
            if !answer.status.is_success() {
                return Err(refusal(&self.client, &answer));
            }
            let row = answer.json().map_err(|reason| self.client.protocol(reason))?;
            rows.push((place, Some(row)));
        }
        Ok(rows)
    }

    /// Rows by the selection's key, one answer a key.
    ///
    /// # Errors
    /// [`ConnectError::Rejected`] when more than one row has a key that should name one.
    pub(super) async fn rows_with(
        &self,
        plan: &Plan,
        keys: &[Vec<Value>],
    ) -> Result<Vec<Option<Row>>, ConnectError> {
        let asked: Vec<IntegrationKey> = keys.iter().map(IntegrationKey::new).collect();
        let mut rows: HashMap<&IntegrationKey, Option<Row>> = asked.iter().map(|key| (key, None)).collect();
        let requests = keys.chunks(KEYS_PER_FILTER).filter_map(|chunk| query(plan, chunk)).collect();
        for answer in self.answers(requests).await {
            let mut answer = answer?;
            loop {
                if !answer.status.is_success() {
                    return Err(refusal(&self.client, &answer));
                }
                let page = self.page(&answer)?;
                for row in page.value {
                    let values = plan.key_values(&row).map_err(|reason| self.client.protocol(reason))?;
                    // An asterisk in a key is a wildcard to F&O: other rows come too.
                    let Some(slot) = rows.get_mut(&IntegrationKey::new(&values)) else { continue };
                    if slot.replace(row).is_some() {
                        let message = format!("more than one row of {} has this key", plan.table.name());
                        return Err(self.rejected(message));
                    }
                }
                let Some(link) = page.next_link else { break };
                answer = self.client.fetch(Request::get(self.client.path_of(&link)?)).await?;
            }
        }
        Ok(asked.iter().map(|key| rows.get(key).cloned().flatten()).collect())
    }
}

/// One read for several keys; `None` when no row can have any of them.
fn query(plan: &Plan, keys: &[Vec<Value>]) -> Option<Request> {
    let equals = |(column, value): (&ColumnSchema, &Value)| {
        let value = column.coerce(value.clone()).ok()?;
        Some(Filter::equals(column.name.clone(), value::literal(&value, column)))
    };
    let one = |key: &Vec<Value>| {
        let parts: Option<Vec<Filter>> = plan.key.iter().zip(key).map(equals).collect();
        Filter::all(parts?)
    };
    let filter = Filter::any(keys.iter().filter_map(one).collect::<Vec<_>>())?;
    Some(Request::get(format!(
        "{}?{CROSS_COMPANY}&$select={}&$filter={}",
        plan.table.name(),
        plan.select(),
        encode_query(&filter.to_string())
    )))
}

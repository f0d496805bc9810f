//! `GET accounts?…`: filter, order, pages. After `webapi/query/*.md`.
//!
//! A page goes on after the last row of the one before (by order of creation, or by the values of `$orderby`), never at a
//! number of rows, so that rows written between two pages neither repeat nor hide others.

use std::cmp::Ordering;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dualwright_model::Value;
use dualwright_odata::Filter;
use dualwright_odata::filter::Operator;
use dualwright_odata::literal::compare_decimals;
use dualwright_odata::query::Query;
use http::StatusCode;

use super::error::ApiError;
use super::model::{Entity, Model};
use super::print::{Annotations, View};
use super::request::{ReadRequest, json};
use crate::kernel::http::{Request, Response};
use crate::kernel::json::push_text;
use crate::kernel::rows::{Row, Snapshot, key_text_of};

/// The most rows of a page.
pub(super) const MOST_ROWS: usize = 5000;

/// Reads rows of a set.
pub(super) struct SetQuery {
    entity: Arc<Entity>,
    root: String,
    query: Query,
    view: View,
    page: usize,
    /// Whether the page size was asked for, which the answer confirms.
    sized: bool,
    count_only: bool,
}

impl SetQuery {
    pub(super) fn new(
        model: &Model,
        entity: &Arc<Entity>,
        request: &Request,
        root: String,
        query: Query,
    ) -> Result<Self, ApiError> {
        if query.skip.is_some() {
            return Err(ApiError::bad_address("Skip Clause is not supported in CRM"));
        }
        if let Some(filter) = &query.filter {
            if let Some(wrapped) = filter.wrapped_column() {
                return Err(ApiError::unsupported(&format!("{wrapped} in a filter")));
            }
            for path in filter.columns() {
                check_path(model, entity, path)?;
            }
        }
        for order in &query.order_by {
            check_path(model, entity, &order.path)?;
        }
        let view = View::new(model, entity, &query, Annotations::of(request))?;
        let wanted = page_size(request)?;
        let page = wanted.unwrap_or(MOST_ROWS);
        Ok(Self {
            entity: entity.clone(),
            root,
            query,
            view,
            page,
            sized: wanted.is_some(),
            count_only: false,
        })
    }

    /// `accounts/$count`: only the number.
    pub(super) fn count(
        model: &Model,
        entity: &Arc<Entity>,
        request: &Request,
        root: String,
        query: Query,
    ) -> Result<Self, ApiError> {
        Ok(Self { count_only: true, ..Self::new(model, entity, request, root, query)? })
    }

    fn matches(&self, snapshot: &Snapshot<'_>, model: &Model, row: &Row) -> bool {
        self.query
            .filter
            .as_ref()
            .is_none_or(|filter| filter.matches(&|path| value_at(snapshot, model, &self.entity, row, path)))
    }

    /// Visits the rows that match, in the order of creation, after a sequence.
    fn visit(
        &self,
        snapshot: &Snapshot<'_>,
        model: &Model,
        after: i64,
        mut see: impl FnMut(Row) -> bool,
    ) -> Result<(), ApiError> {
        if let Some(mut rows) = self.candidates(snapshot)? {
            rows.retain(|row| row.sequence > after && self.matches(snapshot, model, row));
            rows.sort_by_key(|row| row.sequence);
            rows.dedup_by_key(|row| row.sequence);
            for row in rows {
                if !see(row) {
                    break;
                }
            }
            return Ok(());
        }
        snapshot.scan(&self.entity.table, after, |row| {
            Ok(if self.matches(snapshot, model, &row) { see(row) } else { true })
        })
    }

    /// The rows that can match, where the filter names them.
    fn candidates(&self, snapshot: &Snapshot<'_>) -> Result<Option<Vec<Row>>, ApiError> {
        self.query.filter.as_ref().map_or(Ok(None), |filter| candidates(snapshot, &self.entity, filter))
    }

    /// Whether rows are asked for by id, from the first on: the order in which clients read a whole table.
    fn is_id_order(&self) -> bool {
        let [order] = self.query.order_by.as_slice() else { return false };
        !order.descending && self.entity.property(&order.path) == Some(self.entity.id)
    }

    fn total(&self, snapshot: &Snapshot<'_>, model: &Model) -> Result<usize, ApiError> {
        if self.query.filter.is_none() {
            let count = snapshot.count(&self.entity.table)?;
            return Ok(usize::try_from(count).unwrap_or(usize::MAX).min(MOST_ROWS));
        }
        let mut total = 0;
        self.visit(snapshot, model, 0, |_| {
            total += 1;
            total < MOST_ROWS
        })?;
        Ok(total)
    }

    /// The rows of this page, and the token of the next.
    fn rows(&self, snapshot: &Snapshot<'_>, model: &Model) -> Result<(Vec<Row>, Option<String>), ApiError> {
        let top = self.query.top.map(|top| usize::try_from(top).unwrap_or(usize::MAX).min(MOST_ROWS));
        let limit = top.unwrap_or(self.page);
        let more = |rows: &[Row]| top.is_none() && rows.len() > limit;
        if self.query.order_by.is_empty() {
            let after = match &self.query.skip_token {
                Some(token) => token.parse().map_err(|_| wrong_token())?,
                None => 0,
            };
            let mut rows = Vec::new();
            if limit > 0 {
                self.visit(snapshot, model, after, |row| {
                    rows.push(row);
                    rows.len() <= limit
                })?;
            }
            let next = more(&rows);
            rows.truncate(limit);
            let token = rows.last().filter(|_| next).map(|row| row.sequence.to_string());
            return Ok((rows, token));
        }
        let last = self.query.skip_token.as_deref().map(read_token).transpose()?;
        let mut rows = Vec::new();
        if self.is_id_order() && self.candidates(snapshot)?.is_none() {
            let after = match &last {
                Some((values, _)) => match values.first() {
                    Some(Value::Text(id)) => id,
                    _ => return Err(wrong_token()),
                },
                None => "",
            };
            snapshot.scan_ids(&self.entity.table, after, |row| {
                if self.matches(snapshot, model, &row) {
                    rows.push((vec![Value::text(&row.id)], row));
                }
                Ok::<bool, ApiError>(rows.len() <= limit)
            })?;
            return Self::page_of(rows, limit, top.is_none());
        }
        self.visit(snapshot, model, 0, |row| {
            rows.push((self.order_values(snapshot, model, &row), row));
            true
        })?;
        rows.sort_by(|one, other| self.compare((&one.0, one.1.sequence), (&other.0, other.1.sequence)));
        if let Some((values, sequence)) = &last {
            rows.retain(|(own, row)| {
                self.compare((own, row.sequence), (values, *sequence)) == Ordering::Greater
            });
        }
        Self::page_of(rows, limit, top.is_none())
    }

    /// The first `limit` of these rows, and the token of the next page where there is one.
    fn page_of(
        mut rows: Vec<(Vec<Value>, Row)>,
        limit: usize,
        pages: bool,
    ) -> Result<(Vec<Row>, Option<String>), ApiError> {
        let next = pages && rows.len() > limit;
        rows.truncate(limit);
        let token = match rows.last() {
            Some((values, row)) if next => Some(write_token(values, row.sequence)?),
            _ => None,
        };
        Ok((rows.into_iter().map(|(_, row)| row).collect(), token))
    }

    fn order_values(&self, snapshot: &Snapshot<'_>, model: &Model, row: &Row) -> Vec<Value> {
        let value = |path: &str| value_at(snapshot, model, &self.entity, row, path);
        self.query.order_by.iter().map(|order| value(&order.path)).collect()
    }

    fn compare(&self, one: (&[Value], i64), other: (&[Value], i64)) -> Ordering {
        let pairs = one.0.iter().zip(other.0).zip(&self.query.order_by);
        for ((left, right), order) in pairs {
            let ordering = compare(left, right);
            let ordering = if order.descending { ordering.reverse() } else { ordering };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        one.1.cmp(&other.1)
    }
}

impl ReadRequest for SetQuery {
    fn run(&self, snapshot: &Snapshot<'_>, model: &Model) -> Result<Response, ApiError> {
        if self.count_only {
            let total = self.total(snapshot, model)?;
            return Ok(Response::with_body(StatusCode::OK, "text/plain", total.to_string())
                .header("odata-version", "4.0"));
        }
        let (rows, next) = self.rows(snapshot, model)?;
        let mut body = String::with_capacity(256 + rows.len() * 512);
        body.push_str("{\"@odata.context\":");
        push_text(&mut body, &self.view.context(&self.root, ""));
        if self.query.count == Some(true) {
            body.push_str(&format!(",\"@odata.count\":{}", self.total(snapshot, model)?));
        }
        body.push_str(",\"value\":[");
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            self.view.object(&mut body, snapshot, model, row)?;
        }
        body.push(']');
        if let Some(token) = next {
            let query = Query { skip_token: Some(token), ..self.query.clone() };
            body.push_str(",\"@odata.nextLink\":");
            push_text(&mut body, &format!("{}/{}?{query}", self.root, self.entity.table.name));
        }
        body.push('}');
        let response = json(StatusCode::OK, body);
        Ok(if self.sized {
            response.header("preference-applied", &format!("odata.maxpagesize={}", self.page))
        } else {
            response
        })
    }
}

/// The page size that `Prefer: odata.maxpagesize` asks for.
pub(super) fn page_size(request: &Request) -> Result<Option<usize>, ApiError> {
    let wanted = request.preference("odata.maxpagesize").or_else(|| request.preference("maxpagesize"));
    match wanted.map(|size| size.parse::<usize>()) {
        None => Ok(None),
        Some(Ok(size)) if size > 0 => Ok(Some(size.min(MOST_ROWS))),
        Some(_) => Err(ApiError::bad_address("The preference odata.maxpagesize is a number greater than 0.")),
    }
}

/// A path is a property, or a property of a row that a lookup points to.
fn check_path(model: &Model, entity: &Entity, path: &str) -> Result<(), ApiError> {
    let (owner, name) = match path.split_once('/') {
        None => (entity, path),
        Some((navigation, rest)) => {
            let found = entity
                .navigation
                .get(navigation)
                .ok_or_else(|| ApiError::no_property(navigation, &entity.logical_name))?;
            let target = model.entity(&found.target).ok_or_else(|| ApiError::no_resource(&found.target))?;
            (target.as_ref(), rest)
        }
    };
    match owner.property(name) {
        Some(_) => Ok(()),
        None => Err(ApiError::no_property(name, &owner.logical_name)),
    }
}

fn value_at(snapshot: &Snapshot<'_>, model: &Model, entity: &Entity, row: &Row, path: &str) -> Value {
    let Some((navigation, name)) = path.split_once('/') else {
        return match entity.property(path) {
            Some(position) if position == entity.id => Value::text(&row.id),
            Some(position) if position == entity.version => Value::Integer(row.version),
            Some(position) => row.cell(position).clone(),
            None => Value::Null,
        };
    };
    let Some(found) = entity.navigation.get(navigation) else { return Value::Null };
    let (Some(target), Value::Text(id)) = (model.entity(&found.target), row.cell(found.column)) else {
        return Value::Null;
    };
    // A row that cannot be read counts as one that is not there; the page itself will report the failure.
    match snapshot.get(&target.table, id) {
        Ok(Some(related)) if !name.contains('/') => value_at(snapshot, model, target, &related, name),
        _ => Value::Null,
    }
}

/// The rows that can match, where the filter names them by id or by a whole alternate key; `None` for a scan. What is
/// answered here still has to match.
fn candidates(
    snapshot: &Snapshot<'_>,
    entity: &Entity,
    filter: &Filter,
) -> Result<Option<Vec<Row>>, ApiError> {
    match filter {
        Filter::And(parts) => {
            for part in parts.iter().filter(|part| !matches!(part, Filter::Compare { .. })) {
                if let Some(rows) = candidates(snapshot, entity, part)? {
                    return Ok(Some(rows));
                }
            }
            pinned(snapshot, entity, parts)
        }
        Filter::Or(parts) => {
            let mut all = Vec::new();
            for part in parts {
                match candidates(snapshot, entity, part)? {
                    Some(rows) => all.extend(rows),
                    None => return Ok(None),
                }
            }
            Ok(Some(all))
        }
        Filter::In { path, list } => {
            let mut all = Vec::new();
            for literal in list {
                let part = [Filter::equals(path.clone(), literal.clone())];
                match pinned(snapshot, entity, &part)? {
                    Some(rows) => all.extend(rows),
                    None => return Ok(None),
                }
            }
            Ok(Some(all))
        }
        single @ Filter::Compare { .. } => pinned(snapshot, entity, std::slice::from_ref(single)),
        Filter::Not(_) | Filter::Function { .. } => Ok(None),
    }
}

fn pinned(snapshot: &Snapshot<'_>, entity: &Entity, parts: &[Filter]) -> Result<Option<Vec<Row>>, ApiError> {
    let mut pins: Vec<(usize, Value)> = Vec::new();
    for part in parts {
        if let Filter::Compare { path, operator: Operator::Equal, literal } = part
            && let Some(position) = entity.property(path)
        {
            pins.push((position, literal.to_value()));
        }
    }
    let pin = |wanted: usize| pins.iter().find(|(position, _)| *position == wanted).map(|(_, value)| value);
    if let Some(Value::Text(id)) = pin(entity.id) {
        return Ok(Some(snapshot.get(&entity.table, &id.to_lowercase())?.into_iter().collect()));
    }
    for (number, key) in entity.table.keys.iter().enumerate() {
        let values: Option<Vec<&Value>> = key.columns.iter().map(|column| pin(*column)).collect();
        if let Some(text) = values.and_then(|values| key_text_of(values.into_iter())) {
            return Ok(Some(snapshot.find(&entity.table, number, &text)?.into_iter().collect()));
        }
    }
    Ok(None)
}

/// Nothing comes first; text without regard to case.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Null | Value::Absent, Value::Null | Value::Absent) => Ordering::Equal,
        (Value::Null | Value::Absent, _) => Ordering::Less,
        (_, Value::Null | Value::Absent) => Ordering::Greater,
        (Value::Text(one), Value::Text(other)) => one.to_lowercase().cmp(&other.to_lowercase()),
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Decimal(one), Value::Decimal(other)) => compare_decimals(one, other),
        (Value::Boolean(one), Value::Boolean(other)) => one.cmp(other),
        (Value::Timestamp(one), Value::Timestamp(other)) => one.cmp(other),
        (Value::Date(one), Value::Date(other)) => one.cmp(other),
        // One column holds one kind.
        (one, other) => one.kind().cmp(other.kind()),
    }
}

fn write_token(values: &[Value], sequence: i64) -> Result<String, ApiError> {
    let text = serde_json::to_string(&(values, sequence)).map_err(|_| wrong_token())?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

fn read_token(token: &str) -> Result<(Vec<Value>, i64), ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong_token())?;
    serde_json::from_slice(&bytes).map_err(|_| wrong_token())
}

fn wrong_token() -> ApiError {
    ApiError::bad_address("The $skiptoken is not one that this service gave.")
}

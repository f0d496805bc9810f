//! `GET CustomersV3?…`: filter, order, pages. After `articles/fin-ops-core/dev-itpro/data-entities/odata.md`.
//!
//! A page goes on after the last row of the one before, never at a number of rows, so that rows written between two
//! pages neither repeat nor hide others. Without `cross-company=true` only rows of the client's own company are seen.

use std::cmp::Ordering;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dualwright_model::Value;
use dualwright_odata::literal::compare_decimals;
use dualwright_odata::query::Query;
use http::StatusCode;

use super::candidates::candidates;
use super::company;
use super::error::ApiError;
use super::filter;
use super::key_order::{in_key_order, is_key_order};
use super::model::Entity;
use super::print::View;
use super::request::{Caller, ReadRequest, json};
use crate::kernel::http::{Request, Response};
use crate::kernel::json::push_text;
use crate::kernel::rows::{Row, Snapshot};

/// The most rows of a page.
const MOST_ROWS: usize = 10_000;

/// Begins the token of a page that was read in key order; the key's text follows.
const BY_KEY: char = 'k';

/// Reads rows of a set.
pub(super) struct SetQuery {
    entity: Arc<Entity>,
    caller: Caller,
    query: Query,
    view: View,
    page: usize,
    /// Positions of the columns ordered by, and whether descending.
    order: Vec<(usize, bool)>,
    /// Whether the order is that of the key, in which rows can be read without sorting them.
    by_key: bool,
    count_only: bool,
}

/// Where a page begins.
enum Start {
    Beginning,
    After(String),
}

impl SetQuery {
    pub(super) fn new(
        entity: &Arc<Entity>,
        request: &Request,
        caller: Caller,
        mut query: Query,
    ) -> Result<Self, ApiError> {
        let view = View::new(entity, &query)?;
        query.filter = query.filter.map(|filter| filter::prepare(entity, filter)).transpose()?;
        let mut order = Vec::with_capacity(query.order_by.len());
        for by in &query.order_by {
            order.push((filter::find(entity, &by.path)?.0, by.descending));
        }
        let page = page_size(request)?.unwrap_or(MOST_ROWS);
        let by_key = is_key_order(entity, &order);
        Ok(Self { entity: entity.clone(), caller, query, view, page, order, by_key, count_only: false })
    }

    /// `CustomersV3/$count`: only the number.
    pub(super) fn only_count(self) -> Self {
        Self { count_only: true, ..self }
    }

    /// The company to which reading is limited.
    fn company(&self, snapshot: &Snapshot<'_>) -> Result<Option<String>, ApiError> {
        if self.entity.company.is_none() || self.query.cross_company == Some(true) {
            return Ok(None);
        }
        Ok(Some(company::of(snapshot, &self.caller.client)?))
    }

    fn matches(&self, company: Option<&str>, row: &Row) -> bool {
        let here = match (company, self.entity.company) {
            (Some(company), Some(position)) => {
                matches!(row.cell(position), Value::Text(own) if own.eq_ignore_ascii_case(company))
            }
            _ => true,
        };
        let value = |path: &str| match self.entity.table.position(path) {
            Some(position) => self.entity.shown(row, position),
            None => Value::Null,
        };
        here && self.query.filter.as_ref().is_none_or(|filter| filter.matches(&value))
    }

    /// Visits the rows that match, in the order of creation, after a sequence.
    fn visit(
        &self,
        snapshot: &Snapshot<'_>,
        company: Option<&str>,
        after: i64,
        mut see: impl FnMut(Row) -> bool,
    ) -> Result<(), ApiError> {
        if let Some(mut rows) = self.pinned(snapshot)? {
            rows.retain(|row| row.sequence > after && self.matches(company, row));
            for row in rows {
                if !see(row) {
                    break;
                }
            }
            return Ok(());
        }
        snapshot.scan(&self.entity.table, after, |row| {
            Ok(if self.matches(company, &row) { see(row) } else { true })
        })
    }

    /// The rows that the filter names by key, by sequence; `None` when it does not.
    fn pinned(&self, snapshot: &Snapshot<'_>) -> Result<Option<Vec<Row>>, ApiError> {
        let Some(filter) = &self.query.filter else { return Ok(None) };
        let Some(mut rows) = candidates(snapshot, &self.entity, filter)? else { return Ok(None) };
        rows.sort_by_key(|row| row.sequence);
        rows.dedup_by_key(|row| row.sequence);
        Ok(Some(rows))
    }

    fn total(&self, snapshot: &Snapshot<'_>, company: Option<&str>) -> Result<u64, ApiError> {
        if self.query.filter.is_none() && company.is_none() {
            return Ok(u64::try_from(snapshot.count(&self.entity.table)?).unwrap_or(0));
        }
        let mut total = 0;
        self.visit(snapshot, company, 0, |_| {
            total += 1;
            true
        })?;
        Ok(total)
    }

    /// The rows of this page, and the token of the next.
    fn rows(
        &self,
        snapshot: &Snapshot<'_>,
        company: Option<&str>,
    ) -> Result<(Vec<Row>, Option<String>), ApiError> {
        let start = match &self.query.skip_token {
            Some(token) => Start::After(decode(token)?),
            None => Start::Beginning,
        };
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let top = self.query.top.map_or(usize::MAX, size);
        // The rows to pass over come before the first page only.
        let skip = match start {
            Start::Beginning => self.query.skip.map_or(0, size),
            Start::After(_) => 0,
        };
        let limit = top.min(self.page);
        if limit == 0 {
            return Ok((Vec::new(), None));
        }
        let more = |found: usize| found > limit && top > limit;
        let enough = skip.saturating_add(limit).saturating_add(1);
        if self.order.is_empty() {
            let after = match &start {
                Start::After(token) => token.parse().map_err(|_| wrong_token())?,
                Start::Beginning => 0,
            };
            let (mut rows, mut passed) = (Vec::new(), 0);
            self.visit(snapshot, company, after, |row| {
                passed += 1;
                if passed > skip {
                    rows.push(row);
                }
                passed < enough
            })?;
            let next = more(rows.len());
            rows.truncate(limit);
            let token = rows.last().filter(|_| next).map(|row| row.sequence.to_string());
            return Ok((rows, token));
        }
        let pinned = self.pinned(snapshot)?;
        if self.by_key && pinned.is_none() {
            let after = match &start {
                Start::After(token) => Some(token.strip_prefix(BY_KEY).ok_or_else(wrong_token)?),
                Start::Beginning => None,
            };
            let (mut rows, mut passed) = (Vec::new(), 0);
            in_key_order(snapshot, &self.entity, company, after, |text, row| {
                if self.matches(company, &row) {
                    passed += 1;
                    if passed > skip {
                        rows.push((text.to_owned(), row));
                    }
                }
                passed < enough
            })?;
            let next = more(rows.len());
            rows.truncate(limit);
            let token = rows.last().filter(|_| next).map(|(text, _)| format!("{BY_KEY}{text}"));
            return Ok((rows.into_iter().map(|(_, row)| row).collect(), token));
        }
        self.sorted(snapshot, company, &start, skip, limit, top)
    }

    /// Rows in any order: all are read and sorted.
    fn sorted(
        &self,
        snapshot: &Snapshot<'_>,
        company: Option<&str>,
        start: &Start,
        skip: usize,
        limit: usize,
        top: usize,
    ) -> Result<(Vec<Row>, Option<String>), ApiError> {
        let mut rows: Vec<(Vec<Value>, Row)> = Vec::new();
        self.visit(snapshot, company, 0, |row| {
            let values = self.order.iter().map(|(position, _)| self.entity.shown(&row, *position)).collect();
            rows.push((values, row));
            true
        })?;
        rows.sort_by(|one, other| self.compare((&one.0, one.1.sequence), (&other.0, other.1.sequence)));
        if let Start::After(token) = start {
            let (values, sequence): (Vec<Value>, i64) =
                serde_json::from_str(token).map_err(|_| wrong_token())?;
            if values.len() != self.order.len() {
                return Err(wrong_token());
            }
            rows.retain(|(own, row)| {
                self.compare((own, row.sequence), (&values, sequence)) == Ordering::Greater
            });
        }
        let mut rows: Vec<_> = rows.into_iter().skip(skip).collect();
        let next = rows.len() > limit && top > limit;
        rows.truncate(limit);
        let token = match rows.last() {
            Some((values, row)) if next => {
                Some(serde_json::to_string(&(values, row.sequence)).map_err(|_| wrong_token())?)
            }
            _ => None,
        };
        Ok((rows.into_iter().map(|(_, row)| row).collect(), token))
    }

    fn compare(&self, one: (&[Value], i64), other: (&[Value], i64)) -> Ordering {
        for ((left, right), (_, descending)) in one.0.iter().zip(other.0).zip(&self.order) {
            let ordering = compare(left, right);
            let ordering = if *descending { ordering.reverse() } else { ordering };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        one.1.cmp(&other.1)
    }

    fn next_link(&self, token: &str, given: usize) -> String {
        let left = self.query.top.map(|top| top.saturating_sub(u64::try_from(given).unwrap_or(u64::MAX)));
        let query = Query {
            skip_token: Some(URL_SAFE_NO_PAD.encode(token)),
            skip: None,
            top: left,
            // The number is told once, with the first page.
            count: None,
            ..self.query.clone()
        };
        format!("{}/{}?{query}", self.caller.root, self.entity.table.name)
    }
}

impl ReadRequest for SetQuery {
    fn run(&self, snapshot: &Snapshot<'_>) -> Result<Response, ApiError> {
        let company = self.company(snapshot)?;
        let company = company.as_deref();
        if self.count_only {
            let total = self.total(snapshot, company)?;
            return Ok(Response::with_body(StatusCode::OK, "text/plain", total.to_string())
                .header("odata-version", "4.0"));
        }
        let (rows, next) = self.rows(snapshot, company)?;
        let mut body = String::with_capacity(256 + rows.len() * 512);
        body.push_str("{\"@odata.context\":");
        push_text(&mut body, &self.view.context(&self.caller.root, ""));
        if self.query.count == Some(true) {
            body.push_str(&format!(",\"@odata.count\":{}", self.total(snapshot, company)?));
        }
        body.push_str(",\"value\":[");
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            self.view.object(&mut body, row);
        }
        body.push(']');
        if let Some(token) = next {
            body.push_str(",\"@odata.nextLink\":");
            push_text(&mut body, &self.next_link(&token, rows.len()));
        }
        body.push('}');
        Ok(json(StatusCode::OK, body))
    }
}

/// The page size that `Prefer: odata.maxpagesize` asks for.
fn page_size(request: &Request) -> Result<Option<usize>, ApiError> {
    match request.preference("odata.maxpagesize").map(|size| size.parse::<usize>()) {
        None => Ok(None),
        Some(Ok(size)) if size > 0 => Ok(Some(size.min(MOST_ROWS))),
        Some(_) => Err(ApiError::bad_request("The preference odata.maxpagesize is a number greater than 0.")),
    }
}

/// Text without regard to case.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => {
            one.trim_end().to_lowercase().cmp(&other.trim_end().to_lowercase())
        }
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Decimal(one), Value::Decimal(other)) => compare_decimals(one, other),
        (Value::Timestamp(one), Value::Timestamp(other)) => one.cmp(other),
        // One column holds one kind, and never null.
        (one, other) => one.kind().cmp(other.kind()),
    }
}

fn decode(token: &str) -> Result<String, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong_token())?;
    String::from_utf8(bytes).map_err(|_| wrong_token())
}

fn wrong_token() -> ApiError {
    ApiError::bad_request("The $skiptoken is not one that this service gave.")
}

//! `$batch`: after `webapi/execute-batch-operations-using-web-api.md`.
//!
//! All parts of a batch run in one transaction of the store, each part or changeset in a savepoint of its own: what a
//! client sees is the same, and a thousand parts cost one commit.

use std::sync::Arc;

use dualwright_odata::batch::{
    Item, Limits, PartRequest, PartResponse, build_response, content_type, parse_request,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::address::Address;
use super::error::ApiError;
use super::model::Model;
use super::request::{Prepared, Written, prepare};
use super::work::Work;
use crate::kernel::http::{Request, Response};
use crate::kernel::rows::Snapshot;
use crate::kernel::transaction::Transaction;

/// A batch, understood as far as it can be before its parts run.
pub(super) struct Batch {
    items: Vec<Item<Part>>,
    model: Arc<Model>,
    client: Arc<str>,
    continue_on_error: bool,
}

struct Part {
    request: Request,
    content_id: Option<String>,
    /// `None` when the address begins with `$`: it is known only when an earlier part has run.
    prepared: Option<Result<Prepared, ApiError>>,
}

impl Batch {
    pub(super) fn new(
        model: &Arc<Model>,
        client: &Arc<str>,
        root: &str,
        request: &Request,
    ) -> Result<Self, ApiError> {
        let kind = request.header("content-type").unwrap_or_default();
        let items = parse_request(kind, &request.body, &Limits::default())
            .map_err(|error| ApiError::bad_address(error.to_string()))?;
        let mut understood = Vec::with_capacity(items.len());
        for item in items {
            understood.push(match item {
                Item::Single(part) => Item::Single(Part::new(model, client, root, request, part)?),
                Item::Changeset(parts) => Item::Changeset(
                    parts
                        .into_iter()
                        .map(|part| Part::new(model, client, root, request, part))
                        .collect::<Result<Vec<Part>, ApiError>>()?,
                ),
            });
        }
        let continue_on_error = request
            .preference("odata.continue-on-error")
            .or_else(|| request.preference("continue-on-error"))
            .is_some_and(|value| !value.eq_ignore_ascii_case("false"));
        Ok(Self { items: understood, model: model.clone(), client: client.clone(), continue_on_error })
    }

    /// Whether no part writes.
    pub(super) fn only_reads(&self) -> bool {
        self.items.iter().all(|item| match item {
            Item::Single(part) => matches!(part.prepared, Some(Ok(Prepared::Read(_)) | Err(_))),
            Item::Changeset(_) => false,
        })
    }

    /// Runs a batch that only reads.
    pub(super) fn read(&self, snapshot: &Snapshot<'_>) -> Response {
        let mut answers = Answers::new(self.continue_on_error);
        for item in &self.items {
            let Item::Single(part) = item else { continue };
            let result = match &part.prepared {
                Some(Ok(Prepared::Read(read))) => read.run(snapshot, &self.model),
                Some(Err(error)) => Err(error.clone()),
                _ => Err(ApiError::unsupported("this part")),
            };
            if !answers.single(part, result) {
                break;
            }
        }
        answers.response()
    }

    /// Runs a batch.
    pub(super) fn run(&self, transaction: &mut Transaction<'_>, work: &mut Work<'_>) -> Response {
        let mut answers = Answers::new(self.continue_on_error);
        for item in &self.items {
            work.references.clear();
            let goes_on = match item {
                Item::Single(part) => {
                    let result = transaction.step(|transaction| self.part(transaction, work, part));
                    answers.single(part, result.map(|written| written.response))
                }
                Item::Changeset(parts) => {
                    let result = transaction.step(|transaction| self.changeset(transaction, work, parts));
                    answers.changeset(parts, result)
                }
            };
            if !goes_on {
                break;
            }
        }
        answers.response()
    }

    fn changeset(
        &self,
        transaction: &mut Transaction<'_>,
        work: &mut Work<'_>,
        parts: &[Part],
    ) -> Result<Vec<Response>, PartError> {
        let mut responses = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            if part.request.method == Method::GET {
                let message = "GET is not allowed within a changeset.";
                return Err(PartError(index, ApiError::bad_address(message)));
            }
            let written = self.part(transaction, work, part).map_err(|error| PartError(index, error))?;
            if let (Some(id), Some(row)) = (&part.content_id, written.row) {
                work.references.insert(id.clone(), row);
            }
            responses.push(written.response);
        }
        Ok(responses)
    }

    fn part(
        &self,
        transaction: &mut Transaction<'_>,
        work: &mut Work<'_>,
        part: &Part,
    ) -> Result<Written, ApiError> {
        let late;
        let prepared = match &part.prepared {
            Some(Ok(prepared)) => prepared,
            Some(Err(error)) => return Err(error.clone()),
            None => {
                late = prepare(&self.model, &self.client, &substitute(&part.request, work)?)?;
                &late
            }
        };
        match prepared {
            Prepared::Write(write) => write.run(transaction, work),
            Prepared::Read(read) => read.run(transaction, &self.model).map(Written::new),
        }
    }
}

impl Part {
    fn new(
        model: &Arc<Model>,
        client: &Arc<str>,
        root: &str,
        outer: &Request,
        part: PartRequest,
    ) -> Result<Self, ApiError> {
        let wrong = |what: &str| ApiError::bad_address(format!("A part of the batch has a wrong {what}."));
        let method = Method::from_bytes(part.method.as_bytes()).map_err(|_| wrong("method"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &part.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("header"))?;
            headers.append(name, HeaderValue::from_str(value).map_err(|_| wrong("header"))?);
        }
        for name in ["mscrm.bypasscustompluginexecution", "tag"] {
            if let Some(value) = outer.headers.get(name) {
                headers.entry(HeaderName::from_static(name)).or_insert_with(|| value.clone());
            }
        }
        let (path, query) = part.url.split_once('?').unwrap_or((&part.url, ""));
        let is_reference = path.trim_start_matches('/').starts_with('$')
            && !path.trim_start_matches('/').starts_with("$batch")
            && !path.trim_start_matches('/').starts_with("$metadata");
        let path = if is_reference { path.to_owned() } else { absolute(root, path) };
        let request = Request {
            method,
            path,
            query: query.replace(' ', "%20"),
            headers,
            body: part.body.into(),
            base: outer.base.clone(),
        };
        if request.path.ends_with("/$batch") {
            let prepared = Some(Err(ApiError::bad_address("A batch cannot contain a batch.")));
            return Ok(Self { request, content_id: part.content_id, prepared });
        }
        let prepared = (!is_reference).then(|| prepare(model, client, &request));
        Ok(Self { request, content_id: part.content_id, prepared })
    }
}

/// The path of a part: written in full, from the root, or relative to the service.
fn absolute(root: &str, url: &str) -> String {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
        None => url,
    };
    if path.starts_with("/api/data/") {
        path.to_owned()
    } else {
        format!("{root}/{}", path.trim_start_matches('/'))
    }
}

/// Puts the row that an earlier part wrote in the place of `$1`.
fn substitute(request: &Request, work: &Work<'_>) -> Result<Request, ApiError> {
    let path = request.path.trim_start_matches('/');
    let (id, below) = path.split_once('/').unwrap_or((path, ""));
    let id = id.trim_start_matches('$');
    let address: &Address = work
        .references
        .get(id)
        .ok_or_else(|| ApiError::bad_address(format!("The Content-ID '${id}' names no earlier request.")))?;
    let slash = if below.is_empty() { "" } else { "/" };
    Ok(Request { path: format!("/api/data/v9.2/{}{slash}{below}", address.segment), ..request.clone() })
}

/// The answers so far.
struct Answers {
    items: Vec<Item<PartResponse>>,
    failed: Option<StatusCode>,
    continue_on_error: bool,
}

impl Answers {
    fn new(continue_on_error: bool) -> Self {
        Self { items: Vec::new(), failed: None, continue_on_error }
    }

    /// Notes the answer to a part; answers whether the batch goes on.
    fn single(&mut self, part: &Part, result: Result<Response, ApiError>) -> bool {
        let failed = result.as_ref().err().map(|error| error.status);
        let response = result.unwrap_or_else(|error| error.response());
        self.items.push(Item::Single(to_part(response, part.content_id.clone())));
        self.went(failed)
    }

    /// Notes the answer to a changeset: all its answers, or the one error.
    fn changeset(&mut self, parts: &[Part], result: Result<Vec<Response>, PartError>) -> bool {
        match result {
            Ok(responses) => {
                let ids = parts.iter().map(|part| part.content_id.clone());
                let answers = responses.into_iter().zip(ids).map(|(response, id)| to_part(response, id));
                self.items.push(Item::Changeset(answers.collect()));
                true
            }
            Err(PartError(index, error)) => {
                let id = parts.get(index).and_then(|part| part.content_id.clone());
                self.items.push(Item::Single(to_part(error.response(), id)));
                self.went(Some(error.status))
            }
        }
    }

    fn went(&mut self, failed: Option<StatusCode>) -> bool {
        if let Some(status) = failed {
            self.failed.get_or_insert(status);
        }
        failed.is_none() || self.continue_on_error
    }

    /// The answer to the batch: without `continue-on-error` it has the status of the part that failed.
    fn response(self) -> Response {
        let status = match self.failed {
            Some(status) if !self.continue_on_error => status,
            _ => StatusCode::OK,
        };
        let boundary = format!("batchresponse_{}", uuid::Uuid::new_v4());
        let mut response = Response::empty(status).header("odata-version", "4.0");
        if let Ok(kind) = HeaderValue::from_str(&content_type(&boundary)) {
            response.headers.insert(http::header::CONTENT_TYPE, kind);
        }
        response.body = build_response(&self.items, &boundary).into();
        response
    }
}

fn to_part(response: Response, content_id: Option<String>) -> PartResponse {
    let headers = response
        .headers
        .iter()
        .filter_map(|(name, value)| {
            Some((printed(name.as_str()).to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    PartResponse { status: response.status.as_u16(), headers, body: response.body.to_vec(), content_id }
}

/// Header names as the service spells them inside a batch.
fn printed(name: &str) -> &str {
    match name {
        "odata-version" => "OData-Version",
        "odata-entityid" => "OData-EntityId",
        "location" => "Location",
        "content-type" => "Content-Type",
        "etag" => "ETag",
        "preference-applied" => "Preference-Applied",
        other => other,
    }
}

/// The error of a changeset, and which of its parts failed.
struct PartError(usize, ApiError);

impl From<crate::kernel::error::StoreError> for PartError {
    fn from(error: crate::kernel::error::StoreError) -> Self {
        Self(0, error.into())
    }
}

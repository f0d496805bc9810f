//! `$batch`: after `articles/fin-ops-core/dev-itpro/data-entities/odata.md`, "Batch requests".
//!
//! All parts of a batch run in one transaction of the store, each part or changeset in a savepoint of its own: what a
//! client sees is the same, and a thousand parts cost one commit.

use std::sync::Arc;

use dualwright_odata::batch::{
    Item, Limits, PartRequest, PartResponse, build_response, content_type, parse_request,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::error::ApiError;
use super::events::Events;
use super::model::Model;
use super::request::{Prepared, prepare};
use crate::kernel::error::StoreError;
use crate::kernel::http::{Request, Response};
use crate::kernel::rows::Snapshot;
use crate::kernel::transaction::Transaction;

/// A batch, understood.
pub(super) struct Batch {
    items: Vec<Item<Part>>,
    continue_on_error: bool,
}

struct Part {
    content_id: Option<String>,
    reads: bool,
    prepared: Result<Prepared, ApiError>,
}

impl Batch {
    pub(super) fn new(model: &Arc<Model>, client: &Arc<str>, request: &Request) -> Result<Self, ApiError> {
        let kind = request.header("content-type").unwrap_or_default();
        let items = parse_request(kind, &request.body, &Limits::default())
            .map_err(|error| ApiError::bad_request(error.to_string()))?;
        let part = |part| Part::new(model, client, request, part);
        let mut understood = Vec::with_capacity(items.len());
        for item in items {
            understood.push(match item {
                Item::Single(single) => Item::Single(part(single)?),
                Item::Changeset(parts) => {
                    Item::Changeset(parts.into_iter().map(part).collect::<Result<Vec<Part>, ApiError>>()?)
                }
            });
        }
        let continue_on_error = request
            .preference("odata.continue-on-error")
            .or_else(|| request.preference("continue-on-error"))
            .is_some_and(|value| !value.eq_ignore_ascii_case("false"));
        Ok(Self { items: understood, continue_on_error })
    }

    /// Whether no part writes.
    pub(super) fn only_reads(&self) -> bool {
        self.items.iter().all(|item| match item {
            Item::Single(part) => !matches!(part.prepared, Ok(Prepared::Write(_))),
            Item::Changeset(_) => false,
        })
    }

    /// Runs a batch that only reads.
    pub(super) fn read(&self, snapshot: &Snapshot<'_>) -> Response {
        let mut answers = Answers::new(self.continue_on_error);
        for item in &self.items {
            let Item::Single(part) = item else { continue };
            let result = match &part.prepared {
                Ok(Prepared::Read(read)) => read.run(snapshot),
                Ok(Prepared::Done(response)) => Ok(response.clone()),
                Ok(Prepared::Write(_)) => Err(ApiError::unsupported("this part")),
                Err(error) => Err(error.clone()),
            };
            if !answers.single(part, result) {
                break;
            }
        }
        answers.response()
    }

    /// Runs a batch.
    pub(super) fn run(&self, transaction: &mut Transaction<'_>, events: &Events) -> Response {
        let mut answers = Answers::new(self.continue_on_error);
        for item in &self.items {
            let goes_on = match item {
                Item::Single(part) => {
                    let result = transaction.step(|transaction| part.run(transaction, events));
                    answers.single(part, result)
                }
                Item::Changeset(parts) => {
                    let result = transaction.step(|transaction| changeset(transaction, events, parts));
                    answers.changeset(parts, result)
                }
            };
            if !goes_on {
                break;
            }
        }
        answers.response()
    }
}

fn changeset(
    transaction: &mut Transaction<'_>,
    events: &Events,
    parts: &[Part],
) -> Result<Vec<Response>, PartError> {
    let mut responses = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        if part.reads {
            let error = ApiError::bad_request("GET is not allowed within a changeset.");
            return Err(PartError(index, error));
        }
        responses.push(part.run(transaction, events).map_err(|error| PartError(index, error))?);
    }
    Ok(responses)
}

impl Part {
    fn new(
        model: &Arc<Model>,
        client: &Arc<str>,
        outer: &Request,
        part: PartRequest,
    ) -> Result<Self, ApiError> {
        let wrong = |what: &str| ApiError::bad_request(format!("A part of the batch has a wrong {what}."));
        let method = Method::from_bytes(part.method.as_bytes()).map_err(|_| wrong("method"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &part.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("header"))?;
            headers.append(name, HeaderValue::from_str(value).map_err(|_| wrong("header"))?);
        }
        let (path, query) = part.url.split_once('?').unwrap_or((&part.url, ""));
        let path = absolute(path);
        let reads = method == Method::GET;
        let prepared = if path.trim_end_matches('/').ends_with("/$batch") {
            Err(ApiError::bad_request("A batch cannot contain a batch."))
        } else if is_reference(&path) {
            Err(ApiError::unsupported("references to an earlier part by Content-ID"))
        } else {
            let request = Request {
                method,
                path,
                query: query.replace(' ', "%20"),
                headers,
                body: part.body.into(),
                base: outer.base.clone(),
            };
            prepare(model, client, &request)
        };
        Ok(Self { content_id: part.content_id, reads, prepared })
    }

    fn run(&self, transaction: &mut Transaction<'_>, events: &Events) -> Result<Response, ApiError> {
        match &self.prepared {
            Ok(Prepared::Write(write)) => write.run(transaction, events),
            Ok(Prepared::Read(read)) => read.run(transaction),
            Ok(Prepared::Done(response)) => Ok(response.clone()),
            Err(error) => Err(error.clone()),
        }
    }
}

/// The path of a part: written in full, from the root, or relative to the service.
fn absolute(url: &str) -> String {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
        None => url,
    };
    if path.starts_with("/data/") || path.starts_with("/metadata/") {
        path.to_owned()
    } else {
        format!("/data/{}", path.trim_start_matches('/'))
    }
}

/// Whether an address begins with the `Content-ID` of an earlier part.
fn is_reference(path: &str) -> bool {
    let rest = path.strip_prefix("/data/").unwrap_or_default();
    rest.starts_with('$') && !rest.starts_with("$metadata")
}

/// The answers so far.
struct Answers {
    items: Vec<Item<PartResponse>>,
    continue_on_error: bool,
}

impl Answers {
    fn new(continue_on_error: bool) -> Self {
        Self { items: Vec::new(), continue_on_error }
    }

    /// Notes the answer to a part; answers whether the batch goes on.
    fn single(&mut self, part: &Part, result: Result<Response, ApiError>) -> bool {
        let goes_on = result.is_ok() || self.continue_on_error;
        let response = result.unwrap_or_else(|error| error.response());
        self.items.push(Item::Single(to_part(response, part.content_id.clone())));
        goes_on
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
                self.continue_on_error
            }
        }
    }

    fn response(self) -> Response {
        let boundary = format!("batchresponse_{}", uuid::Uuid::new_v4());
        let mut response = Response::empty(StatusCode::OK).header("odata-version", "4.0");
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
        "location" => "Location",
        "content-type" => "Content-Type",
        "etag" => "ETag",
        other => other,
    }
}

/// The error of a changeset, and which of its parts failed.
struct PartError(usize, ApiError);

impl From<StoreError> for PartError {
    fn from(error: StoreError) -> Self {
        Self(0, error.into())
    }
}

//! From an HTTP request to what it asks for: everything that can be read and refused without the database.

use std::sync::Arc;

use dualwright_odata::key::parse_path_segment;
use dualwright_odata::query::Query;
use http::{Method, StatusCode};

use super::address::Address;
use super::create::Create;
use super::csdl;
use super::delete::Delete;
use super::error::ApiError;
use super::events::Events;
use super::metadata;
use super::model::{Entity, Model};
use super::print::{View, etag};
use super::query::SetQuery;
use super::single::Single;
use super::update::Update;
use crate::kernel::http::{Request, Response};
use crate::kernel::rows::{Row, Snapshot};
use crate::kernel::transaction::Transaction;

/// A request that only reads.
pub(super) trait ReadRequest: Send + Sync {
    fn run(&self, snapshot: &Snapshot<'_>) -> Result<Response, ApiError>;
}

/// A request that writes.
pub(super) trait WriteRequest: Send + Sync {
    fn run(&self, transaction: &mut Transaction<'_>, events: &Events) -> Result<Response, ApiError>;
}

/// A request, understood.
pub(super) enum Prepared {
    /// Answered already: what does not depend on rows.
    Done(Response),
    Read(Box<dyn ReadRequest>),
    Write(Box<dyn WriteRequest>),
}

/// Who asks, and on which condition.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) client: Arc<str>,
    /// The service root, such as `http://127.0.0.1:5001/data`.
    pub(super) root: String,
    if_match: Option<String>,
}

impl Caller {
    /// Refuses when `If-Match` names another version than the row's.
    pub(super) fn check_version(&self, entity: &Entity, row: &Row) -> Result<(), ApiError> {
        let Some(wanted) = &self.if_match else { return Ok(()) };
        let now = etag(row);
        if wanted.split(',').map(str::trim).any(|wanted| wanted == "*" || wanted == now) {
            return Ok(());
        }
        Err(ApiError::version_mismatch(&entity.name))
    }
}

/// Understands a request.
pub(super) fn prepare(
    model: &Arc<Model>,
    client: &Arc<str>,
    request: &Request,
) -> Result<Prepared, ApiError> {
    let missing = || ApiError::no_resource(&format!("{}{}", request.base, request.path));
    let mut segments = request.path.split('/').filter(|segment| !segment.is_empty());
    let service = segments.next().ok_or_else(missing)?;
    let segments: Vec<&str> = segments.collect();
    let query = Query::parse(&request.query).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let get = request.method == Method::GET;
    // Routes are matched without regard to case: tools write `/Metadata` as well.
    match service.to_ascii_lowercase().as_str() {
        "metadata" if get => {
            return metadata::answer(model, &request.base, &segments, &query).map(Prepared::Done);
        }
        "metadata" => return Err(ApiError::method(&request.method)),
        "data" => {}
        // `articles/fin-ops-core/dev-itpro/data-entities/custom-services.md`
        "api" => return Err(ApiError::unsupported("custom services below /api/services")),
        _ => return Err(missing()),
    }
    if let Some((option, _)) = query.other.iter().find(|(name, _)| name.starts_with('$')) {
        return Err(ApiError::unsupported(option));
    }
    if query.delta_token.is_some() {
        return Err(ApiError::unsupported("$deltatoken"));
    }
    let root = format!("{}/data", request.base);
    match segments.first().copied() {
        None | Some("$metadata") if !get => return Err(ApiError::method(&request.method)),
        None => return Ok(Prepared::Done(csdl::service_document(model, &root))),
        Some("$metadata") => return Ok(Prepared::Done(csdl::metadata(model))),
        Some(_) => {}
    }
    let first = segments.first().copied().unwrap_or_default();
    let (set, key) = parse_path_segment(first).map_err(|error| ApiError::bad_request(error.to_string()))?;
    // Actions are looked at first: the tables that many of them belong to are not here.
    if let Some(action) =
        segments.iter().find_map(|segment| segment.strip_prefix("Microsoft.Dynamics.DataEntities."))
    {
        return Err(ApiError::unsupported(&format!("the action '{action}'")));
    }
    let entity = model.entity(&set).ok_or_else(missing)?;
    let caller =
        Caller { client: client.clone(), root, if_match: request.header("if-match").map(str::to_owned) };
    let below = segments.get(1).copied();
    if let Some(below) = below {
        return match (below, key.is_some(), segments.len()) {
            ("$count", false, 2) if get => {
                let query = SetQuery::new(entity, request, caller, query)?.only_count();
                Ok(Prepared::Read(Box::new(query)))
            }
            ("$count", false, 2) => Err(ApiError::method(&request.method)),
            (name, true, _) => {
                Err(ApiError::unsupported(&format!("addresses below a row, such as '{name}'")))
            }
            (name, false, _) => Err(ApiError::unsupported(&format!("the action '{name}'"))),
        };
    }
    let Some(key) = key else {
        return match request.method {
            Method::GET => Ok(Prepared::Read(Box::new(SetQuery::new(entity, request, caller, query)?))),
            Method::POST => {
                let view = View::new(entity, &query)?;
                Ok(Prepared::Write(Box::new(Create::new(view, caller, &request.body)?)))
            }
            _ => Err(ApiError::method(&request.method)),
        };
    };
    let address = Address::new(entity, &key, query.cross_company == Some(true))?;
    match request.method {
        Method::GET => {
            let view = View::new(entity, &query)?;
            Ok(Prepared::Read(Box::new(Single { address, view, caller })))
        }
        Method::PATCH => Ok(Prepared::Write(Box::new(Update::new(address, caller, &request.body)?))),
        Method::DELETE => Ok(Prepared::Write(Box::new(Delete { address, caller }))),
        Method::PUT => Err(ApiError::unsupported("PUT")),
        _ => Err(ApiError::method(&request.method)),
    }
}

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    Response::with_body(status, super::JSON, body).header("odata-version", "4.0")
}

/// An answer without a body.
pub(super) fn no_content() -> Response {
    Response::empty(StatusCode::NO_CONTENT).header("odata-version", "4.0")
}

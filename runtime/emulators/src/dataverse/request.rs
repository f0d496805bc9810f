//! From an HTTP request to what it asks for: everything that can be read and refused without the database.

use std::sync::Arc;

use dualwright_odata::key::parse_path_segment;
use dualwright_odata::query::Query;
use http::{Method, StatusCode};

use super::address::Address;
use super::bulk::Bulk;
use super::create::Create;
use super::csdl::CsdlRequest;
use super::delete::Delete;
use super::delta::Delta;
use super::error::ApiError;
use super::metadata::Definitions;
use super::model::{Entity, Model};
use super::print::{Annotations, View};
use super::query::SetQuery;
use super::references::{ClearProperty, SetReference};
use super::single::{Part, Single};
use super::upsert::Upsert;
use super::whoami::WhoAmI;
use super::work::Work;
use super::write::Caller;
use crate::kernel::http::{Request, Response};
use crate::kernel::rows::Snapshot;
use crate::kernel::transaction::Transaction;

/// A request that only reads.
pub(super) trait ReadRequest: Send + Sync {
    fn run(&self, snapshot: &Snapshot<'_>, model: &Model) -> Result<Response, ApiError>;
}

/// A request that writes.
pub(super) trait WriteRequest: Send + Sync {
    fn run(&self, transaction: &mut Transaction<'_>, work: &mut Work<'_>) -> Result<Written, ApiError>;
}

/// The answer to a write, and the row by which later parts of a changeset may refer to it.
pub(super) struct Written {
    pub(super) response: Response,
    pub(super) row: Option<Address>,
}

impl Written {
    pub(super) fn new(response: Response) -> Self {
        Self { response, row: None }
    }
}

/// A request, understood.
pub(super) enum Prepared {
    Read(Box<dyn ReadRequest>),
    Write(Box<dyn WriteRequest>),
}

/// The service root of a path and what follows it: `/api/data/v9.2/accounts` is `/api/data/v9.2` and `accounts`.
pub(super) fn split_root(path: &str) -> Result<(&str, &str), ApiError> {
    let missing = || ApiError::no_resource(path);
    // `webapi/relevance-search.md`
    if path.starts_with("/api/search/") {
        return Err(ApiError::unsupported("Dataverse search below /api/search"));
    }
    let rest = path.strip_prefix("/api/data/").ok_or_else(missing)?;
    let (version, _) = rest.split_once('/').unwrap_or((rest, ""));
    if !matches!(version, "v9.0" | "v9.1" | "v9.2") {
        return Err(missing());
    }
    let length = "/api/data/".len() + version.len();
    let (root, rest) = path.split_at_checked(length).ok_or_else(missing)?;
    Ok((root, rest.trim_start_matches('/')))
}

/// Understands a request.
pub(super) fn prepare(
    model: &Arc<Model>,
    client: &Arc<str>,
    request: &Request,
) -> Result<Prepared, ApiError> {
    let (root, rest) = split_root(&request.path)?;
    let root = format!("{}{root}", request.base);
    let query = Query::parse(&request.query).map_err(|error| ApiError::bad_address(error.to_string()))?;
    check_options(&query)?;
    let caller = Caller::new(client, &root, request, query.option("tag"));
    let segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
    let first = segments.first().copied().unwrap_or_default();
    let get = request.method == Method::GET;
    match first {
        "" | "$metadata" | "WhoAmI" | "WhoAmI()" if !get => return Err(ApiError::method()),
        "" => return Ok(Prepared::Read(Box::new(CsdlRequest::service_document(root)))),
        "$metadata" => {
            return Ok(Prepared::Read(Box::new(CsdlRequest::metadata(query.option("annotations")))));
        }
        "WhoAmI" | "WhoAmI()" => {
            return Ok(Prepared::Read(Box::new(WhoAmI { root, client: client.clone() })));
        }
        _ => {}
    }
    if first.starts_with("EntityDefinitions") {
        return if get {
            Ok(Prepared::Read(Box::new(Definitions::new(root, &segments, query)?)))
        } else {
            Err(ApiError::unsupported("changing table definitions"))
        };
    }
    // The name alone: the parameters of a function are no key, and may be aliases.
    let name = first.split('(').next().unwrap_or_default();
    let Some(entity) = model.entity(name) else { return Err(no_set(name)) };
    let (_, key) = parse_path_segment(first).map_err(|error| ApiError::bad_address(error.to_string()))?;
    if key.is_some() {
        return row(model, request, caller, query, &segments);
    }
    set_of_rows(model, entity, request, caller, query, &segments)
}

/// Options that the Web API knows and this service does not; to leave them out would be a made-up answer.
const UNSUPPORTED_OPTIONS: [&str; 5] = ["fetchXml", "savedQuery", "userQuery", "sql", "partitionId"];

/// Refuses what would change the answer and is not understood. Other names are a client's own, or a parameter's.
fn check_options(query: &Query) -> Result<(), ApiError> {
    for (name, value) in &query.other {
        let is_format = name.eq_ignore_ascii_case("$format");
        if is_format && ["json", "application/json"].iter().any(|format| value.starts_with(format)) {
            continue;
        }
        let unsupported = UNSUPPORTED_OPTIONS.iter().any(|known| known.eq_ignore_ascii_case(name));
        if name.starts_with('$') || unsupported {
            return Err(ApiError::unsupported(name));
        }
    }
    Ok(())
}

/// A name that is no table's. Entity sets are named in lower case; actions, functions and the sets of definitions
/// are not (`webapi/web-api-functions.md`, `web-api-actions.md`): those the real system has.
fn no_set(name: &str) -> ApiError {
    if name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        ApiError::unsupported(name)
    } else {
        ApiError::no_resource(name)
    }
}

/// `accounts`, `accounts/$count`, `accounts/Microsoft.Dynamics.CRM.CreateMultiple`.
fn set_of_rows(
    model: &Arc<Model>,
    entity: &Arc<Entity>,
    request: &Request,
    caller: Caller,
    query: Query,
    segments: &[&str],
) -> Result<Prepared, ApiError> {
    match (&request.method, segments.get(1).copied(), segments.len()) {
        (&Method::GET, None, _) => {
            if Delta::is_asked(request, &query) {
                return Ok(Prepared::Read(Box::new(Delta::new(model, entity, request, caller.root, query)?)));
            }
            Ok(Prepared::Read(Box::new(SetQuery::new(model, entity, request, caller.root, query)?)))
        }
        (&Method::GET, Some("$count"), 2) => {
            Ok(Prepared::Read(Box::new(SetQuery::count(model, entity, request, caller.root, query)?)))
        }
        (&Method::POST, None, _) => {
            let view = View::new(model, entity, &query, Annotations::of(request))?;
            Ok(Prepared::Write(Box::new(Create::new(model, entity, caller, view, &request.body)?)))
        }
        (&Method::POST, Some(action), 2) => match action.strip_prefix("Microsoft.Dynamics.CRM.") {
            Some(action) => {
                Ok(Prepared::Write(Box::new(Bulk::new(model, entity, caller, action, &request.body)?)))
            }
            None => Err(ApiError::no_resource(action)),
        },
        (_, None, _) => Err(ApiError::method()),
        (_, Some(segment), _) => Err(ApiError::no_resource(segment)),
    }
}

/// `accounts(...)` and what is below it.
fn row(
    model: &Arc<Model>,
    request: &Request,
    caller: Caller,
    query: Query,
    segments: &[&str],
) -> Result<Prepared, ApiError> {
    let address = Address::parse(model, segments.first().copied().unwrap_or_default())?;
    let entity = address.entity.clone();
    let annotations = Annotations::of(request);
    let (below, last) = (segments.get(1).copied(), segments.get(2).copied());
    if segments.len() > 3 {
        return Err(ApiError::unsupported("addresses of related rows of related rows"));
    }
    match (&request.method, below, last) {
        (&Method::GET, None, _) => {
            let view = View::new(model, &entity, &query, annotations)?;
            let unless = caller.if_none_match.filter(|_| {
                query.expand.is_empty() && request.preference("odata.include-annotations").is_none()
            });
            Ok(Prepared::Read(Box::new(Single {
                address,
                root: caller.root,
                part: Part::Row { view, unless },
            })))
        }
        (&Method::PATCH, None, _) => {
            let view = View::new(model, &entity, &query, annotations)?;
            Ok(Prepared::Write(Box::new(Upsert::new(model, address, caller, view, &request.body)?)))
        }
        (&Method::DELETE, None, _) => Ok(Prepared::Write(Box::new(Delete { address, caller }))),
        (&Method::GET, Some(name), last) => {
            let part = Part::below(model, &entity, name, last, &query, annotations)?;
            Ok(Prepared::Read(Box::new(Single { address, root: caller.root, part })))
        }
        (&Method::PUT | &Method::DELETE, Some(name), Some("$ref")) => {
            let reference = SetReference::new(model, address, caller, name, request)?;
            Ok(Prepared::Write(Box::new(reference)))
        }
        (&Method::POST, Some(_), Some("$ref")) => {
            Err(ApiError::unsupported("adding to collection-valued navigation properties"))
        }
        (&Method::DELETE, Some(name), None) => {
            Ok(Prepared::Write(Box::new(ClearProperty::new(address, caller, name)?)))
        }
        (&Method::PUT, Some(name), None) => {
            let view = View::new(model, &entity, &query, annotations)?;
            Ok(Prepared::Write(Box::new(Upsert::of_property(
                model,
                address,
                caller,
                view,
                name,
                &request.body,
            )?)))
        }
        _ => Err(ApiError::method()),
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

//! What a request did wrong, in F&O's words: no codes, the reason inside `innererror`.
//!
//! After `MicrosoftDocs/dynamics-365-unified-operations-public`,
//! `articles/fin-ops-core/dev-itpro/data-entities/odata.md`.

use http::StatusCode;

use crate::kernel::error::StoreError;
use crate::kernel::http::Response;
use crate::kernel::json::push_text;

/// What every failure says first.
const MESSAGE: &str = "An error has occurred.";

const ODATA: &str = "Microsoft.OData.Core.ODataException";
const INVALID: &str = "System.InvalidOperationException";
const UNSUPPORTED: &str = "System.NotSupportedException";
const WEB: &str = "System.Web.Http.HttpResponseException";

/// A request that is answered with an error body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    message: String,
    inner: String,
    exception: &'static str,
}

impl ApiError {
    fn new(status: StatusCode, exception: &'static str, inner: impl Into<String>) -> Self {
        Self { status, message: MESSAGE.to_owned(), inner: inner.into(), exception }
    }

    /// A query, address or body that cannot be understood.
    pub(super) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ODATA, reason)
    }

    /// Business logic refused a write.
    pub(super) fn refused(doing: &str, entity: &str, infolog: &str) -> Self {
        let inner = format!("{doing} failed for table row of type '{entity}'. Infolog: {infolog}.");
        Self::new(StatusCode::BAD_REQUEST, INVALID, inner)
    }

    /// A row of that key is there.
    pub(super) fn exists(entity: &str, label: &str, key: &str) -> Self {
        let infolog = format!("Error: Cannot create a record in {label}. {key}. The record already exists.");
        Self::refused("Write", entity, &infolog)
    }

    /// A row is given another's key.
    pub(super) fn taken(entity: &str, label: &str, key: &str) -> Self {
        let infolog = format!("Error: Cannot edit a record in {label}. {key}. The record already exists.");
        Self::refused("Write", entity, &infolog)
    }

    /// The table has no such property.
    pub(super) fn no_property(name: &str, public_name: &str) -> Self {
        Self::bad_request(format!(
            "Could not find a property named '{name}' on type 'Microsoft.Dynamics.DataEntities.{public_name}'."
        ))
    }

    /// The row is not there.
    pub(super) fn not_found(set: &str) -> Self {
        let inner = format!("Resource not found for the segment '{set}'.");
        Self::new(StatusCode::NOT_FOUND, WEB, inner)
    }

    /// An address that leads nowhere.
    pub(super) fn no_resource(address: &str) -> Self {
        Self {
            message: format!("No HTTP resource was found that matches the request URI '{address}'."),
            ..Self::new(StatusCode::NOT_FOUND, WEB, "No route data was found for this request.")
        }
    }

    /// `If-Match` names another version.
    pub(super) fn version_mismatch(entity: &str) -> Self {
        let inner = format!("The record of type '{entity}' was changed since it was read.");
        Self::new(StatusCode::PRECONDITION_FAILED, INVALID, inner)
    }

    /// What the real system has and this one has not.
    pub(super) fn unsupported(what: &str) -> Self {
        let inner = format!("The emulator does not support {what}.");
        Self::new(StatusCode::NOT_IMPLEMENTED, UNSUPPORTED, inner)
    }

    /// A method that the resource does not take.
    pub(super) fn method(method: &http::Method) -> Self {
        let inner = format!("The requested resource does not support http method '{method}'.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, WEB, inner)
    }

    /// The server failed, or a fault says so.
    pub(super) fn failure(status: StatusCode, inner: impl Into<String>) -> Self {
        Self::new(status, INVALID, inner)
    }

    /// The answer.
    pub(super) fn response(&self) -> Response {
        let mut body = String::from("{\"error\":{\"code\":\"\",\"message\":");
        push_text(&mut body, &self.message);
        body.push_str(",\"innererror\":{\"message\":");
        push_text(&mut body, &self.inner);
        body.push_str(",\"type\":");
        push_text(&mut body, self.exception);
        body.push_str(",\"stacktrace\":\"   at Microsoft.Dynamics.Platform.Integration.Services.OData\"}}}");
        Response::with_body(self.status, super::JSON, body).header("odata-version", "4.0")
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DuplicateKey { table, .. } => Self::exists(&table, &table, "Key"),
            error => {
                tracing::error!(%error, "the emulator's file failed");
                Self::failure(StatusCode::INTERNAL_SERVER_ERROR, "The emulator's file failed.")
            }
        }
    }
}

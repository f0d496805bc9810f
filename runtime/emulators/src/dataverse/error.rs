//! What a request did wrong, with Dataverse's codes.
//!
//! Codes after `MicrosoftDocs/powerapps-docs`, `developer/data-platform/reference/web-service-error-codes.md`, and
//! `webapi/perform-conditional-operations-using-web-api.md`.

use http::StatusCode;

use crate::kernel::error::StoreError;
use crate::kernel::http::Response;
use crate::kernel::json::push_text;

/// A request that is answered with an error body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// The row is not there (`ObjectDoesNotExist`).
const NOT_FOUND: &str = "0x80040217";
/// No row has these key values (`RecordNotFoundByEntityKey`).
const NOT_FOUND_BY_KEY: &str = "0x80060891";
/// The row version is another (`ConcurrencyVersionMismatch`).
const VERSION_MISMATCH: &str = "0x80060882";
/// Another row has the alternate key (`DuplicateRecordEntityKey`).
const DUPLICATE_KEY: &str = "0x80060892";
/// Another row has the id (`DuplicateRecord`).
const DUPLICATE_RECORD: &str = "0x80040237";
/// The body is not what the table takes.
const PAYLOAD: &str = "0x80048d19";
/// The address names something that is not there.
const ADDRESS: &str = "0x80060888";
/// A text is too long (`StringLengthTooLong`).
const TOO_LONG: &str = "0x80044331";
/// An option is not one of the set (`PicklistValueOutOfRange`).
const OPTION: &str = "0x8004431a";
/// The change token is too old (`ExpiredVersionStamp`).
const EXPIRED: &str = "0x80044352";
/// A synchronous step refused (`IsvAborted`).
const ABORTED: &str = "0x80040265";
/// An argument is wrong (`InvalidArgument`).
const ARGUMENT: &str = "0x80040203";
/// The server failed (`UnExpected`).
const UNEXPECTED: &str = "0x80040216";

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// No row of this id.
    pub(super) fn not_found(logical_name: &str, id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            NOT_FOUND,
            format!("Entity '{logical_name}' With Id = {id} Does Not Exist"),
        )
    }

    /// No row of this alternate key.
    pub(super) fn not_found_by_key(logical_name: &str) -> Self {
        let message =
            format!("A record with the specified key values does not exist in {logical_name} entity");
        Self::new(StatusCode::NOT_FOUND, NOT_FOUND_BY_KEY, message)
    }

    /// `If-Match` names another version.
    pub(super) fn version_mismatch() -> Self {
        let message = "The version of the existing record doesn't match the RowVersion property provided.";
        Self::new(StatusCode::PRECONDITION_FAILED, VERSION_MISMATCH, message)
    }

    /// `If-None-Match: *`, and the row is there; or a row is created with an id that is taken.
    pub(super) fn exists() -> Self {
        let message = "A record with matching key values already exists.";
        Self::new(StatusCode::PRECONDITION_FAILED, DUPLICATE_RECORD, message)
    }

    /// Another row has that alternate key.
    pub(super) fn duplicate_key(key: &str, columns: &str) -> Self {
        let message = format!(
            "Entity Key {key} violated. A record with the same value for {columns} already exists. A duplicate record \
             cannot be created. Select one or more unique values and try again."
        );
        Self::new(StatusCode::PRECONDITION_FAILED, DUPLICATE_KEY, message)
    }

    /// The body is wrong.
    pub(super) fn payload(logical_name: &str, reason: &str) -> Self {
        let message = format!(
            "Error identified in Payload provided by the user for Entity :'{logical_name}', InnerException: {reason}"
        );
        Self::new(StatusCode::BAD_REQUEST, PAYLOAD, message)
    }

    /// The body is no JSON object.
    pub(super) fn malformed(reason: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, PAYLOAD, format!("The request body is not valid JSON: {reason}"))
    }

    /// The table has no such property.
    pub(super) fn no_property(name: &str, logical_name: &str) -> Self {
        let message = format!(
            "Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{logical_name}'."
        );
        Self::new(StatusCode::BAD_REQUEST, ADDRESS, message)
    }

    /// A key that the table does not have.
    pub(super) fn no_key(logical_name: &str) -> Self {
        let message = format!(
            "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.{logical_name}'. Ensure that \
             the names and number of key properties match the declared or alternate key properties for the resource \
             'Microsoft.Dynamics.CRM.{logical_name}'."
        );
        Self::new(StatusCode::BAD_REQUEST, ADDRESS, message)
    }

    /// An address that leads nowhere.
    pub(super) fn no_resource(segment: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ADDRESS, format!("Resource not found for the segment '{segment}'."))
    }

    /// A query or address that cannot be understood.
    pub(super) fn bad_address(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ADDRESS, reason)
    }

    /// A wrong argument.
    pub(super) fn argument(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ARGUMENT, reason)
    }

    /// A text that does not fit its column.
    pub(super) fn too_long(column: &str, logical_name: &str, most: u32) -> Self {
        let message = format!(
            "A validation error occurred.  The length of the '{column}' attribute of the '{logical_name}' entity \
             exceeded the maximum allowed length of '{most}'."
        );
        Self::new(StatusCode::BAD_REQUEST, TOO_LONG, message)
    }

    /// An option that the set does not have.
    pub(super) fn no_option(column: &str, logical_name: &str, options: &[i64]) -> Self {
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let message = format!(
            "A validation error occurred. The value of '{column}' on record of type '{logical_name}' is outside the \
             valid range. Accepted Values: {}",
            options.join(",")
        );
        Self::new(StatusCode::BAD_REQUEST, OPTION, message)
    }

    /// A delta token from too long ago.
    pub(super) fn expired() -> Self {
        let message = "Version stamp associated with the client has expired. Please perform a full sync.";
        Self::new(StatusCode::BAD_REQUEST, EXPIRED, message)
    }

    /// A synchronous step said no.
    pub(super) fn aborted(reason: &str) -> Self {
        let message =
            format!("The webhook call failed because the http request failed at endpoint: {reason}");
        Self::new(StatusCode::BAD_REQUEST, ABORTED, message)
    }

    /// What the real system has and this one has not.
    pub(super) fn unsupported(what: &str) -> Self {
        let message = format!("The emulator does not support {what}.");
        Self::new(StatusCode::NOT_IMPLEMENTED, UNEXPECTED, message)
    }

    /// A method that the resource does not take.
    pub(super) fn method() -> Self {
        let message = "The requested resource does not support this HTTP method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, ADDRESS, message)
    }

    /// The error body.
    pub(super) fn body(&self) -> String {
        let mut body = format!("{{\"error\":{{\"code\":\"{}\",\"message\":", self.code);
        push_text(&mut body, &self.message);
        body.push_str("}}");
        body
    }

    /// The answer.
    pub(super) fn response(&self) -> Response {
        Response::with_body(self.status, super::JSON, self.body()).header("odata-version", "4.0")
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DuplicateKey { key: None, .. } => Self::exists(),
            StoreError::DuplicateKey { table, key: Some(_) } => {
                Self::duplicate_key(&table, "the key's columns")
            }
            error => {
                tracing::error!(%error, "the emulator's file failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED, "The emulator's file failed.")
            }
        }
    }
}

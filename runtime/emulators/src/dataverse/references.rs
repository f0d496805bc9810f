//! `PUT` and `DELETE accounts(...)/lookup/$ref`, and `DELETE accounts(...)/column`: after
//! `webapi/associate-disassociate-entities-using-web-api.md` and `webapi/update-delete-entities-using-web-api.md`.

use dualwright_model::Value;
use http::Method;

use super::address::{Address, Reference};
use super::body::Given;
use super::error::ApiError;
use super::model::Model;
use super::request::{WriteRequest, Written, no_content};
use super::work::Work;
use super::write::{Caller, update};
use crate::kernel::http::Request;
use crate::kernel::json::{Scalar, object, scalar};
use crate::kernel::schema::ColumnType;
use crate::kernel::transaction::Transaction;

/// Points a lookup to a row, or to none.
pub(super) struct SetReference {
    address: Address,
    caller: Caller,
    column: usize,
    given: Given,
}

impl SetReference {
    pub(super) fn new(
        model: &Model,
        address: Address,
        caller: Caller,
        navigation: &str,
        request: &Request,
    ) -> Result<Self, ApiError> {
        let entity = &address.entity;
        let Some(found) = entity.navigation.get(navigation) else {
            return Err(ApiError::no_property(navigation, &entity.logical_name));
        };
        let given = if request.method == Method::DELETE {
            Given::Value(Value::Null)
        } else {
            let text =
                std::str::from_utf8(&request.body).map_err(|_| ApiError::malformed("it is not UTF-8"))?;
            let members = object(text).map_err(|error| ApiError::malformed(&error.to_string()))?;
            let id =
                members.iter().find(|(name, _)| name == "@odata.id").and_then(|(_, value)| scalar(value));
            let Some(Scalar::Text(url)) = id else {
                return Err(ApiError::payload(&entity.logical_name, "the body has no '@odata.id'."));
            };
            Given::Bind { reference: Reference::parse(model, &url)?, target: found.target.clone() }
        };
        Ok(Self { column: found.column, given, caller, address })
    }
}

impl WriteRequest for SetReference {
    fn run(&self, transaction: &mut Transaction<'_>, work: &mut Work<'_>) -> Result<Written, ApiError> {
        let old = self.address.get(transaction)?;
        self.caller.check_version(&old)?;
        let body = super::body::Body {
            cells: vec![(self.column, self.given.clone())],
            ..super::body::Body::default()
        };
        let cells = body.resolve(transaction, &self.address.entity, &work.references)?;
        update(transaction, work, &self.caller, &self.address.entity, &old, cells)?;
        Ok(Written::new(no_content()))
    }
}

/// Clears one column.
pub(super) struct ClearProperty {
    address: Address,
    caller: Caller,
    column: usize,
}

impl ClearProperty {
    pub(super) fn new(address: Address, caller: Caller, name: &str) -> Result<Self, ApiError> {
        let entity = &address.entity;
        let missing = || ApiError::no_property(name, &entity.logical_name);
        let column = entity.property(name).ok_or_else(missing)?;
        let kind = entity.column(column).ok_or_else(missing)?.kind;
        if kind == ColumnType::Lookup || entity.is_system(column) {
            return Err(ApiError::method());
        }
        Ok(Self { address, caller, column })
    }
}

impl WriteRequest for ClearProperty {
    fn run(&self, transaction: &mut Transaction<'_>, work: &mut Work<'_>) -> Result<Written, ApiError> {
        let old = self.address.get(transaction)?;
        self.caller.check_version(&old)?;
        update(
            transaction,
            work,
            &self.caller,
            &self.address.entity,
            &old,
            vec![(self.column, Value::Null)],
        )?;
        Ok(Written::new(no_content()))
    }
}

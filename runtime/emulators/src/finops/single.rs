//! `GET CustomersV3(…)`: one row.

use http::StatusCode;

use super::address::Address;
use super::error::ApiError;
use super::print::{View, etag};
use super::request::{Caller, ReadRequest, json};
use crate::kernel::http::Response;
use crate::kernel::rows::Snapshot;

pub(super) struct Single {
    pub(super) address: Address,
    pub(super) view: View,
    pub(super) caller: Caller,
}

impl ReadRequest for Single {
    fn run(&self, snapshot: &Snapshot<'_>) -> Result<Response, ApiError> {
        let row = self.address.get(snapshot, &self.caller.client)?;
        Ok(json(StatusCode::OK, self.view.document(&self.caller.root, &row)).header("etag", &etag(&row)))
    }
}

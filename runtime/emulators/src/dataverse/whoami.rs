//! `WhoAmI()`: who the token stands for.

use std::sync::Arc;

use http::StatusCode;

use super::error::ApiError;
use super::model::{Model, stable_guid};
use super::request::{ReadRequest, json};
use crate::kernel::http::Response;
use crate::kernel::rows::Snapshot;

/// Asks who the caller is.
pub(super) struct WhoAmI {
    pub(super) root: String,
    pub(super) client: Arc<str>,
}

impl ReadRequest for WhoAmI {
    fn run(&self, _: &Snapshot<'_>, _: &Model) -> Result<Response, ApiError> {
        let body = format!(
            "{{\"@odata.context\":\"{}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse\",\"BusinessUnitId\":\"{}\",\
             \"UserId\":\"{}\",\"OrganizationId\":\"{}\"}}",
            self.root,
            stable_guid("businessunit"),
            stable_guid(&format!("systemuser:{}", self.client)),
            stable_guid("organization"),
        );
        Ok(json(StatusCode::OK, body))
    }
}

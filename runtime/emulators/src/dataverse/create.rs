//! `POST accounts`: after `webapi/create-entity-web-api.md`.

use std::sync::Arc;

use http::StatusCode;

use super::address::{Address, RowKey};
use super::body::Body;
use super::error::ApiError;
use super::model::{Entity, Model};
use super::print::View;
use super::request::{WriteRequest, Written, json, no_content};
use super::work::Work;
use super::write::{Caller, create, entity_url};
use crate::kernel::rows::Row;
use crate::kernel::transaction::Transaction;

/// Creates a row.
pub(super) struct Create {
    entity: Arc<Entity>,
    caller: Caller,
    view: View,
    body: Body,
}

impl Create {
    pub(super) fn new(
        model: &Model,
        entity: &Arc<Entity>,
        caller: Caller,
        view: View,
        body: &[u8],
    ) -> Result<Self, ApiError> {
        let body = Body::parse(model, entity, body)?;
        Ok(Self { entity: entity.clone(), caller, view, body })
    }
}

impl WriteRequest for Create {
    fn run(&self, transaction: &mut Transaction<'_>, work: &mut Work<'_>) -> Result<Written, ApiError> {
        let cells = self.body.resolve(transaction, &self.entity, &work.references)?;
        let row = create(transaction, work, &self.caller, &self.entity, self.body.id.clone(), cells)?;
        created(transaction, work, &self.caller, &self.entity, &self.view, &row)
    }
}

/// The answer to a row that was created: 204, or 201 with the row where it is wanted.
pub(super) fn created(
    transaction: &Transaction<'_>,
    work: &Work<'_>,
    caller: &Caller,
    entity: &Arc<Entity>,
    view: &View,
    row: &Row,
) -> Result<Written, ApiError> {
    let url = entity_url(caller, entity, &row.id);
    let response = if caller.representation {
        let body = view.document(&caller.root, transaction, work.model(), row)?;
        json(StatusCode::CREATED, body)
            .header("preference-applied", "return=representation")
            .header("etag", &format!("W/\"{}\"", row.version))
    } else {
        no_content()
    };
    let response = response.header("odata-entityid", &url).header("location", &url);
    let segment = format!("{}({})", entity.table.name, row.id);
    let address = Address { entity: entity.clone(), key: RowKey::Id(row.id.clone()), segment };
    Ok(Written { response, row: Some(address) })
}

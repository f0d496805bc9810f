//! `DELETE CustomersV3(…)`.

use super::address::Address;
use super::error::ApiError;
use super::events::{Change, Events};
use super::request::{Caller, WriteRequest, no_content};
use crate::kernel::clock;
use crate::kernel::http::Response;
use crate::kernel::transaction::{Note, Transaction};

pub(super) struct Delete {
    pub(super) address: Address,
    pub(super) caller: Caller,
}

impl WriteRequest for Delete {
    fn run(&self, transaction: &mut Transaction<'_>, events: &Events) -> Result<Response, ApiError> {
        let entity = &self.address.entity;
        let row = self.address.get(transaction, &self.caller.client)?;
        self.caller.check_version(entity, &row)?;
        let note = Note { client: &self.caller.client, sent: &[], at: clock::now() };
        transaction.delete(&entity.table, &row, note)?;
        events.queue(transaction, &self.caller.client, entity, &row, Change::Deleted)?;
        Ok(no_content())
    }
}

//! `DELETE accounts(...)`.

use super::address::Address;
use super::error::ApiError;
use super::request::{WriteRequest, Written, no_content};
use super::work::Work;
use super::write::{Caller, delete};
use crate::kernel::transaction::Transaction;

/// Deletes a row.
pub(super) struct Delete {
    pub(super) address: Address,
    pub(super) caller: Caller,
}

impl WriteRequest for Delete {
    fn run(&self, transaction: &mut Transaction<'_>, work: &mut Work<'_>) -> Result<Written, ApiError> {
        let row = self.address.get(transaction)?;
        self.caller.check_version(&row)?;
        delete(transaction, work, &self.caller, &self.address.entity, &row)?;
        Ok(Written::new(no_content()))
    }
}

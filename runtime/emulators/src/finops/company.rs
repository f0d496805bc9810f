//! The company in which a client works when it does not ask for all: in the real system a setting of its user.

use crate::kernel::error::StoreError;
use crate::kernel::rows::Snapshot;

/// The company of a system in which nothing was set.
const FIRST: &str = "usmf";

/// The setting's name; without a client that of all others.
pub(super) fn setting(client: &str) -> String {
    if client.is_empty() { "company".to_owned() } else { format!("company:{client}") }
}

/// The company of a client, lower case.
pub(super) fn of(snapshot: &Snapshot<'_>, client: &str) -> Result<String, StoreError> {
    if let Some(company) = snapshot.setting(&setting(client))? {
        return Ok(company);
    }
    Ok(snapshot.setting(&setting(""))?.unwrap_or_else(|| FIRST.to_owned()))
}

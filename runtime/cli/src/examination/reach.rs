//! Can both systems be reached, and do they let us in?

use dualwright_connect::ConnectError;
use dualwright_engine::Pair;
use dualwright_model::System;

use super::Finding;

/// Which systems let us in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reached {
    finops: bool,
    dataverse: bool,
}

impl Reached {
    /// Whether this system did.
    pub(crate) fn has(self, system: System) -> bool {
        match system {
            System::Finops => self.finops,
            System::Dataverse => self.dataverse,
        }
    }
}

/// Signs in to both and makes one harmless call.
pub(crate) async fn check_access(pair: &Pair, findings: &mut Vec<Finding>) -> Reached {
    let (finops, dataverse) = tokio::join!(pair.finops.check_access(), pair.dataverse.check_access());
    let mut told = |system: System, answer: Result<String, ConnectError>| match answer {
        Ok(message) => {
            findings.push(Finding::good(system.to_string(), message));
            true
        }
        Err(error) => {
            findings.push(of_error(system.to_string(), &error));
            false
        }
    };
    Reached { finops: told(System::Finops, finops), dataverse: told(System::Dataverse, dataverse) }
}

/// A connector's error as a finding.
pub(crate) fn of_error(place: String, error: &ConnectError) -> Finding {
    let (code, hint) = match error {
        ConnectError::Unavailable { .. } => {
            ("unavailable", "is the url right, and can this machine reach it?")
        }
        ConnectError::Throttled { .. } => ("throttled", "wait a while, then try again"),
        ConnectError::Unauthorized { .. } => {
            ("unauthorized", "check tenant, client-id and the secret; is the application registered there?")
        }
        ConnectError::Forbidden { .. } => {
            ("forbidden", "give the application user a role that may do this, in the whole organization")
        }
        ConnectError::Unknown { .. } => ("unknown", "is the name spelled as the service spells it?"),
        _ => ("protocol", "is this really such a system? check the url"),
    };
    Finding::error(place, code, error.to_string()).hint(hint).exit(error.class().into())
}

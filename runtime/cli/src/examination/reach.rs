//! Can both systems be reached, do they let us in, and can they reach us?

use dualwright_connect::ConnectError;
use dualwright_engine::Pair;
use dualwright_model::System;

use super::Finding;
use crate::config::Config;

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
        ConnectError::Forbidden { .. } => ("forbidden", "give the application user a role that may do this"),
        ConnectError::Unknown { .. } => ("unknown", "is the name spelled as the service spells it?"),
        _ => ("protocol", "is this really such a system? check the url"),
    };
    Finding::error(place, code, error.to_string()).hint(hint).exit(error.class().into())
}

/// Whether pushes can arrive.
pub(crate) fn check_pushes(config: &Config, findings: &mut Vec<Finding>) {
    let place = "[control]";
    let Some(secret) = &config.control.nudge_secret else {
        let message = "without a nudge-secret nothing is pushed: a change is seen only when it is polled";
        findings.push(
            Finding::warning(place, "no-pushes", message).hint("set nudge-secret = { env = \"NAME\" }"),
        );
        return;
    };
    if let Err(failure) = secret.read(&config.folder) {
        findings.push(Finding::error(place, "secret-unreadable", format!("nudge-secret: {failure}")));
    }
    let public = config.control.public_url(config.control.listen);
    let local =
        |url: &str| url.contains("//127.0.0.1") || url.contains("//localhost") || url.contains("//[::1]");
    for (system, environment) in [(System::Finops, &config.finops), (System::Dataverse, &config.dataverse)] {
        if local(&public) && !local(environment.url.as_str()) {
            let message = format!("{system} is elsewhere and cannot push to {public}");
            let hint = "set public-url to an https address that leads here";
            findings.push(Finding::warning(place, "unreachable-from-outside", message).hint(hint));
        }
    }
}

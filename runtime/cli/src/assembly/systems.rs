//! The two connectors.

use std::sync::Arc;

use dualwright_connect::http::{Secret, SignIn};
use dualwright_connect::{ConnectError, Connector, dataverse, finops};
use dualwright_engine::Pair;

use crate::Failure;
use crate::config::{Config, Environment};

/// Makes both connectors. Secrets are read here; nothing is sent yet.
pub(crate) fn connect(config: &Config) -> Result<Pair, Failure> {
    let finops = finops::FinopsConfig::new(config.finops.url.as_str(), sign_in(&config.finops, config)?);
    let dataverse =
        dataverse::DataverseConfig::new(config.dataverse.url.as_str(), sign_in(&config.dataverse, config)?);
    let finops: Arc<dyn Connector> =
        Arc::new(finops::Finops::connect(finops).map_err(|error| failure(&error))?);
    let dataverse: Arc<dyn Connector> =
        Arc::new(dataverse::Dataverse::connect(dataverse).map_err(|error| failure(&error))?);
    Ok(Pair { finops, dataverse })
}

fn sign_in(environment: &Environment, config: &Config) -> Result<SignIn, Failure> {
    let secret = environment.client_secret.read(&config.folder)?;
    Ok(SignIn {
        token_url: environment.token_url(),
        client_id: environment.client_id.clone(),
        client_secret: Secret::new(secret.reveal()),
        scope: format!("{}/.default", environment.url),
    })
}

/// What a connector's error means to a person at the command line.
pub(crate) fn failure(error: &ConnectError) -> Failure {
    let failure = Failure::of_class(error.class(), error.to_string());
    match error {
        ConnectError::Unavailable { .. } => {
            failure.hint("is the address right, and can this machine reach it?")
        }
        ConnectError::Unauthorized { .. } => failure.hint(
            "check tenant, client-id and the secret; is the application registered in that environment?",
        ),
        ConnectError::Forbidden { .. } => failure.hint("give the application user a role that may do this"),
        _ => failure,
    }
}

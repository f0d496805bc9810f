//! The two connectors.

use std::sync::Arc;

use dualwright_connect::http::{Secret, SignIn};
use dualwright_connect::{ConnectError, Connector, dataverse, finops};
use dualwright_engine::Pair;

use crate::Failure;
use crate::config::{Config, Environment, ServiceUrl};

/// Makes both connectors. Secrets are read here; nothing is sent yet.
pub(crate) fn connect(config: &Config) -> Result<Pair, Failure> {
    Ok(Pair { finops: Arc::new(connect_finops(config)?), dataverse: connect_dataverse(config, None)? })
}

/// The connector to F&O, with what only F&O can be asked.
pub(crate) fn connect_finops(config: &Config) -> Result<finops::Finops, Failure> {
    let settings = finops::FinopsConfig::new(
        config.finops.url.as_str(),
        sign_in(&config.finops, &config.finops.url, config)?,
    );
    finops::Finops::connect(settings).map_err(|error| failure(&error))
}

/// The connector to the configuration's Dataverse, or to another environment with the same credential.
pub(crate) fn connect_dataverse(
    config: &Config,
    address: Option<&ServiceUrl>,
) -> Result<Arc<dyn Connector>, Failure> {
    let url = address.unwrap_or(&config.dataverse.url);
    let settings = dataverse::DataverseConfig::new(url.as_str(), sign_in(&config.dataverse, url, config)?);
    Ok(Arc::new(dataverse::Dataverse::connect(settings).map_err(|error| failure(&error))?))
}

fn sign_in(environment: &Environment, url: &ServiceUrl, config: &Config) -> Result<SignIn, Failure> {
    let secret = environment.client_secret.read(&config.folder)?;
    Ok(SignIn {
        token_url: environment.token_url(),
        client_id: environment.client_id.clone(),
        client_secret: Secret::new(secret.reveal()),
        scope: format!("{url}/.default"),
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

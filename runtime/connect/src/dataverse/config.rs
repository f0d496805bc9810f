//! What the connector needs to know of an environment.

use std::time::Duration;

use crate::http::{ClientConfig, SignIn};

/// One Dataverse environment and how to treat it. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct DataverseConfig {
    /// Address, credentials, time-outs, throttling: see [`ClientConfig`]. `base_url` ends in `/api/data/v9.2/`.
    pub http: ClientConfig,
    /// Sent with every write (`?tag=`), so that plug-ins can tell our writes from others'; `None` sends nothing.
    pub tag: Option<String>,
    /// How many writes or keyed reads go into one `$batch`; more are spread over several at once. Dataverse carries out
    /// the parts of a batch one after the other, so that fewer parts mean more parallelism.
    pub batch_parts: usize,
    /// How long the id of a lookup's target, or a related row's column, is remembered before it is read again.
    pub memory_life: Duration,
    /// How many of them are remembered at most.
    pub memory_entries: usize,
    /// How long a table's description is believed by everything but `describe`, which always asks.
    pub schema_life: Duration,
}

const API_PATH: &str = "/api/data/v9.2/";

impl DataverseConfig {
    /// The usual settings for the environment at `url`: its address alone (`https://org.crm.dynamics.com`), or with the
    /// path of the Web API.
    pub fn new(url: &str, sign_in: SignIn) -> Self {
        let url = url.trim_end_matches('/');
        let base_url =
            if url.contains("/api/data/") { format!("{url}/") } else { format!("{url}{API_PATH}") };
        Self {
            http: ClientConfig::new("Dataverse", base_url, sign_in),
            tag: Some("dualwright".to_owned()),
            batch_parts: 100,
            memory_life: Duration::from_secs(180),
            memory_entries: 100_000,
            schema_life: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DataverseConfig;
    use crate::http::SignIn;

    #[test]
    fn the_address_alone_is_enough() {
        let sign_in =
            SignIn::new("https://login.example", "t", "https://org.example/", "id", "secret".into());
        assert_eq!(sign_in.token_url, "https://login.example/t/oauth2/v2.0/token");
        assert_eq!(sign_in.scope, "https://org.example/.default");
        for url in ["https://org.example", "https://org.example/", "https://org.example/api/data/v9.2"] {
            let config = DataverseConfig::new(url, sign_in.clone());
            assert_eq!(config.http.base_url, "https://org.example/api/data/v9.2/", "{url}");
            assert!(!format!("{config:?}").contains("secret\""));
        }
    }
}

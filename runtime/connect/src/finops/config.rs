//! What the connector needs to know of an environment.

use std::time::Duration;

use crate::http::{ClientConfig, SignIn};

/// One F&O environment and how to treat it. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct FinopsConfig {
    /// Address, credentials, time-outs, throttling: see [`ClientConfig`]. `base_url` ends in `/data/`.
    pub http: ClientConfig,
    /// Where the metadata service is, from the root of the host: `/metadata/`.
    pub metadata_path: String,
    /// How many writes or keyed reads go into one `$batch`; more are spread over several at once. F&O carries out the
    /// parts of a batch one after the other, so that fewer parts mean more parallelism.
    pub batch_parts: usize,
    /// How long a table's description is believed by everything but `describe`, which always asks.
    pub schema_life: Duration,
}

impl FinopsConfig {
    /// The usual settings for the environment at `url`: its address alone (`https://contoso.operations.dynamics.com`),
    /// or with the path of the data service.
    pub fn new(url: &str, sign_in: SignIn) -> Self {
        let url = url.trim_end_matches('/');
        let root = url.strip_suffix("/data").unwrap_or(url);
        let path = root
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map(|(_, path)| format!("/{path}"))
            .unwrap_or_default();
        Self {
            http: ClientConfig::new("Finance and Operations", format!("{root}/data/"), sign_in),
            metadata_path: format!("{path}/metadata/"),
            batch_parts: 100,
            schema_life: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FinopsConfig;
    use crate::http::SignIn;

    #[test]
    fn the_address_alone_is_enough() {
        let sign_in = SignIn::new("https://login.example", "t", "https://fo.example", "id", "secret".into());
        for url in ["https://fo.example", "https://fo.example/", "https://fo.example/data/"] {
            let config = FinopsConfig::new(url, sign_in.clone());
            assert_eq!(config.http.base_url, "https://fo.example/data/", "{url}");
            assert_eq!(config.metadata_path, "/metadata/", "{url}");
        }
        let behind = FinopsConfig::new("https://fo.example/name/s/data", sign_in);
        assert_eq!(behind.http.base_url, "https://fo.example/name/s/data/");
        assert_eq!(behind.metadata_path, "/name/s/metadata/");
    }
}

//! Addresses of services, checked when the configuration is read.

use std::fmt;

use serde::Deserialize;
use serde::de;

/// An `https` address (or `http`, on this machine only), without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrl(String);

impl ServiceUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// In words for a person, when it is not one, or would carry secrets over the network in the clear.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = reqwest::Url::parse(text).map_err(|error| format!("this is not an address: {error}"))?;
        let Some(host) = url.host_str() else {
            return Err("this address names no host".into());
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address must not hold a user name or password".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("an address here has no query and no fragment".into());
        }
        let here = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        match url.scheme() {
            "https" => {}
            "http" if here => {}
            "http" => {
                return Err("http would send secrets in the clear: use https, except on this machine".into());
            }
            other => return Err(format!("{other} is not a scheme we speak: use https")),
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The address, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ServiceUrl {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

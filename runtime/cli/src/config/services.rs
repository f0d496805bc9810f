//! What the operator lets a component ask of the world outside the sandbox: records, and requests to named hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use dualwright_model::{ColumnPath, System, TableName};
use dualwright_plugin_host as host;
use serde::Deserialize;

use super::{ByteCount, InjectedHeader, Side, duration};
use crate::Failure;

/// One table in which a component may look records up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lookup {
    /// Which system.
    pub side: Side,
    /// The entity set.
    pub table: TableName,
    /// The columns that it may name, as a key or as what it wants to know.
    pub columns: BTreeSet<ColumnPath>,
}

/// One host to which a component may send requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Http {
    /// Its name and, where it is not 443, its port.
    pub host: String,
    /// Methods; `GET` unless said otherwise.
    pub methods: Option<Vec<String>>,
    /// What paths begin with; everything unless said otherwise.
    pub path_prefix: Option<String>,
    /// Headers that the runtime adds, with a secret each.
    #[serde(default)]
    pub headers: BTreeMap<String, InjectedHeader>,
    /// How long one request may take.
    #[serde(default, deserialize_with = "duration::optional")]
    pub timeout: Option<Duration>,
    /// How long a body may be, either way.
    pub max_bytes: Option<ByteCount>,
    /// Whether the name may lead to an address inside a private network.
    #[serde(default)]
    pub private_addresses: bool,
}

impl Lookup {
    /// As the sandbox wants it.
    ///
    /// # Errors
    /// When it grants nothing.
    pub(super) fn read(&self) -> Result<host::LookupGrant, Failure> {
        if self.columns.is_empty() {
            return Err(Failure::usage(format!("a lookup in {} is granted no column", self.table)).hint(
                "name the columns of the key and those that the component wants to know, or remove the grant",
            ));
        }
        let system = match self.side {
            Side::Finops => System::Finops,
            Side::Dataverse => System::Dataverse,
        };
        let columns = self.columns.iter().cloned().collect();
        Ok(host::LookupGrant { system, table: self.table.clone(), columns })
    }
}

impl Http {
    /// As the sandbox wants it, secrets read.
    ///
    /// # Errors
    /// When it cannot be used as it is written, or a secret cannot be read.
    pub(super) fn read(&self, folder: &Path) -> Result<host::HttpGrant, Failure> {
        let wrong = |error: host::HttpGrantError| {
            Failure::usage(format!("the grant of http to {} cannot be used", self.host)).because(error)
        };
        let mut grant = host::HttpGrant::new(&self.host).map_err(wrong)?;
        if let Some(methods) = &self.methods {
            grant = grant.methods(methods.iter().map(String::as_str)).map_err(wrong)?;
        }
        if let Some(prefix) = &self.path_prefix {
            grant = grant.path_prefix(prefix).map_err(wrong)?;
        }
        for (name, header) in &self.headers {
            let secret = host::HiddenText::new(header.secret.read(folder)?.reveal());
            grant = grant.header(name, &header.prefix, secret).map_err(wrong)?;
        }
        if let Some(timeout) = self.timeout {
            grant = grant.timeout(timeout);
        }
        if let Some(bytes) = self.max_bytes {
            grant = grant.most_bytes(bytes.get());
        }
        Ok(grant.private_addresses(self.private_addresses))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Http, Lookup};

    fn http(text: &str) -> Result<String, String> {
        let http: Http = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        http.read(Path::new(".")).map(|grant| format!("{grant:?}")).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_grant_is_read_with_its_secrets() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "hunter2\n").unwrap();
        let text = "host = \"rates.example.com\"\nmethods = [\"GET\", \"HEAD\"]\npath-prefix = \"/v1/\"\ntimeout = \"2s\"\n\
            max-bytes = \"64KiB\"\nheaders = { Authorization = { file = \"token\", prefix = \"Bearer \" } }";
        let grant = toml::from_str::<Http>(text).unwrap().read(folder.path()).unwrap();
        let expected = dualwright_plugin_host::HttpGrant::new("rates.example.com")
            .and_then(|grant| grant.methods(["GET", "HEAD"]))
            .and_then(|grant| grant.path_prefix("/v1/"))
            .and_then(|grant| {
                let secret = dualwright_plugin_host::HiddenText::new("hunter2");
                grant.header("Authorization", "Bearer ", secret)
            })
            .unwrap()
            .timeout(std::time::Duration::from_secs(2))
            .most_bytes(64 << 10);
        assert_eq!(grant, expected);
    }

    /// I11: a secret that is written down is refused, and not repeated.
    #[test]
    fn what_cannot_be_granted_is_refused_in_words() {
        for (more, words) in [
            ("methods = []", "no method"),
            ("methods = [\"TRACE\"]", "TRACE"),
            ("path-prefix = \"v1\"", "`v1`"),
            ("headers = { Host = { file = \"Cargo.toml\" } }", "host"),
            ("headers = { X-Key = { file = \"no such file\" } }", "no such file"),
            ("headers = { X-Key = \"hunter2\" }", "must not be written"),
            ("headers = { X-Key = { secret = \"hunter2\" } }", "env"),
            ("headers = { X-Key = { prefix = \"hunter2\" } }", "env"),
            ("timeout = \"0s\"", "length of time"),
        ] {
            let error = http(&format!("host = \"rates.example.com\"\n{more}")).unwrap_err();
            assert!(error.contains(words) && !error.contains("hunter2"), "{more}: {error}");
        }
        assert!(http("host = \"*.example.com\"").unwrap_err().contains("whole name"));
        let lookup: Lookup =
            toml::from_str("side = \"dataverse\"\ntable = \"accounts\"\ncolumns = []").unwrap();
        assert!(lookup.read().unwrap_err().to_string().contains("no column"));
    }
}

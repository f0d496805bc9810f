//! The configuration file: every room's settings in one TOML file, read once, with errors that name file and line.
//!
//! Secrets are never in it: they are named ([`Secret`]) and read from an environment variable or a file when needed.

mod bytes;
mod duration;
mod grants;
mod header;
mod plugins;
mod secret;
mod services;
mod url;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dualwright_sync::health::HealthPolicy;
use serde::Deserialize;

use crate::Failure;

pub use bytes::ByteCount;
pub use grants::{Grants, Setting};
pub use header::InjectedHeader;
pub use plugins::Plugins;
pub use secret::{Secret, SecretText};
pub use services::{Http, Lookup};
pub use url::ServiceUrl;

/// What `dualwright init` writes.
pub const TEMPLATE: &str = include_str!("template.toml");

/// The file as a whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The F&O environment.
    pub finops: Environment,
    /// The Dataverse environment.
    pub dataverse: Environment,
    /// Where the runtime keeps its journal.
    #[serde(default)]
    pub store: Store,
    /// The runtime's own HTTP.
    #[serde(default)]
    pub control: Control,
    /// What a map may use.
    #[serde(default)]
    pub limits: Limits,
    /// Components that come while it runs.
    #[serde(default)]
    pub plugins: Plugins,
    /// When a version that was just put to work is undone by itself.
    #[serde(default)]
    pub health: HealthPolicy,
    /// How often and how much.
    #[serde(default)]
    pub sync: Sync,
    /// The maps to run, in any order: dependencies decide the order of the initial sync.
    #[serde(default, rename = "map")]
    pub maps: Vec<Map>,
    /// The folder that relative paths start from: the one the file is in.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// One environment: an address and a credential.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Environment {
    /// `https://contoso.operations.dynamics.com` or `https://contoso.crm.dynamics.com`.
    pub url: ServiceUrl,
    /// The Microsoft Entra tenant: its id or its domain.
    pub tenant: String,
    /// Where tokens come from, when not from Microsoft.
    token_url: Option<ServiceUrl>,
    /// The application (client) id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: Secret,
}

/// Where the runtime keeps what must survive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Store {
    /// One SQLite file; made when absent.
    pub path: PathBuf,
    /// The newest settled changes of each leg that stay in it, rows and all, for previews and shadows; 0 keeps none.
    pub recorded_changes: usize,
}

/// The runtime's own HTTP: nudges from both systems, status.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Control {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How the two systems reach it, when not by the listening address.
    public_url: Option<ServiceUrl>,
    /// What both systems must send back with each push. Without it nothing is pushed: changes are polled.
    pub nudge_secret: Option<Secret>,
    /// What people and tools must send as bearer token. May be left out where only this machine can connect.
    pub token: Option<Secret>,
}

/// What one call of a map may use. What is left out keeps the host's default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Memory of one instance.
    pub guest_memory: Option<ByteCount>,
    /// Time for one batch.
    #[serde(deserialize_with = "duration::optional")]
    pub guest_deadline: Option<Duration>,
    /// Size of one answer.
    pub guest_output: Option<ByteCount>,
}

/// How often and how much.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Sync {
    /// How often a side without a change feed is read in full and compared.
    #[serde(deserialize_with = "duration::required")]
    pub sweep_interval: Duration,
    /// How often a change feed is read without being nudged.
    #[serde(deserialize_with = "duration::required")]
    pub poll_interval: Duration,
    /// How long a record waits for the record its lookup names.
    #[serde(deserialize_with = "duration::required")]
    pub lookup_wait_limit: Duration,
    /// Records in one call of a map and one batch of writes.
    pub batch_rows: usize,
    /// Rows in one page of a full read.
    pub page_rows: usize,
}

/// One map to run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Map {
    /// A component (`.wasm`), or a `map.toml` that is built when the runtime starts.
    pub file: PathBuf,
    /// Who wins when both sides changed the same record.
    #[serde(default)]
    pub policy: Policy,
    /// The side the initial sync reads from.
    #[serde(default)]
    pub master: Side,
    /// Whether rows that exist already are synchronised before live changes are.
    #[serde(default = "yes")]
    pub initial_sync: bool,
    /// What the map may see and import.
    #[serde(default)]
    pub grants: Grants,
    /// What is stacked on it, from the base upwards: the partner's first, the customer's last.
    #[serde(default, rename = "layer")]
    pub layers: Vec<Layer>,
}

/// A validator or extension, stacked on a map.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Layer {
    /// A component (`.wasm`).
    pub file: PathBuf,
    /// What it may see and import.
    #[serde(default)]
    pub grants: Grants,
}

/// Who wins when both sides changed the same record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// F&O does.
    #[default]
    FinopsWins,
    /// Dataverse does.
    DataverseWins,
    /// The later change does.
    LatestWins,
    /// The map says so, record by record.
    AskMap,
}

/// One side of the pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// F&O.
    #[default]
    Finops,
    /// Dataverse.
    Dataverse,
}

fn yes() -> bool {
    true
}

// === impl Config ===

impl Config {
    /// Reads and checks a configuration file. Secrets are not read yet.
    ///
    /// # Errors
    /// When the file cannot be read or says something that cannot be used: with file, line and column.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let config = Self::load_systems(path)?;
        config.check_maps(path)?;
        Ok(config)
    }

    /// As [`Config::load`], for commands that need the two systems and no map: there may be none yet.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_systems(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let failure = Failure::usage("cannot read the configuration").at(path.display()).because(&error);
            if error.kind() == std::io::ErrorKind::NotFound {
                return failure.hint(format!("write one with: dualwright init --path {}", path.display()));
            }
            failure
        })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self::parse(&text, path, folder.unwrap_or_else(|| Path::new(".")))
    }

    fn parse(text: &str, path: &Path, folder: &Path) -> Result<Self, Failure> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            // Not the error's own rendering: that repeats the line of the file, which may hold a secret (I11).
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            Failure::usage(format!("the configuration is not valid: {}", error.message()))
                .at(format!("{}:{line}:{column}", path.display()))
        })?;
        config.folder = folder.to_path_buf();
        config.check(path)?;
        Ok(config)
    }

    fn check_maps(&self, path: &Path) -> Result<(), Failure> {
        if self.maps.is_empty() {
            return Err(Failure::usage("the configuration names no map").at(path.display()).hint(
                "add a [[map]] with a file, such as plugins/catalogue/customers/customer-groups.toml",
            ));
        }
        Ok(())
    }

    /// A path of the file, seen from where we are.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    fn check(&self, path: &Path) -> Result<(), Failure> {
        let wrong = |what: String| Failure::usage(what).at(path.display());
        for (index, map) in self.maps.iter().enumerate() {
            if self.maps.iter().take(index).any(|other| other.file == map.file) {
                return Err(wrong(format!("the map {} is listed twice", map.file.display())));
            }
            for (place, layer) in map.layers.iter().enumerate() {
                if map.layers.iter().take(place).any(|other| other.file == layer.file) {
                    let (layer, map) = (layer.file.display(), map.file.display());
                    return Err(wrong(format!("the layer {layer} of the map {map} is listed twice")));
                }
            }
        }
        self.plugins.check().map_err(wrong)?;
        for (name, value, most) in
            [("batch-rows", self.sync.batch_rows, 1000), ("page-rows", self.sync.page_rows, 5000)]
        {
            if value == 0 || value > most {
                return Err(wrong(format!("sync.{name} is {value}, and must be from 1 to {most}")));
            }
        }
        Ok(())
    }
}

/// Line and column, both from 1, of a byte of a text.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

// === impl Map ===

impl Map {
    /// A map with every setting left out.
    pub fn of_file(file: PathBuf) -> Self {
        Self {
            file,
            policy: Policy::default(),
            master: Side::default(),
            initial_sync: true,
            grants: Grants::default(),
            layers: Vec::new(),
        }
    }
}

// === impl Environment ===

impl Environment {
    /// Where tokens come from: Microsoft, unless the file says otherwise.
    pub fn token_url(&self) -> String {
        match &self.token_url {
            Some(url) => url.as_str().to_owned(),
            None => format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", self.tenant),
        }
    }
}

// === impl Control ===

impl Control {
    /// How the two systems reach the runtime that listens on this address; no slash at the end.
    pub fn public_url(&self, listening: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().to_owned(),
            None => format!("http://{listening}"),
        }
    }
}

impl Default for Control {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7900)),
            public_url: None,
            nudge_secret: None,
            token: None,
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { path: PathBuf::from("dualwright.sqlite"), recorded_changes: dualwright_store::RECORDED }
    }
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            sweep_interval: Duration::from_secs(15 * 60),
            poll_interval: Duration::from_secs(30),
            lookup_wait_limit: Duration::from_secs(24 * 60 * 60),
            batch_rows: 200,
            page_rows: 600,
        }
    }
}

#[cfg(test)]
mod tests;

//! What is known of one component file.

use std::fmt;

use dualwright_model::{Digest, MapName, System, TableName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Grants, Host, HostError, HttpGrant, LayerRole, Loaded, LookupGrant};

/// What a component does for a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It maps records.
    Map,
    /// It judges records.
    Validator,
    /// It adds to what another map made.
    Extension,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Map => "map",
            Self::Validator => "validator",
            Self::Extension => "extension",
        })
    }
}

/// What a component says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name under which its versions follow each other.
    pub name: MapName,
    /// Its version.
    pub version: String,
    /// What it does.
    pub role: Role,
    /// The map that it is stacked on, for a validator or an extension.
    pub map: Option<MapName>,
}

/// Who says whether bytes are a component that may run. The sandbox does; tests count how often it is asked.
pub trait Examine: Send + Sync {
    /// Compiles the bytes and asks them what they are. `file` is what messages call them.
    ///
    /// # Errors
    /// As [`Host::load`]. [`HostError::Engine`] is not the file's fault and is not remembered against it.
    fn examine(&self, file: &str, bytes: &[u8]) -> Result<Identity, HostError>;

    /// The largest file that is looked at, in bytes.
    fn max_bytes(&self) -> usize;

    /// What the verdict depends on beside the bytes. A refusal by other rules is forgotten.
    fn rules(&self) -> String;
}

impl Examine for Host {
    fn examine(&self, file: &str, bytes: &[u8]) -> Result<Identity, HostError> {
        Ok(match self.load_any(file, bytes, &widest(Grants::default()))? {
            Loaded::Map(plugin) => {
                let said = plugin.description();
                Identity {
                    name: said.name.clone(),
                    version: said.version.clone(),
                    role: Role::Map,
                    map: None,
                }
            }
            Loaded::Layer(layer) => {
                let said = layer.description();
                let role = match said.role {
                    LayerRole::Validator { .. } => Role::Validator,
                    LayerRole::Extension { .. } => Role::Extension,
                };
                let map = Some(said.map.clone());
                Identity { name: said.name.clone(), version: said.version.clone(), role, map }
            }
        })
    }

    fn max_bytes(&self) -> usize {
        self.limits().max_component_bytes
    }

    fn rules(&self) -> String {
        format!("dualwright {} {:?}", env!("CARGO_PKG_VERSION"), self.limits())
    }
}

/// To find out what a component is, it gets whatever an operator may ever grant; what it gets for its work is decided
/// anew when it is activated. No row is near it now.
fn widest(mut grants: Grants) -> Grants {
    grants.log = true;
    grants.settings.insert("dualwright".to_owned(), "examination".to_owned());
    // Only the imports: nothing is connected to a component that is only asked what it is.
    let table = TableName::new("examination");
    grants.lookup.push(LookupGrant { system: System::Finops, table, columns: Vec::new() });
    grants.http.extend(HttpGrant::new("examination.invalid").ok());
    grants
}

/// A component that passed every check and is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// The name under which its versions follow each other.
    pub name: MapName,
    /// The version it says it is.
    pub version: String,
    /// What it does.
    pub role: Role,
    /// The map that it is stacked on, for a validator or an extension.
    #[serde(default)]
    pub map: Option<MapName>,
    /// When it was installed.
    pub at: Timestamp,
    /// Who installed it.
    pub actor: String,
    /// What the file was called.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// The name of the key whose signature was beside it.
    pub signed_by: Option<String>,
}

/// What installing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The component.
    pub component: Installed,
    /// Whether these bytes were here before, so that nothing was done.
    pub already: bool,
}

/// Why a file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// Larger than the limit.
    TooLarge,
    /// Cut off, damaged, or something else altogether.
    NotAComponent,
    /// It does not export the contract, or not as this host knows it.
    WrongWorld,
    /// It imports what no operator can grant.
    ImportNotGranted,
    /// What it says of itself cannot be used.
    BadDescription,
    /// A signature is required, and there is none.
    Unsigned,
    /// The signature beside it is of other bytes or by no listed key.
    BadSignature,
}

impl RefusalKind {
    /// Whether another signature could change the verdict.
    pub fn is_about_the_signature(self) -> bool {
        matches!(self, Self::Unsigned | Self::BadSignature)
    }
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLarge => "too-large",
            Self::NotAComponent => "not-a-component",
            Self::WrongWorld => "wrong-world",
            Self::ImportNotGranted => "import-not-granted",
            Self::BadDescription => "bad-description",
            Self::Unsigned => "unsigned",
            Self::BadSignature => "bad-signature",
        })
    }
}

/// A file that was refused. It is remembered, so that the same bytes are not compiled again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// What the file was called.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// Why, for programs.
    pub kind: RefusalKind,
    /// Why, for people; it names the file.
    pub reason: String,
    /// What to do next.
    pub next: String,
    /// When.
    pub at: Timestamp,
    /// The rules by which it was refused; see [`Examine::rules`].
    pub rules: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}. {}", self.reason, self.next)
    }
}

/// Why a version must not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What happened, for people. It must not hold row values (I11).
    pub text: String,
    /// What was counted: `traps`, `rejected`, `latency_micros` …
    pub counters: std::collections::BTreeMap<String, u64>,
}

/// A version that must not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// Why.
    pub evidence: Evidence,
    /// Since when.
    pub at: Timestamp,
    /// Who decided it.
    pub actor: String,
}

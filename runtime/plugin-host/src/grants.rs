//! What an operator lets a plugin import.

mod fields;
mod http;
mod lookup;

use std::collections::BTreeMap;

use dualwright_model::{System, TableName};

pub use fields::FieldGrant;
pub(crate) use fields::same;
pub use http::{HiddenText, HttpGrant, HttpGrantError};
pub(crate) use http::{InjectedHeader, is_the_hosts_own};
pub use lookup::LookupGrant;

/// What a plugin may import beside the contract's words. The default is nothing (I6): without a grant the host links
/// nothing, and a component that imports it is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Whether it may write lines into the operator's log. It may then write there whatever it reads, row values too.
    pub log: bool,
    /// The settings of this activation. The import is granted when there is at least one.
    pub settings: BTreeMap<String, String>,
    /// Which of the columns that it asks for it may see.
    pub fields: FieldGrant,
    /// The tables whose records it may look up. The import is granted when there is at least one.
    pub lookup: Vec<LookupGrant>,
    /// The hosts it may send requests to. The import is granted when there is at least one.
    pub http: Vec<HttpGrant>,
}

/// The interface for lines to the operator, in whatever version.
pub(crate) const LOG: &str = "dualwright:plugin/log";
/// The interface for settings, in whatever version.
pub(crate) const SETTINGS: &str = "dualwright:plugin/settings";
/// The interface for records, in whatever version.
pub(crate) const LOOKUP: &str = "dualwright:plugin/lookup";
/// The interface for requests to named hosts, in whatever version.
pub(crate) const HTTP: &str = "dualwright:plugin/http";

impl Grants {
    /// Every import there is, with nothing behind any: to find out what a component is, when no row is near it.
    pub fn for_examination() -> Self {
        Self {
            log: true,
            settings: BTreeMap::from([("dualwright".to_owned(), "examination".to_owned())]),
            lookup: vec![LookupGrant {
                system: System::Finops,
                table: TableName::new("examination"),
                columns: Vec::new(),
            }],
            http: HttpGrant::new("examination.invalid").into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether an import of this name may be linked.
    pub(crate) fn allow(&self, import: &str) -> bool {
        match interface_of(import) {
            LOG => self.log,
            SETTINGS => !self.settings.is_empty(),
            LOOKUP => !self.lookup.is_empty(),
            HTTP => !self.http.is_empty(),
            _ => false,
        }
    }

    /// What to write into the configuration for an import that an operator can grant.
    pub(crate) fn how_to_allow(import: &str) -> Option<&'static str> {
        Some(match interface_of(import) {
            LOG => "log = true",
            SETTINGS => "settings = { NAME = \"VALUE\" }",
            LOOKUP => {
                "lookup = [{ side = \"dataverse\", table = \"ENTITY SET\", columns = [\"KEY COLUMN\", \"COLUMN\"] }]"
            }
            HTTP => "http = [{ host = \"HOST\", methods = [\"GET\"], path-prefix = \"/\" }]",
            _ => return None,
        })
    }
}

/// An import's name without the version, when that is one this host knows: every 1.x has the same functions.
fn interface_of(import: &str) -> &str {
    import.split_once("@1.").map_or(import, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::{Grants, LOG, SETTINGS};

    #[test]
    fn nothing_is_granted_by_default() {
        let nothing = Grants::default();
        assert!(
            !nothing.allow(LOG) && !nothing.allow(SETTINGS) && !nothing.allow("wasi:cli/environment@0.2.0")
        );
        let log = Grants { log: true, ..Grants::default() };
        assert!(log.allow(LOG) && !log.allow(SETTINGS));
        assert!(log.allow("dualwright:plugin/log@1.0.0") && log.allow("dualwright:plugin/log@1.1.0"));
        assert!(!log.allow("dualwright:plugin/log@2.0.0") && !log.allow("other:plugin/log@1.0.0"));
    }
}

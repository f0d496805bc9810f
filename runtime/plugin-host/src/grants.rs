//! What an operator lets a plugin import.

use std::collections::BTreeMap;

/// What a plugin may import beside the contract's words. The default is nothing (I6): without a grant the host links
/// nothing, and a component that imports it is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Whether it may write lines into the operator's log. It may then write there whatever it reads, row values too.
    pub log: bool,
    /// The settings of this activation. The import is granted when there is at least one.
    pub settings: BTreeMap<String, String>,
}

/// The interface for lines to the operator.
pub(crate) const LOG: &str = "dualwright:plugin/log@1.0.0";
/// The interface for settings.
pub(crate) const SETTINGS: &str = "dualwright:plugin/settings@1.0.0";

impl Grants {
    /// Whether an import of this name may be linked.
    pub(crate) fn allow(&self, import: &str) -> bool {
        match import {
            LOG => self.log,
            SETTINGS => !self.settings.is_empty(),
            _ => false,
        }
    }
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
    }
}

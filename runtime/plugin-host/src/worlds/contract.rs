//! Which version of the contract a component speaks, and what it exports of it.

use std::fmt;

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

/// The package all versions share.
const PACKAGE: &str = "dualwright:plugin/";
/// The major version that this host speaks.
const MAJOR: u64 = 1;
/// The newest minor version that this host speaks.
const NEWEST_MINOR: u64 = 1;

/// An interface of the contract that a component may export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interface {
    Mapper,
    Resolver,
    Validator,
    Extension,
}

impl Interface {
    const ALL: [Self; 4] = [Self::Mapper, Self::Resolver, Self::Validator, Self::Extension];

    /// Its name without package and version.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mapper => "mapper",
            Self::Resolver => "resolver",
            Self::Validator => "validator",
            Self::Extension => "extension",
        }
    }

    /// Its whole name in the newest contract.
    pub(crate) fn full_name(self) -> String {
        format!("{PACKAGE}{}@{MAJOR}.{NEWEST_MINOR}.0", self.name())
    }
}

/// A version of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u64,
    minor: u64,
    patch: u64,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| number.parse::<u64>().ok());
        let version = Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
        numbers.next().is_none().then_some(version)
    }

    fn is_spoken(self) -> bool {
        self.major == MAJOR && self.minor <= NEWEST_MINOR
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// What a component exports of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contract {
    /// The newest version among its exports.
    pub(crate) version: Version,
    exports: Vec<(Interface, String)>,
}

impl Contract {
    /// Reads the names of a component's exports.
    ///
    /// # Errors
    /// What it lacks: it exports nothing of the contract, or speaks a version that this host does not.
    pub(crate) fn read(engine: &Engine, component: &Component) -> Result<Self, String> {
        let exported = component.component_type();
        let names = exported
            .exports(engine)
            .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
            .map(|(name, _)| name.to_owned());
        Self::of_names(names)
    }

    fn of_names(names: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut version: Option<Version> = None;
        let mut exports = Vec::new();
        for name in names {
            let Some((short, text)) = name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@')) else {
                continue;
            };
            let Some(interface) = Interface::ALL.into_iter().find(|interface| interface.name() == short)
            else {
                continue;
            };
            let spoken = Version::parse(text).filter(|version| version.is_spoken()).ok_or_else(|| {
                format!(
                    "{PACKAGE}{short} in a version from {MAJOR}.0.0 to {MAJOR}.{NEWEST_MINOR}.x; it has {text}: use a newer \
                     runtime, or build it against the contract of this one"
                )
            })?;
            version = version.max(Some(spoken));
            exports.push((interface, name.clone()));
        }
        let version = version.ok_or_else(|| Interface::Mapper.full_name())?;
        Ok(Self { version, exports })
    }

    /// The whole name by which it exports this interface, with the version it was built against.
    pub(crate) fn export(&self, interface: Interface) -> Option<&str> {
        self.exports.iter().find(|(exported, _)| *exported == interface).map(|(_, name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Contract, Interface};

    fn read(names: &[&str]) -> Result<Contract, String> {
        Contract::of_names(names.iter().map(|name| (*name).to_owned()))
    }

    #[test]
    fn versions_of_the_same_major_number_are_spoken() {
        let old = read(&["dualwright:plugin/mapper@1.0.0", "exports"]).unwrap();
        assert_eq!(old.version.to_string(), "1.0.0");
        assert!(old.export(Interface::Mapper).is_some() && old.export(Interface::Resolver).is_none());
        let new = read(&["dualwright:plugin/mapper@1.1.0", "dualwright:plugin/resolver@1.1.3"]).unwrap();
        assert_eq!(new.version.to_string(), "1.1.3");
        assert_eq!(new.export(Interface::Resolver), Some("dualwright:plugin/resolver@1.1.3"));
    }

    #[test]
    fn others_are_refused_with_what_is_missing() {
        assert!(read(&["wasi:cli/run@0.2.0"]).unwrap_err().contains("mapper@1.1.0"));
        for version in ["1.2.0", "2.0.0", "0.9.0", "1", "1.0.0.0", "x"] {
            let error = read(&[&format!("dualwright:plugin/mapper@{version}")]).unwrap_err();
            assert!(error.contains(version) && error.contains("newer runtime"), "{error}");
        }
    }
}

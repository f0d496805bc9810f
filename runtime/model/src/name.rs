//! Names that must not be mixed up, one type each.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text as this kind of name.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

name! {
    /// The name of a map, such as `customers-accounts`.
    MapName
}
name! {
    /// A table as its system's API names it: the entity set, `CustomersV3` or `accounts`.
    TableName
}
name! {
    /// The SHA-256 of a component's bytes, lower-case hexadecimal.
    Digest
}
/// A column, or a path through lookups to a column of a related row: `name`, `msdyn_company.cdm_companycode`.
///
/// Shared rather than copied: every cell of every row carries one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnPath(Arc<str>);

impl ColumnPath {
    /// Wraps a text as a column path.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Splits `lookup.rest` into the lookup column and the rest; `None` for a plain column.
    pub fn split_lookup(&self) -> Option<(&str, ColumnPath)> {
        self.0.split_once('.').map(|(lookup, rest)| (lookup, ColumnPath::from(rest)))
    }

    /// Whether this is a path through a lookup rather than a column of the row itself.
    pub fn is_lookup(&self) -> bool {
        self.0.contains('.')
    }
}

impl fmt::Display for ColumnPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for ColumnPath {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for ColumnPath {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Borrow<str> for ColumnPath {
    /// So that a record is asked for a column without making a path first; ordered and hashed as the text is.
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// One of the two kinds of system that a pair joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// Dynamics 365 Finance and Operations.
    Finops,
    /// Dataverse.
    Dataverse,
}

impl System {
    /// The other side of the pair.
    pub fn other(self) -> Self {
        match self {
            Self::Finops => Self::Dataverse,
            Self::Dataverse => Self::Finops,
        }
    }

    /// The leg whose source is this system.
    pub fn outgoing(self) -> Leg {
        match self {
            Self::Finops => Leg::ToDataverse,
            Self::Dataverse => Leg::ToFinops,
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Finops => "finops",
            Self::Dataverse => "dataverse",
        })
    }
}

/// One direction of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leg {
    /// From Finance and Operations to Dataverse.
    ToDataverse,
    /// From Dataverse to Finance and Operations.
    ToFinops,
}

impl Leg {
    /// Both legs, in a fixed order.
    pub const ALL: [Self; 2] = [Self::ToDataverse, Self::ToFinops];

    /// The system that changes are captured from.
    pub fn source(self) -> System {
        match self {
            Self::ToDataverse => System::Finops,
            Self::ToFinops => System::Dataverse,
        }
    }

    /// The system that is written.
    pub fn target(self) -> System {
        self.source().other()
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ToDataverse => "to-dataverse",
            Self::ToFinops => "to-finops",
        })
    }
}

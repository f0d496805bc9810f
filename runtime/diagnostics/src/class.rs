//! What a failure allows its reader to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The class of a failure drives retry, exit code and advice; the message only explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Passing: try again.
    Transient,
    /// The service protects itself: wait, then try again.
    Throttled,
    /// Somebody else changed the thing: look again, then decide.
    Conflict,
    /// The record itself is at fault.
    Data,
    /// Settings, schema or map do not fit.
    Config,
    /// Not signed in or not allowed.
    Permission,
    /// A plugin is at fault.
    Guest,
    /// Dualwright or its machine is at fault.
    Host,
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Conflict => "conflict",
            Self::Data => "data",
            Self::Config => "config",
            Self::Permission => "permission",
            Self::Guest => "guest",
            Self::Host => "host",
        })
    }
}

//! What can go wrong when talking to a system, told apart by what the caller can do about it.

use std::time::Duration;

use dualwright_diagnostics::Class;

/// A failed call, or one record that was refused. Messages carry no secret and no row value (I11): the system's own
/// error text is kept for the dead letter, where an operator with access to the record may read it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No connection, a broken answer, a time-out, a 5xx: worth another try.
    #[error("{system} did not answer properly: {reason}")]
    Unavailable {
        /// Which system.
        system: String,
        /// What happened.
        reason: String,
    },
    /// The service protects itself; the connector already waited as long as it may within one call.
    #[error("{system} is throttling requests")]
    Throttled {
        /// Which system.
        system: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// Sign-in failed or the token was refused.
    #[error("{system} refused the sign-in: {reason}")]
    Unauthorized {
        /// Which system.
        system: String,
        /// What it said.
        reason: String,
    },
    /// Signed in, but not allowed.
    #[error("{system} does not allow this: {reason}")]
    Forbidden {
        /// Which system.
        system: String,
        /// What it said.
        reason: String,
    },
    /// The table, column, key or address does not exist there.
    #[error("{system} does not know {what}")]
    Unknown {
        /// Which system.
        system: String,
        /// What it does not know.
        what: String,
    },
    /// The system refused the data.
    #[error("{system} refused the record: {message}")]
    Rejected {
        /// Which system.
        system: String,
        /// Its error code, where it gives one.
        code: String,
        /// Its message.
        message: String,
    },
    /// The saved position of a change feed is no longer valid: everything must be read again and compared.
    #[error("the change feed of {table} at {system} has expired")]
    FeedExpired {
        /// Which system.
        system: String,
        /// Whose feed.
        table: String,
    },
    /// The answer is not what the protocol promises.
    #[error("{system} answered with something that is not its protocol: {reason}")]
    Protocol {
        /// Which system.
        system: String,
        /// What was wrong.
        reason: String,
    },
}

impl ConnectError {
    /// What a reader may do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Unavailable { .. } => Class::Transient,
            Self::Throttled { .. } => Class::Throttled,
            Self::Unauthorized { .. } | Self::Forbidden { .. } => Class::Permission,
            Self::Unknown { .. } => Class::Config,
            Self::Rejected { .. } => Class::Data,
            Self::FeedExpired { .. } => Class::Conflict,
            Self::Protocol { .. } => Class::Host,
        }
    }
}

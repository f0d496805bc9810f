//! What the registry tells those who listen.

use dualwright_model::{Digest, MapName};

use super::{Evidence, Installed, Refused};

/// Something happened. It is durable by the time it is told, and told in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A component was installed. It is a candidate, not yet live.
    Installed(Installed),
    /// A file was refused, for the first time.
    Refused(Refused),
    /// A version went live.
    Activated {
        /// The map.
        map: MapName,
        /// Which version was live before.
        from: Option<Digest>,
        /// Which one is now.
        to: Digest,
        /// Who asked for it.
        actor: String,
    },
    /// The previous version is live again.
    RolledBack {
        /// The map.
        map: MapName,
        /// Which version was live before.
        from: Option<Digest>,
        /// Which one is now.
        to: Digest,
        /// Who asked for it.
        actor: String,
    },
    /// A version must not run any more.
    Quarantined {
        /// The map.
        map: MapName,
        /// Which version.
        digest: Digest,
        /// Why.
        evidence: Evidence,
        /// Which version is live now; none, when there was no sound one to fall back to.
        live: Option<Digest>,
        /// Who asked for it.
        actor: String,
    },
    /// A quarantined version may run again.
    Released {
        /// The map.
        map: MapName,
        /// Which version.
        digest: Digest,
        /// Who asked for it.
        actor: String,
    },
}

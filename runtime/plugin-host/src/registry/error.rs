//! Why the registry does not do what it was asked.

use std::path::PathBuf;

use dualwright_diagnostics::Class;
use dualwright_model::{Digest, MapName};

use super::{Refused, Role};
use crate::HostError;

/// What the registry was asked and does not do. Nothing changed, unless a variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The file is refused.
    #[error("{refused}")]
    Refused {
        /// Which file, why, and what to do next.
        refused: Box<Refused>,
        /// Whether the same bytes were refused before, so that they were not looked at again.
        again: bool,
    },
    /// No component of this digest is installed.
    #[error("no component {digest} is installed; `dualwright plugin list` shows those that are")]
    NotInstalled {
        /// What was asked for.
        digest: Digest,
    },
    /// Nothing is known of this name.
    #[error("no version of {map} is installed; install one with `dualwright plugin install FILE`")]
    UnknownMap {
        /// What was asked for.
        map: MapName,
    },
    /// No installed version of the map is called that, or more than one is.
    #[error(
        "{count} installed versions of {map} are called `{text}`; `dualwright plugin list` shows their digests"
    )]
    NoSuchVersion {
        /// The map.
        map: MapName,
        /// What was asked for.
        text: String,
        /// How many there are.
        count: usize,
    },
    /// The component belongs to another map.
    #[error("{digest} is a version of {belongs_to} and cannot be made live for {map}")]
    WrongMap {
        /// The component.
        digest: Digest,
        /// The map that was asked for.
        map: MapName,
        /// The map whose version it is.
        belongs_to: MapName,
    },
    /// The live version is something else than the one that would replace it.
    #[error("{map} is a {live}, and {digest} is a {role}: give the new component another name")]
    WrongRole {
        /// The map.
        map: MapName,
        /// The component.
        digest: Digest,
        /// What the component does.
        role: Role,
        /// What the live one does.
        live: Role,
    },
    /// The version is quarantined.
    #[error(
        "{map} {digest} is quarantined ({evidence}); install a mended version, or release it with \
         `dualwright plugin release` if the evidence is explained"
    )]
    Quarantined {
        /// The map.
        map: MapName,
        /// The component.
        digest: Digest,
        /// Why it is quarantined.
        evidence: String,
    },
    /// It is not quarantined.
    #[error("{digest} is not quarantined, so there is nothing to release")]
    NotQuarantined {
        /// The component.
        digest: Digest,
    },
    /// There is nothing to go back to.
    #[error(
        "{map} has no previous version to go back to; activate one of those that `dualwright plugin list` shows"
    )]
    NoPrevious {
        /// The map.
        map: MapName,
    },
    /// Signatures are required now, and this one was installed without.
    #[error(
        "{map} {digest} was installed without a signature, and signatures are required; sign it and install it again"
    )]
    Unsigned {
        /// The map.
        map: MapName,
        /// The component.
        digest: Digest,
    },
    /// Another process holds the folder.
    #[error("{} is in use by another process; ask the running `dualwright run`, or stop it first", folder.display())]
    InUse {
        /// The registry's folder.
        folder: PathBuf,
    },
    /// The folder could not be read or written. What was asked may or may not be on disk; it is not acknowledged.
    #[error("{}: {what}: {source}", path.display())]
    Disk {
        /// What was being done.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file of the registry is not what the registry wrote.
    #[error("{} is damaged: {reason}; restore it from a backup, or remove it and install again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A key that was listed is no key.
    #[error("the signing key `{name}` cannot be used: {reason}")]
    BadKey {
        /// The key's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The sandbox failed, which is not the file's fault.
    #[error("{file} could not be examined: {source}; try again")]
    Sandbox {
        /// The file.
        file: String,
        /// What failed.
        source: HostError,
    },
}

impl RegistryError {
    /// What a reader may do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Refused { refused, .. } if refused.kind.is_about_the_signature() => Class::Permission,
            Self::Unsigned { .. } => Class::Permission,
            Self::Refused { .. } | Self::Quarantined { .. } => Class::Guest,
            Self::InUse { .. } => Class::Conflict,
            Self::Disk { .. } | Self::Damaged { .. } | Self::Sandbox { .. } => Class::Host,
            Self::NotInstalled { .. }
            | Self::UnknownMap { .. }
            | Self::NoSuchVersion { .. }
            | Self::WrongMap { .. }
            | Self::WrongRole { .. }
            | Self::NotQuarantined { .. }
            | Self::NoPrevious { .. }
            | Self::BadKey { .. } => Class::Config,
        }
    }

    pub(super) fn disk(
        what: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> RegistryError {
        let path = path.to_owned();
        move |source| Self::Disk { what, path, source }
    }
}

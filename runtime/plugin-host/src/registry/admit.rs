//! From a file to a candidate: every stage that it passes, and what is remembered of one that does not.

use std::io::Read;
use std::path::Path;
use std::sync::PoisonError;

use dualwright_model::Digest;
use sha2::{Digest as _, Sha256};

use super::signature::Verdict;
use super::{Event, Identity, Installation, Installed, RefusalKind, Refused, Registry, RegistryError, disk};
use crate::{HostError, cache};

/// Who signed what this runtime built itself.
const OWN: &str = "built here";
/// More than a signature in any of its forms.
pub(super) const SIGNATURE_FILE_BYTES: u64 = 4096;

/// What was read of a file.
pub(super) struct Found {
    pub(super) size: u64,
    pub(super) digest: Digest,
    /// The bytes, unless there are more than the limit.
    pub(super) bytes: Option<Vec<u8>>,
}

/// Reads a file to its end, and keeps as much as may be kept.
pub(super) fn read_from(file: &mut impl Read, limit: usize) -> std::io::Result<Found> {
    let (mut hasher, mut size, mut bytes) = (Sha256::new(), 0_u64, Some(Vec::new()));
    let mut buffer = vec![0_u8; 64 << 10];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = buffer.get(..count).unwrap_or_default();
        hasher.update(part);
        size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        bytes = bytes.filter(|kept| kept.len().saturating_add(count) <= limit);
        if let Some(kept) = &mut bytes {
            kept.extend_from_slice(part);
        }
    }
    Ok(Found { size, digest: Digest::new(cache::hexadecimal(&hasher.finalize())), bytes })
}

/// The bytes of the `FILE.sig` beside a component, where it is there.
///
/// # Errors
/// When it is there and cannot be read.
pub fn signature_beside(component: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut path = component.as_os_str().to_owned();
    path.push(".sig");
    let file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(SIGNATURE_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

impl Registry {
    /// Checks a component and keeps it as a candidate. Bytes that are here already are not looked at again, and
    /// neither are bytes that were refused by the same rules.
    ///
    /// `file` is what messages call it; `signature` is what the `.sig` file holds.
    ///
    /// # Errors
    /// [`RegistryError::Refused`], which is remembered; [`RegistryError::Sandbox`] and [`RegistryError::Disk`], which
    /// are not.
    pub fn install(
        &self,
        file: &str,
        bytes: Vec<u8>,
        signature: Option<&[u8]>,
        actor: &str,
    ) -> Result<Installation, RegistryError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let digest = cache::digest_of(&bytes);
        let small = bytes.len() <= self.inner.examine.max_bytes();
        self.admit(file, &Found { size, digest, bytes: small.then_some(bytes) }, signature, actor)
    }

    /// [`Registry::install`] of what this runtime has just built of a map file that its operator named: where signatures
    /// are required, nobody could have signed that, and nobody else made it.
    ///
    /// # Errors
    /// As [`Registry::install`].
    pub fn install_own(
        &self,
        file: &str,
        bytes: Vec<u8>,
        actor: &str,
    ) -> Result<Installation, RegistryError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let digest = cache::digest_of(&bytes);
        let small = bytes.len() <= self.inner.examine.max_bytes();
        let found = Found { size, digest, bytes: small.then_some(bytes) };
        self.judged(file, &found, |_| Verdict::By(OWN.to_owned()), actor)
    }

    /// [`Registry::install`] of a file, with the signature from `FILE.sig` beside it, where there is one.
    ///
    /// # Errors
    /// As [`Registry::install`]; [`RegistryError::Disk`] too when a file cannot be read.
    pub fn install_file(&self, path: &Path, actor: &str) -> Result<Installation, RegistryError> {
        let cannot = RegistryError::disk;
        let found = std::fs::File::open(path)
            .and_then(|mut file| read_from(&mut file, self.inner.examine.max_bytes()))
            .map_err(cannot("the component could not be read", path))?;
        let signature = signature_beside(path).map_err(cannot("its .sig file could not be read", path))?;
        self.admit(&path.display().to_string(), &found, signature.as_deref(), actor)
    }

    pub(super) fn admit(
        &self,
        file: &str,
        found: &Found,
        signature: Option<&[u8]>,
        actor: &str,
    ) -> Result<Installation, RegistryError> {
        self.judged(file, found, |bytes| self.inner.trust.judge(bytes, signature), actor)
    }

    fn judged(
        &self,
        file: &str,
        found: &Found,
        judge: impl FnOnce(&[u8]) -> Verdict,
        actor: &str,
    ) -> Result<Installation, RegistryError> {
        let _installing = self.inner.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bytes) = found.bytes.as_deref() else {
            let limit = self.inner.examine.max_bytes();
            let reason = format!("{file} has {} bytes, and the limit is {limit}", found.size);
            return Err(self.refuse(file, found, RefusalKind::TooLarge, reason));
        };
        let verdict = judge(bytes);
        // A statement of its own, for what follows takes the same lock.
        let installed = self.known().ledger.installed.get(&found.digest).cloned();
        if let Some(component) = installed {
            return self.already(component, verdict);
        }
        if let Some(refused) = self.remembered(&found.digest)
            && !refused.kind.is_about_the_signature()
        {
            return Err(RegistryError::Refused { refused: Box::new(refused), again: true });
        }
        let signed_by = match verdict {
            Verdict::By(key) => Some(key),
            Verdict::NotNeeded => None,
            Verdict::Missing => {
                let reason = format!("{file} has no signature, and signatures are required");
                return Err(self.refuse(file, found, RefusalKind::Unsigned, reason));
            }
            Verdict::Wrong(why) => {
                let reason = format!("the signature of {file} is not accepted: {why}");
                return Err(self.refuse(file, found, RefusalKind::BadSignature, reason));
            }
        };
        let identity = match self.inner.examine.examine(file, bytes) {
            Ok(identity) => identity,
            Err(error) => return Err(self.failed(file, found, error)),
        };
        self.store(file, found, bytes, identity, signed_by, actor)
    }

    /// The same bytes again. Only a signature that came late is news.
    fn already(&self, component: Installed, verdict: Verdict) -> Result<Installation, RegistryError> {
        let Verdict::By(key) = verdict else { return Ok(Installation { component, already: true }) };
        if component.signed_by.is_some() {
            return Ok(Installation { component, already: true });
        }
        self.change("", |ledger, _| {
            let component = Installed { signed_by: Some(key), ..component };
            ledger.installed.insert(component.digest.clone(), component.clone());
            Ok((Installation { component, already: true }, None))
        })
    }

    fn store(
        &self,
        file: &str,
        found: &Found,
        bytes: &[u8],
        identity: Identity,
        signed_by: Option<String>,
        actor: &str,
    ) -> Result<Installation, RegistryError> {
        // The bytes first: a name in the ledger always has its file.
        let path = self.component_path(&found.digest);
        disk::replace(self.inner.disk.as_ref(), &path, bytes)
            .map_err(RegistryError::disk("the component could not be kept", &path))?;
        self.change(actor, |ledger, by| {
            let component = Installed {
                digest: found.digest.clone(),
                name: identity.name,
                version: identity.version,
                role: identity.role,
                map: identity.map,
                at: by.at,
                actor: actor.to_owned(),
                file: file.to_owned(),
                size: found.size,
                signed_by,
            };
            ledger.install(component.clone());
            let event = Event::Installed(component.clone());
            Ok((Installation { component, already: false }, Some(event)))
        })
    }

    /// A refusal by the rules that hold now.
    fn remembered(&self, digest: &Digest) -> Option<Refused> {
        let rules = self.inner.examine.rules();
        self.known().ledger.refused.get(digest).filter(|refused| refused.rules == rules).cloned()
    }

    fn failed(&self, file: &str, found: &Found, error: HostError) -> RegistryError {
        let kind = match &error {
            HostError::Engine { .. } => {
                return RegistryError::Sandbox { file: file.to_owned(), source: error };
            }
            HostError::TooLarge { .. } => RefusalKind::TooLarge,
            HostError::ImportNotGranted { .. } => RefusalKind::ImportNotGranted,
            HostError::MissingExport { .. } => RefusalKind::WrongWorld,
            HostError::BadDescription { .. } => RefusalKind::BadDescription,
            _ => RefusalKind::NotAComponent,
        };
        self.refuse(file, found, kind, error.to_string())
    }

    /// Remembers a refusal and tells of it, unless it is the same as before.
    fn refuse(&self, file: &str, found: &Found, kind: RefusalKind, reason: String) -> RegistryError {
        if let Some(refused) = self.remembered(&found.digest).filter(|refused| refused.kind == kind) {
            return RegistryError::Refused { refused: Box::new(refused), again: true };
        }
        let rules = self.inner.examine.rules();
        let kept = self.change("", |ledger, by| {
            let refused = Refused {
                digest: found.digest.clone(),
                file: file.to_owned(),
                size: found.size,
                kind,
                reason,
                next: next(kind).to_owned(),
                at: by.at,
                rules,
            };
            ledger.refuse(refused.clone());
            Ok((refused.clone(), Some(Event::Refused(refused))))
        });
        // A refusal that could not be kept is a failure of the disk: it would be compiled again.
        kept.map_or_else(
            |error| error,
            |refused| RegistryError::Refused { refused: Box::new(refused), again: false },
        )
    }
}

fn next(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::TooLarge => "Build it smaller (release, without debug information), or raise the limit",
        RefusalKind::NotAComponent => {
            "Copy the file again if it was cut off; otherwise build it with `dualwright map build`"
        }
        RefusalKind::WrongWorld => {
            "Build it against the contract `dualwright:plugin` with `dualwright map build`"
        }
        RefusalKind::ImportNotGranted => "Build it without these imports; `dualwright map build` does",
        RefusalKind::BadDescription => "Mend what it says of itself and build it again",
        RefusalKind::Unsigned => {
            "Put its signature beside it as FILE.sig; `dualwright plugin sign --key KEY FILE` makes one"
        }
        RefusalKind::BadSignature => "Sign these bytes with a key that is listed, or list the key",
    }
}

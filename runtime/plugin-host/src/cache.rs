//! Compiled code, kept between runs.
//!
//! Running a file of compiled code is running a program, so only files that this host wrote are ever read: the folder
//! must not be writable by others, and every file carries the digest of its own content.

use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dualwright_model::Digest;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Files kept; the oldest go first. A Python guest compiles to 35 MB.
const FILES: usize = 64;
/// Says what the file is, and which layout it has.
const MAGIC: &[u8; 8] = b"DWCODE01";
const HASH_BYTES: usize = 32;

/// A folder of compiled components.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    // Of the engine's version and everything in its settings that compiled code depends on.
    settings: String,
}

impl Cache {
    /// Opens or makes the folder. A folder that cannot be used or trusted is a warning, not a failure: the host then
    /// compiles each time.
    pub(crate) fn open(folder: PathBuf, engine: &Engine) -> Option<Self> {
        match prepare(&folder) {
            Ok(()) => {
                let mut hasher = StableHasher(Sha256::new());
                engine.precompile_compatibility_hash().hash(&mut hasher);
                let settings = hexadecimal(&hasher.0.finalize());
                Some(Self { folder, settings: settings.chars().take(16).collect() })
            }
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "compiled maps are not kept");
                None
            }
        }
    }

    /// The compiled component, when it is there, whole, and made by this engine with these settings.
    pub(crate) fn get(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let path = self.path(digest);
        let file = std::fs::read(&path).ok()?;
        let code = verified(&file);
        let component = code.and_then(|code| deserialize(engine, code));
        if component.is_none() {
            tracing::warn!(file = %path.display(), "a file of compiled code is damaged; compiling again");
            // Best effort: the next `put` replaces it anyway.
            let _ = std::fs::remove_file(&path);
        }
        component
    }

    /// Keeps a component. Failing to is a warning: the next run compiles again.
    pub(crate) fn put(&self, digest: &Digest, component: &Component) {
        if let Err(error) = self.try_put(digest, component) {
            tracing::warn!(folder = %self.folder.display(), %error, "a compiled map was not kept");
        }
    }

    fn try_put(&self, digest: &Digest, component: &Component) -> Result<(), Box<dyn std::error::Error>> {
        let code = component.serialize().map_err(|error| format!("{error:#}"))?;
        let path = self.path(digest);
        let temporary = path.with_extension(format!("{}.part", std::process::id()));
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(MAGIC)?;
        file.write_all(&Sha256::digest(&code))?;
        file.write_all(&code)?;
        drop(file);
        // Readers see the whole file or none.
        std::fs::rename(&temporary, &path)?;
        self.prune()?;
        Ok(())
    }

    fn prune(&self) -> std::io::Result<()> {
        let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|extension| extension == "cwasm") {
                files.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        files.sort();
        let surplus = files.len().saturating_sub(FILES);
        for (_, path) in files.into_iter().take(surplus) {
            std::fs::remove_file(path)?;
        }
        Ok(())
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}-{}.cwasm", self.settings))
    }
}

fn verified(file: &[u8]) -> Option<&[u8]> {
    let rest = file.strip_prefix(MAGIC.as_slice())?;
    let (hash, code) = rest.split_at_checked(HASH_BYTES)?;
    (Sha256::digest(code).as_slice() == hash).then_some(code)
}

#[allow(unsafe_code, reason = "the one place where compiled code is loaded")]
fn deserialize(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: the bytes must be what this version of the engine wrote, unchanged. They are in memory (nobody can
    // change them between the check and the use), their digest was just compared with the one written beside them,
    // and the folder they come from was found to be writable by this user only. The engine itself refuses code of
    // another version or other settings.
    unsafe { Component::deserialize(engine, code) }.ok()
}

#[cfg(unix)]
fn prepare(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};

    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Who we are shows on a file that we make; it also shows whether we may make one.
    let probe = folder.join(format!("probe.{}", std::process::id()));
    let us = std::fs::File::create(&probe)?.metadata()?.uid();
    std::fs::remove_file(&probe)?;
    let folder = std::fs::metadata(folder)?;
    if folder.uid() == us && folder.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::PermissionDenied,
        "others may write to this folder, so nothing in it can be trusted (it must be ours, and chmod 700)",
    ))
}

#[cfg(not(unix))]
fn prepare(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// The SHA-256 of some bytes, in lower-case hexadecimal.
pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::new(hexadecimal(&Sha256::digest(bytes)))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A hasher whose result is the same in every run.
struct StableHasher(Sha256);

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = self.0.clone().finalize();
        hash.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::{MAGIC, digest_of, verified};
    use sha2::{Digest as _, Sha256};

    #[test]
    fn only_whole_files_are_believed() {
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&Sha256::digest(b"code"));
        file.extend_from_slice(b"code");
        assert_eq!(verified(&file), Some(b"code".as_slice()));
        for index in 0..file.len() {
            let mut damaged = file.clone();
            damaged[index] ^= 1;
            assert_eq!(verified(&damaged), None, "byte {index}");
        }
        assert_eq!(verified(&file[..20]), None);
        assert_eq!(verified(&[]), None);
    }

    #[test]
    fn digests_are_hexadecimal() {
        assert_eq!(
            digest_of(b"").as_str(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}

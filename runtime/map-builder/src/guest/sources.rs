//! The content that a guest is built from, as one digest.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::BuildError;

/// The digest of these files and folders below `root` (names and contents) and of a text that names the tool chain.
pub(super) fn digest(root: &Path, parts: &[&str], toolchain: &str) -> Result<String, BuildError> {
    let mut files = Vec::new();
    for part in parts {
        collect(&root.join(part), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(bytes);
    };
    add(toolchain.as_bytes());
    for file in files {
        let bytes = fs::read(&file).map_err(|error| BuildError::file("read", &file, error))?;
        add(file.strip_prefix(root).unwrap_or(&file).to_string_lossy().as_bytes());
        add(&bytes);
    }
    Ok(hex(&hash.finalize()))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), BuildError> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|error| BuildError::file("list", path, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| BuildError::file("list", path, error))?;
        collect(&entry.path(), files)?;
    }
    Ok(())
}

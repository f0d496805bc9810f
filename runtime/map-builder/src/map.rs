//! From a map file to a component.

use std::path::{Path, PathBuf};

use dualwright_model::Digest as ComponentDigest;
use dualwright_plugin_host::Description;
use dualwright_table_map::compile::CompiledMap;
use sha2::{Digest, Sha256};

use crate::compose::compose;
use crate::error::BuildError;
use crate::guest::{Guest, hex};
use crate::manifest;
use crate::options::BuildOptions;

mod convert;

/// A component made from a map file.
#[derive(Clone, Debug)]
pub struct BuiltMap {
    /// The map file.
    pub path: PathBuf,
    /// The component.
    pub bytes: Vec<u8>,
    /// What it says of itself.
    pub description: Description,
    /// The map as it was compiled: its rules, for checks that look at constants and value sets.
    pub compiled: CompiledMap,
    /// SHA-256 of the bytes.
    pub digest: ComponentDigest,
    /// What built the guest inside, to print.
    pub toolchain: String,
}

/// Builds the component of one map file. The first build on a machine also builds the guest.
///
/// # Errors
/// When the map is wrong, or there is no guest for it.
pub fn build_map(path: &Path, options: &BuildOptions) -> Result<BuiltMap, BuildError> {
    // The map first: its author should not wait for a compiler to hear of a typing error.
    let manifest = manifest::read(path)?;
    build(manifest, &Guest::obtain(options)?)
}

/// As [`build_map`], with a guest that is at hand.
///
/// # Errors
/// When the map is wrong, or the guest is not a `table-map` guest.
pub fn build_map_with(path: &Path, guest: &Guest) -> Result<BuiltMap, BuildError> {
    build(manifest::read(path)?, guest)
}

/// Builds every map file below a folder, in the order of their paths. Files in folders named `values` are value
/// sets, those in `fixtures` are rows to test with, and `area.toml` describes a folder: none is a map.
///
/// # Errors
/// With everything that is wrong with any of the maps; when a file or folder cannot be read; when there is no guest.
pub fn build_folder(folder: &Path, options: &BuildOptions) -> Result<Vec<BuiltMap>, BuildError> {
    let mut manifests = Vec::new();
    let mut wrong = Vec::new();
    for path in map_files(folder)? {
        match manifest::read(&path) {
            Ok(manifest) => manifests.push(manifest),
            Err(BuildError::Map { problems }) => wrong.extend(problems),
            Err(error) => return Err(error),
        }
    }
    if !wrong.is_empty() {
        return Err(BuildError::Map { problems: wrong });
    }
    let guest = Guest::obtain(options)?;
    manifests.into_iter().map(|manifest| build(manifest, &guest)).collect()
}

/// The map files below a folder, sorted.
///
/// # Errors
/// When a folder cannot be read.
pub fn map_files(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| BuildError::file("list", folder, error))?;
    for entry in entries {
        let path = entry.map_err(|error| BuildError::file("list", folder, error))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            if !["values", "fixtures"].contains(&name.as_str()) && !name.starts_with('.') {
                files.extend(map_files(&path)?);
            }
        } else if name.ends_with(".toml") && name != "area.toml" {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What a compiled map says of itself, in the host's words: equal to what the host reads out of its component.
pub fn describe(map: &CompiledMap) -> Description {
    convert::description(&map.description)
}

fn build(manifest: manifest::Manifest, guest: &Guest) -> Result<BuiltMap, BuildError> {
    let bytes = compose(&guest.module, &manifest.map.encode())?;
    let digest = ComponentDigest::new(hex(&Sha256::digest(&bytes)));
    Ok(BuiltMap {
        path: manifest.path,
        bytes,
        description: describe(&manifest.map),
        compiled: manifest.map,
        digest,
        toolchain: guest.toolchain.clone(),
    })
}

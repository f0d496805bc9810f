//! What an author points at: a map file, a component, or a folder with a project in it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::BuildError;
use crate::guest::rust::build_guest;
use crate::map::{BuiltMap, build_map};
use crate::options::BuildOptions;

/// What a component is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A map file.
    Table(PathBuf),
    /// The `Cargo.toml` of a guest crate.
    Rust(PathBuf),
    /// A component that is already built.
    Component(PathBuf),
}

/// A map with what lies beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// What its component is made from.
    pub source: Source,
    /// Where its fixtures are, if it has any.
    pub fixtures: PathBuf,
}

/// The component of a project.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// More about it, where it was made from a map file.
    pub map: Option<BuiltMap>,
    /// What built it; `None` when it was built before.
    pub toolchain: Option<String>,
}

impl Project {
    /// Finds out what a path is. A folder is a project when it holds a `map.toml` or a `Cargo.toml`. The fixtures of
    /// `prices.toml` or `prices.wasm` are in `fixtures/prices/` where there is such a folder, otherwise in `fixtures/`.
    ///
    /// # Errors
    /// [`BuildError::NoProject`] when it is none of these.
    pub fn find(path: &Path) -> Result<Self, BuildError> {
        let none = |reason: &str| BuildError::NoProject { path: path.to_owned(), reason: reason.to_owned() };
        if path.is_dir() {
            let (table, crate_manifest) = (path.join("map.toml"), path.join("Cargo.toml"));
            let source = match (table.is_file(), crate_manifest.is_file()) {
                (true, false) => Source::Table(table),
                (false, true) => Source::Rust(crate_manifest),
                (true, true) => {
                    return Err(none("it holds a map.toml and a Cargo.toml: name the one you mean"));
                }
                (false, false) => return Err(none("it holds neither a map.toml nor a Cargo.toml")),
            };
            return Ok(Self { source, fixtures: path.join("fixtures") });
        }
        if !path.is_file() {
            return Err(none("there is no such file or folder"));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let common = folder.join("fixtures");
        let own = common.join(path.file_stem().unwrap_or_default());
        let fixtures = if own.is_dir() { own } else { common };
        let is_crate = path.file_name().is_some_and(|name| name == "Cargo.toml");
        let source = match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") if is_crate => Source::Rust(path.to_owned()),
            Some("toml") => Source::Table(path.to_owned()),
            Some("wasm") => Source::Component(path.to_owned()),
            _ => return Err(none("a map is a map file (.toml), a component (.wasm) or a project's folder")),
        };
        Ok(Self { source, fixtures })
    }

    /// The file that the component is made from.
    pub fn path(&self) -> &Path {
        match &self.source {
            Source::Table(path) | Source::Rust(path) | Source::Component(path) => path,
        }
    }

    /// Where the component is written unless something else is said: beside the map file, or named for the folder in the
    /// project's folder.
    pub fn output(&self) -> PathBuf {
        match &self.source {
            Source::Table(path) | Source::Component(path) => path.with_extension("wasm"),
            Source::Rust(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new("."));
                let name =
                    fs::canonicalize(folder).ok().and_then(|whole| whole.file_name().map(PathBuf::from));
                folder.join(name.unwrap_or_else(|| PathBuf::from("map"))).with_extension("wasm")
            }
        }
    }

    /// Builds the component, or reads it where it is built already. Blocks, on the first build for a while.
    ///
    /// # Errors
    /// When it cannot be built or read.
    pub fn build(&self, options: &BuildOptions) -> Result<Built, BuildError> {
        match &self.source {
            Source::Table(path) => {
                let map = build_map(path, options)?;
                let toolchain = Some(map.toolchain.clone());
                Ok(Built { bytes: map.bytes.clone(), map: Some(map), toolchain })
            }
            Source::Rust(manifest) => {
                let guest = build_guest(manifest, options)?;
                Ok(Built { bytes: guest.bytes, map: None, toolchain: Some(guest.toolchain) })
            }
            Source::Component(path) => {
                let bytes = fs::read(path).map_err(|error| BuildError::file("read", path, error))?;
                Ok(Built { bytes, map: None, toolchain: None })
            }
        }
    }
}

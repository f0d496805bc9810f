//! What an author points at: a map file, a component, or a folder with a project in it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::BuildError;
use crate::guest::python::build_python;
use crate::guest::rust::{BuiltGuest, build_guest};
use crate::guest::typescript::build_typescript;
use crate::map::{BuiltMap, build_map};
use crate::options::BuildOptions;

/// What a component is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A map file.
    Table(PathBuf),
    /// The `Cargo.toml` of a guest crate.
    Rust(PathBuf),
    /// The `package.json` of a TypeScript or JavaScript project.
    TypeScript(PathBuf),
    /// The `pyproject.toml` of a Python project.
    Python(PathBuf),
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

impl From<BuiltGuest> for Built {
    fn from(guest: BuiltGuest) -> Self {
        Self { bytes: guest.bytes, map: None, toolchain: Some(guest.toolchain) }
    }
}

/// What the file of a project makes of it.
type Kind = fn(PathBuf) -> Source;

/// The files that make a folder a project, and of what kind.
const FILES: [(&str, Kind); 4] = [
    ("map.toml", Source::Table),
    ("Cargo.toml", Source::Rust),
    ("package.json", Source::TypeScript),
    ("pyproject.toml", Source::Python),
];

impl Project {
    /// Finds out what a path is. A folder is a project when it holds a `map.toml`, `Cargo.toml`, `package.json` or
    /// `pyproject.toml`. The fixtures of `prices.toml` or `prices.wasm` are in `fixtures/prices/` where there is such a
    /// folder, otherwise in `fixtures/`.
    ///
    /// # Errors
    /// [`BuildError::NoProject`] when it is none of these.
    pub fn find(path: &Path) -> Result<Self, BuildError> {
        let none = |reason: &str| BuildError::NoProject { path: path.to_owned(), reason: reason.to_owned() };
        if path.is_dir() {
            let mut found = FILES.into_iter().filter(|(name, _)| path.join(name).is_file());
            let source = match (found.next(), found.next()) {
                (Some((name, source)), None) => source(path.join(name)),
                (Some((first, _)), Some((second, _))) => {
                    return Err(none(&format!("it holds a {first} and a {second}: name the one you mean")));
                }
                (None, _) => {
                    return Err(none("it holds no map.toml, Cargo.toml, package.json or pyproject.toml"));
                }
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
        let name = path.file_name().unwrap_or_default();
        if let Some((_, source)) = FILES.into_iter().find(|(known, _)| name == *known) {
            return Ok(Self { source: source(path.to_owned()), fixtures });
        }
        let source = match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Source::Table(path.to_owned()),
            Some("wasm") => Source::Component(path.to_owned()),
            _ => return Err(none("a map is a map file (.toml), a component (.wasm) or a project's folder")),
        };
        Ok(Self { source, fixtures })
    }

    /// The file that the component is made from.
    pub fn path(&self) -> &Path {
        match &self.source {
            Source::Table(path)
            | Source::Rust(path)
            | Source::TypeScript(path)
            | Source::Python(path)
            | Source::Component(path) => path,
        }
    }

    /// Where the component is written unless something else is said: beside the map file, or named for the folder in the
    /// project's folder.
    pub fn output(&self) -> PathBuf {
        match &self.source {
            Source::Table(path) | Source::Component(path) => path.with_extension("wasm"),
            Source::Rust(path) | Source::TypeScript(path) | Source::Python(path) => {
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
            Source::Rust(manifest) => build_guest(manifest, options).map(Built::from),
            Source::TypeScript(manifest) => build_typescript(manifest, options).map(Built::from),
            Source::Python(manifest) => build_python(manifest, options).map(Built::from),
            Source::Component(path) => {
                let bytes = fs::read(path).map_err(|error| BuildError::file("read", path, error))?;
                Ok(Built { bytes, map: None, toolchain: None })
            }
        }
    }
}

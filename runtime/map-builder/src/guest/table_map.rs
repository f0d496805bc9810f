//! The `table-map` guest: given, from the cache, or built.

use std::fs;
use std::path::{Path, PathBuf};

use dualwright_table_map::encode::FORMAT;

use super::rust::{PROFILE, build_module};
use super::sources;
use super::toolchain::Toolchain;
use crate::error::BuildError;
use crate::options::BuildOptions;

/// What the guest is made of, below the repository.
const SOURCES: [&str; 7] = [
    "plugins/table-map/src",
    "plugins/table-map/build.rs",
    "plugins/table-map/Cargo.toml",
    "plugins/sdk/src",
    "plugins/sdk/wit",
    "plugins/sdk/Cargo.toml",
    "Cargo.lock",
];

/// The compiled `table-map` guest: a core module, not yet a component.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The module.
    pub module: Vec<u8>,
    /// Where it comes from, to print: the tool chain that built it, or a file.
    pub toolchain: String,
}

impl Guest {
    /// The guest that the options name; else the one of these sources, from the cache or built now; else, away from
    /// the sources, the last one that was built for this release.
    ///
    /// # Errors
    /// When there is none and none can be built.
    pub fn obtain(options: &BuildOptions) -> Result<Self, BuildError> {
        if let Some(path) = &options.table_map_guest {
            let module = read(path)?;
            return Ok(Self { module, toolchain: format!("as given, {}", path.display()) });
        }
        let folder = options.cache.join("guests");
        let Some(repository) = &options.repository else {
            let path = folder.join(release_name());
            if !path.is_file() {
                return Err(BuildError::NoGuest { cache: folder });
            }
            return Ok(Self {
                module: read(&path)?,
                toolchain: format!("from the cache, {}", path.display()),
            });
        };
        let toolchain = Toolchain::find(options)?;
        let cached = || {
            let how = format!("{} {PROFILE:?}", toolchain.description);
            let digest = sources::digest(repository, &SOURCES, &how)?;
            Ok::<PathBuf, BuildError>(folder.join(format!("table-map-{digest}.wasm")))
        };
        let module = match fs::read(cached()?) {
            Ok(module) => module,
            Err(_) => {
                let module =
                    build_module(&repository.join("plugins/table-map/Cargo.toml"), &toolchain, options)?;
                // Asked again: cargo may have brought the lock file up to date.
                keep(&cached()?, &module)?;
                keep(&folder.join(release_name()), &module)?;
                module
            }
        };
        Ok(Self { module, toolchain: toolchain.description })
    }
}

/// The name under which the newest guest of a release is found again.
fn release_name() -> String {
    format!("table-map-{}-format-{FORMAT}.wasm", env!("CARGO_PKG_VERSION"))
}

fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|error| BuildError::file("read", path, error))
}

/// Writes beside the place and renames, so that nobody ever reads half a file.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let failed = |error| BuildError::file("write", path, error);
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_else(|| PathBuf::from("."));
    fs::create_dir_all(&folder).map_err(failed)?;
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    fs::write(&beside, bytes).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}

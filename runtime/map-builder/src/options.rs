//! How builds are done.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::guest::Toolchain;

/// Hears one line about each step that takes a while.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&str) + Send + Sync>);

/// How builds are done.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Where built guests are kept.
    pub cache: PathBuf,
    /// A built `table-map` guest (a core module) to use instead of building one.
    pub table_map_guest: Option<PathBuf>,
    /// Whether a missing tool chain may be installed: `rustup target add`, or as root `apt-get install`.
    pub install: bool,
    /// Where the sources are; found by itself when left out.
    pub repository: Option<PathBuf>,
    /// Hears about long steps.
    pub progress: Progress,
    /// What was found out on the way; clones share it.
    pub known: Known,
}

/// What does not change while a program runs, found out once.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub(crate) toolchain: Arc<OnceLock<Toolchain>>,
}

impl Progress {
    /// Calls `hear` with each line.
    pub fn new(hear: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// One line.
    pub fn say(&self, line: &str) {
        (self.0)(line);
    }
}

impl Default for Progress {
    /// Lines go to the log.
    fn default() -> Self {
        Self::new(|line| tracing::info!(target: "dualwright::build", "{line}"))
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Progress")
    }
}

impl Default for BuildOptions {
    /// From the environment: `DUALWRIGHT_CACHE` (else the user's cache folder, else `target/guests/cache` in the
    /// repository), `DUALWRIGHT_TABLE_MAP_GUEST`, and `DUALWRIGHT_NO_INSTALL` to never install anything.
    fn default() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let repository = find_repository();
        let cache = set("DUALWRIGHT_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("dualwright")))
            .or_else(|| set("HOME").map(|folder| folder.join(".cache/dualwright")))
            .or_else(|| repository.as_deref().map(|folder| folder.join("target/guests/cache")))
            .unwrap_or_else(|| env::temp_dir().join("dualwright"));
        Self {
            cache,
            table_map_guest: set("DUALWRIGHT_TABLE_MAP_GUEST"),
            install: set("DUALWRIGHT_NO_INSTALL").is_none(),
            repository,
            progress: Progress::default(),
            known: Known::default(),
        }
    }
}

/// The repository around the working folder, the program, or the place where this crate was compiled.
fn find_repository() -> Option<PathBuf> {
    let working = env::current_dir().ok();
    let program = env::current_exe().ok();
    let compiled = Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    [working, program, compiled].into_iter().flatten().find_map(|start| repository_around(&start))
}

/// The nearest folder at or above `start` that holds the guest's sources.
pub(crate) fn repository_around(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|folder| {
            folder.join("plugins/table-map/Cargo.toml").is_file() && folder.join("Cargo.lock").is_file()
        })
        .map(Path::to_path_buf)
}

//! Why a map was not built.

use std::fmt;
use std::path::PathBuf;

use dualwright_diagnostics::Class;

/// A map or guest that could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A file could not be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// `read`, `write`, `list`.
        action: &'static str,
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The map file is wrong.
    #[error("{}", problem_count(.problems))]
    Map {
        /// What is wrong, in the order of the file.
        problems: Vec<MapProblem>,
    },
    /// Nothing on this machine can compile Rust to WebAssembly.
    #[error("no Rust tool chain for WebAssembly: {reason}\n  run: {command}")]
    NoToolchain {
        /// What was looked for and tried.
        reason: String,
        /// The one command that helps.
        command: String,
    },
    /// A language's own programs are not on this machine.
    #[error("maps in {language} cannot be built here: {reason}\n  run: {command}")]
    NoLanguage {
        /// The language.
        language: &'static str,
        /// What is missing.
        reason: String,
        /// What helps.
        command: String,
    },
    /// A language's tools could not be fetched.
    #[error(
        "cannot fetch {what}{}:\n{output}",
        if *.offline { ": no registry can be reached; try again with a network, later builds need none" } else { "" }
    )]
    Install {
        /// Which tools.
        what: &'static str,
        /// Whether nobody could be reached.
        offline: bool,
        /// What the installer printed.
        output: String,
    },
    /// The sources of the `table-map` guest are not here, and neither is a built one.
    #[error(
        "the table-map guest is neither in the cache ({cache}) nor can it be built here\n  run `dualwright map build` \
         once inside the repository, or set DUALWRIGHT_TABLE_MAP_GUEST to a built guest"
    )]
    NoGuest {
        /// The cache that was looked in.
        cache: PathBuf,
    },
    /// There is no map where one was looked for.
    #[error("there is no map at {path}: {reason}")]
    NoProject {
        /// What was pointed at.
        path: PathBuf,
        /// Why that is none.
        reason: String,
    },
    /// The compiler refused a guest.
    #[error("{toolchain} could not build {what}:\n{output}")]
    Compile {
        /// The tool chain used.
        toolchain: String,
        /// The crate.
        what: String,
        /// The end of what the compiler printed.
        output: String,
    },
    /// A guest module is not what it should be.
    #[error("{what} is not a usable guest: {reason}")]
    Guest {
        /// Which module.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// One thing wrong with a map file, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapProblem {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The line with carets under the place.
    pub excerpt: String,
}

impl fmt::Display for MapProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.message)?;
        writeln!(formatter, "  --> {}:{}:{}", self.path.display(), self.line, self.column)?;
        write!(formatter, "{}", self.excerpt)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\n  help: {hint}"),
            None => Ok(()),
        }
    }
}

impl BuildError {
    /// What a reader may do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Map { .. } | Self::NoProject { .. } => Class::Config,
            Self::Compile { .. } | Self::Guest { .. } => Class::Guest,
            Self::File { .. }
            | Self::NoToolchain { .. }
            | Self::NoLanguage { .. }
            | Self::Install { .. }
            | Self::NoGuest { .. } => Class::Host,
        }
    }

    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }

    pub(crate) fn guest(what: &str, reason: impl fmt::Display) -> Self {
        Self::Guest { what: what.to_owned(), reason: reason.to_string() }
    }
}

fn problem_count(problems: &[MapProblem]) -> String {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    texts.join("\n\n")
}

//! Finds a Rust tool chain that compiles for WebAssembly, or gets one.
//!
//! Cheap things first: what is installed is used before anything is downloaded. `-Zbuild-std` with Debian's packages
//! is the way where no target can be downloaded: they bring the standard library's source with its dependencies.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::BuildError;
use crate::options::BuildOptions;

/// The target of every Rust guest: no WASI, hence no imports.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The Debian packages, in the order of the command that installs them.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// Where they put the compiler, and the standard library's source.
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";
/// The oldest compiler that builds this edition of the guests.
const OLDEST_MINOR: u32 = 95;

/// Which of the ways was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolchainKind {
    /// `rustc` has the target installed.
    Target,
    /// Debian's packages build the standard library from source.
    BuildStd,
}

/// A tool chain that compiles for WebAssembly.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// Which way.
    pub kind: ToolchainKind,
    /// What to print: `rustc 1.95.0 (59807616e 2026-04-14), target wasm32-unknown-unknown`.
    pub description: String,
    cargo: PathBuf,
    environment: Vec<(String, OsString)>,
    removed: Vec<&'static str>,
    arguments: Vec<String>,
}

impl Toolchain {
    /// The first that works: the installed target; Debian's packages where they are installed; `rustup target add`;
    /// installing Debian's packages as root. The last two only where `options` allow installing.
    ///
    /// # Errors
    /// When there is none, with the one command that helps on this machine.
    pub fn find(options: &BuildOptions) -> Result<Self, BuildError> {
        if let Some(known) = options.known.toolchain.get() {
            return Ok(known.clone());
        }
        let found = Self::search(options)?;
        Ok(options.known.toolchain.get_or_init(|| found).clone())
    }

    fn search(options: &BuildOptions) -> Result<Self, BuildError> {
        if let Some(found) = Self::with_target().or_else(Self::debian) {
            return Ok(found);
        }
        let rustup = version_of("rustup").is_some();
        let debian = Path::new("/usr/bin/apt-get").exists();
        let mut tried =
            vec![format!("rustc has no {TARGET} target"), "Debian's rustc-web is not there".to_owned()];
        if options.install && rustup {
            options.progress.say(&format!("adding the {TARGET} target with rustup"));
            match run("rustup", &["target", "add", TARGET]) {
                Ok(()) => match Self::with_target() {
                    Some(found) => return Ok(found),
                    None => tried.push("rustup added the target to another tool chain".to_owned()),
                },
                Err(reason) => tried.push(format!("rustup target add failed: {reason}")),
            }
        }
        if options.install && debian && is_root() {
            options.progress.say(&format!("installing {} with apt-get", DEBIAN_PACKAGES.join(" ")));
            match apt_install() {
                Ok(()) => match Self::debian() {
                    Some(found) => return Ok(found),
                    None => {
                        tried.push("Debian's packages are too old, or have no linker beside them".to_owned())
                    }
                },
                Err(reason) => tried.push(format!("apt-get failed: {reason}")),
            }
        }
        let command = if debian && !rustup {
            format!("sudo apt-get install --no-install-recommends {} lld", DEBIAN_PACKAGES.join(" "))
        } else {
            format!("rustup target add {TARGET}")
        };
        Err(BuildError::NoToolchain { reason: tried.join("; "), command })
    }

    /// The `rustc` on the path, when it has the target.
    pub fn with_target() -> Option<Self> {
        let root = PathBuf::from(output("rustc", &["--print", "sysroot"])?);
        if !root.join("lib/rustlib").join(TARGET).join("lib").is_dir() {
            return None;
        }
        let version = new_enough(output("rustc", &["--version"])?)?;
        Some(Self {
            kind: ToolchainKind::Target,
            description: format!("{version}, target {TARGET}"),
            cargo: PathBuf::from("cargo"),
            environment: Vec::new(),
            removed: Vec::new(),
            arguments: Vec::new(),
        })
    }

    /// Debian's `rustc-web` and `cargo-web`, when they are installed with the library's source and some `lld`.
    pub fn debian() -> Option<Self> {
        if ![DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_LIBRARY].iter().all(|path| Path::new(path).is_file()) {
            return None;
        }
        let version = new_enough(output(DEBIAN_RUSTC, &["--version"])?)?;
        let linker = linker()?;
        let mut path = OsString::from("/usr/bin:");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        Some(Self {
            kind: ToolchainKind::BuildStd,
            description: format!("Debian's {version}, standard library from source"),
            cargo: PathBuf::from(DEBIAN_CARGO),
            environment: vec![
                // -Zbuild-std is not stable; Debian's compiler is, and this lets it.
                ("RUSTC_BOOTSTRAP".to_owned(), "1".into()),
                ("RUSTC".to_owned(), DEBIAN_RUSTC.into()),
                ("PATH".to_owned(), path),
                ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER".to_owned(), linker.into()),
            ],
            // Set by rustup and by `cargo run` for the tool chain that is not used here.
            removed: vec!["RUSTUP_TOOLCHAIN", "RUSTDOC", "LD_LIBRARY_PATH"],
            arguments: vec!["-Zbuild-std=std,panic_abort".to_owned()],
        })
    }

    /// `cargo build` or `cargo rustc` for the target, in a clean environment.
    pub(crate) fn cargo(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.cargo);
        for name in INHERITED.iter().chain(&self.removed) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args([verb, "--release", "--target", TARGET]).args(&self.arguments);
        command
    }
}

/// What an outer cargo may have set, and what would make another module of the same sources.
const INHERITED: [&str; 10] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_MANIFEST_DIR",
];

/// An `lld` for WebAssembly: rustup's tool chains have one inside, Debian's has not.
fn linker() -> Option<PathBuf> {
    let inside = |rustc: &str| {
        let root = PathBuf::from(output(rustc, &["--print", "sysroot"])?);
        let targets = std::fs::read_dir(root.join("lib/rustlib")).ok()?;
        targets.flatten().map(|target| target.path().join("bin/rust-lld")).find(|path| path.is_file())
    };
    let on_path = |name: &str| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
    };
    inside("rustc").or_else(|| ["rust-lld", "wasm-ld"].into_iter().find_map(on_path))
}

/// The version line, when the compiler is new enough for the guests.
fn new_enough(version: String) -> Option<String> {
    let number = version.split(' ').nth(1)?;
    let mut parts = number.split('.');
    let (major, minor): (u32, u32) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (major > 1 || minor >= OLDEST_MINOR).then_some(version)
}

fn apt_install() -> Result<(), String> {
    run("apt-get", &["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(DEBIAN_PACKAGES);
    if linker().is_none() {
        arguments.push("lld");
    }
    run("apt-get", &arguments)
}

fn is_root() -> bool {
    output("id", &["-u"]).is_some_and(|id| id == "0")
}

fn version_of(program: &str) -> Option<String> {
    output(program, &["--version"])
}

/// What a program prints, when it succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(text.trim().lines().next_back().unwrap_or("no reason given").to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Toolchain, ToolchainKind, new_enough};

    #[test]
    fn old_compilers_are_passed_over() {
        for (line, enough) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", true),
            ("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)", true),
            ("rustc 2.0.0", true),
            ("rustc 1.94.9 (000000000 2026-02-01)", false),
            ("rustc 1.63.0", false),
            ("rustc", false),
            ("rustc one.two", false),
        ] {
            assert_eq!(new_enough(line.to_owned()).is_some(), enough, "{line}");
        }
    }

    #[test]
    fn a_tool_chain_that_is_found_says_what_it_is() {
        for (found, kind) in [
            (Toolchain::with_target(), ToolchainKind::Target),
            (Toolchain::debian(), ToolchainKind::BuildStd),
        ] {
            match found {
                Some(toolchain) => {
                    assert_eq!(toolchain.kind, kind);
                    assert!(toolchain.description.contains("rustc 1."), "{}", toolchain.description);
                }
                None => eprintln!("skipped: {kind:?} is not on this machine"),
            }
        }
    }
}

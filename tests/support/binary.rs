//! Where the command is. Cargo tells only the tests of its own package.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, ensure};

/// The built command: the one that `DUALWRIGHT_BINARY` names, otherwise that of this profile, built if it is not fresh.
pub(crate) fn binary() -> anyhow::Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(path) = built.as_ref() {
        return Ok(path.clone());
    }
    let path = match std::env::var_os("DUALWRIGHT_BINARY") {
        Some(path) => PathBuf::from(path),
        None => build()?,
    };
    ensure!(path.is_file(), "there is no command at {}", path.display());
    *built = Some(path.clone());
    Ok(path)
}

/// The command, to be given arguments and run.
///
/// # Errors
/// When it cannot be built.
pub fn command() -> anyhow::Result<Command> {
    binary().map(Command::new)
}

fn build() -> anyhow::Result<PathBuf> {
    // A test lies in <target>/<profile>/deps.
    let this = std::env::current_exe()?;
    let profile = this.ancestors().nth(2).context("the test lies outside of a target folder")?;
    let target = profile.parent().context("the test lies outside of a target folder")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "-p", "dualwright", "--bin", "dualwright", "--target-dir"]).arg(target);
    if profile.file_name().is_some_and(|name| name == "release") {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(crate::repository()).status().context("cargo cannot be started")?;
    ensure!(status.success(), "the command cannot be built");
    Ok(profile.join(format!("dualwright{}", std::env::consts::EXE_SUFFIX)))
}

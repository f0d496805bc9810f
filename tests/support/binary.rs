//! Where the command is. Cargo tells only the tests of its own package.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, ensure};

/// The built command: the one that `DUALWRIGHT_BINARY` names, otherwise that of this profile, built if it is not fresh; and
/// the guest that its maps need, so that nobody waits for a compiler with a deadline.
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
    build_guest(&path)?;
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

/// Builds any map: the guest is the same for all, and is kept for later.
fn build_guest(command: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let map = crate::repository().join("plugins/catalogue/company/legal-entities-companies.toml");
    let mut command = Command::new(command);
    command.args(["map", "build"]).arg(map).arg("-o").arg(folder.path().join("map.wasm"));
    let output = command.output().context("the command cannot be started")?;
    ensure!(output.status.success(), "no map can be built: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn build() -> anyhow::Result<PathBuf> {
    // A test lies in <target>/<profile>/deps.
    let this = std::env::current_exe()?;
    let profile = this.ancestors().nth(2).context("the test lies outside of a target folder")?;
    let target = profile.parent().context("the test lies outside of a target folder")?;
    let command = profile.join(format!("dualwright{}", std::env::consts::EXE_SUFFIX));
    if is_fresh(&command).unwrap_or(false) {
        return Ok(command);
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "-p", "dualwright", "--bin", "dualwright", "--target-dir"]).arg(target);
    if profile.file_name().is_some_and(|name| name == "release") {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(crate::repository()).status().context("cargo cannot be started")?;
    ensure!(status.success(), "the command cannot be built");
    Ok(command)
}

/// Whether the command is younger than all it is made of, as cargo listed that beside it. A test of the whole workspace has
/// just built it; asked for the command alone, cargo would build most of it again, for other features of its dependencies.
fn is_fresh(command: &Path) -> anyhow::Result<bool> {
    let list = std::fs::read_to_string(command.with_extension("d"))?;
    let (_, list) = list.split_once(": ").context("no list of sources")?;
    // Spaces within a path are escaped.
    let list = list.trim_end().replace("\\ ", "\0");
    let sources = list.split(' ').map(|path| PathBuf::from(path.replace('\0', " ")));
    let manifests = ["Cargo.toml", "Cargo.lock"].map(|name| crate::repository().join(name));
    let built = command.metadata()?.modified()?;
    for source in sources.chain(manifests) {
        if source.metadata()?.modified()? >= built {
            return Ok(false);
        }
    }
    Ok(true)
}

//! Getting the programs from their registries: the versions and digests of the lock files beside this, into the target
//! folder, once. Whatever is absent (a tool, a registry) is told, and what needs it is left out.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::sync::OnceCell;

/// A registry that has not given everything by then is as good as absent.
const PATIENCE: Duration = Duration::from_secs(300);

/// An interpreter, and the folder with the packages.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    pub(crate) interpreter: PathBuf,
    pub(crate) packages: PathBuf,
}

/// The folder of this test.
pub(crate) fn folder() -> PathBuf {
    support::repository().join("tests/clients")
}

/// Python with the packages of `python/requirements.txt`; otherwise why not.
pub(crate) async fn python() -> Result<Installed, String> {
    static INSTALLED: OnceCell<Result<Installed, String>> = OnceCell::const_new();
    INSTALLED.get_or_init(install_python).await.clone()
}

/// Node.js with the packages of `node/package-lock.json`; otherwise why not.
pub(crate) async fn node() -> Result<Installed, String> {
    static INSTALLED: OnceCell<Result<Installed, String>> = OnceCell::const_new();
    INSTALLED.get_or_init(install_node).await.clone()
}

/// Says that something is left out; where everything is wanted (`CLIENTS_REQUIRED=1`) that is a failure.
#[track_caller]
pub(crate) fn skipped(what: &str, why: &str) {
    assert!(std::env::var_os("CLIENTS_REQUIRED").is_none(), "{what}: {why}");
    eprintln!("skipped: {what}: {why}");
}

async fn install_python() -> Result<Installed, String> {
    let interpreter = find_python().await.ok_or("no Python 3.13 or newer with pip is installed")?;
    let lock = folder().join("python/requirements.txt");
    let packages = kept("python", &[&lock], async |target| {
        let mut pip = Command::new(&interpreter);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
        pip.args(["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile"]);
        pip.args(["--retries=1", "--timeout=20", "--target"]).arg(target).arg("-r").arg(&lock);
        pip
    })
    .await?;
    Ok(Installed { interpreter, packages })
}

async fn find_python() -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> =
        ["python3.14", "python3.13", "python3", "python"].map(PathBuf::from).into();
    let versions = std::env::home_dir().map(|home| home.join(".pyenv/versions"));
    let versions = versions.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    candidates.extend(versions.map(|version| version.path().join("bin/python3")));
    for candidate in candidates {
        let mut probe = Command::new(&candidate);
        probe.args(["-c", "import pip, sys; sys.exit(sys.version_info < (3, 13))"]);
        if probe.stdin(Stdio::null()).output().await.is_ok_and(|output| output.status.success()) {
            return Some(candidate);
        }
    }
    None
}

async fn install_node() -> Result<Installed, String> {
    let mut probe = Command::new("node");
    probe.args(["-e", "process.exit(process.versions.node.split('.')[0] < 20 ? 1 : 0)"]).stdin(Stdio::null());
    if !probe.output().await.is_ok_and(|output| output.status.success()) {
        return Err("no Node.js 20 or newer is installed".to_owned());
    }
    let (manifest, lock) = (folder().join("node/package.json"), folder().join("node/package-lock.json"));
    let packages = kept("node", &[&manifest, &lock], async |target| {
        for file in [&manifest, &lock] {
            let _ = std::fs::copy(file, target.join(file.file_name().unwrap_or_default()));
        }
        let mut npm = Command::new("npm");
        // No script of a package is run: nothing is compiled, nothing else is fetched.
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        npm.args(["--fetch-retries=1", "--fetch-timeout=20000"]).current_dir(target);
        npm
    })
    .await?;
    Ok(Installed { interpreter: PathBuf::from("node"), packages })
}

/// The folder of what these lock files name, filled when it is not there yet.
async fn kept(
    name: &str,
    locks: &[&Path],
    command: impl AsyncFnOnce(&Path) -> Command,
) -> Result<PathBuf, String> {
    let mut digest = Sha256::new();
    for lock in locks {
        digest.update(std::fs::read(lock).map_err(|error| format!("{}: {error}", lock.display()))?);
    }
    let digest: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let finished = target.join(format!("{name}-{digest}"));
    if finished.is_dir() {
        return Ok(finished);
    }
    let failed = |error: std::io::Error| format!("{}: {error}", target.display());
    std::fs::create_dir_all(&target).map_err(failed)?;
    // Filled beside its place: what is in its place is whole.
    let filling = tempfile::tempdir_in(&target).map_err(failed)?;
    let mut command = command(filling.path()).await;
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.map_err(|_| format!("the registry did not give everything in {PATIENCE:?}"))?;
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("not installed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    match std::fs::rename(filling.path(), &finished) {
        Ok(()) => drop(filling.keep()),
        // Another test was quicker.
        Err(_) if finished.is_dir() => {}
        Err(error) => return Err(failed(error)),
    }
    Ok(finished)
}

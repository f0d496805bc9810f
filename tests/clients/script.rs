//! Running a script, which prints a line of JSON for each operation that it tried.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use support::SecurePair;
use tokio::process::Command;

use crate::install::{Installed, folder};

const PATIENCE: Duration = Duration::from_secs(240);

/// What became of one operation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Works,
    /// The emulator answered 501 and named what it does not support.
    Refused,
    Fails,
}

/// One operation of one client with one system.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Proof {
    pub(crate) client: String,
    pub(crate) system: String,
    pub(crate) operation: String,
    pub(crate) outcome: Outcome,
    pub(crate) detail: String,
}

/// Runs a script of `python/`.
pub(crate) async fn python(installed: &Installed, script: &str, pair: &SecurePair) -> Vec<Proof> {
    let mut command = Command::new(&installed.interpreter);
    command.arg(folder().join("python").join(script));
    command
        .env("PYTHONPATH", &installed.packages)
        .env("PYTHONPYCACHEPREFIX", installed.packages.join("compiled"));
    proofs(script, command, pair).await
}

/// Runs a script of `node/`: a copy of it, beside the packages.
pub(crate) async fn node(installed: &Installed, script: &str, pair: &SecurePair) -> Vec<Proof> {
    let copies = copy(&folder().join("node"), &installed.packages);
    let mut command = Command::new(&installed.interpreter);
    command.arg(script).current_dir(copies.path());
    proofs(script, command, pair).await
}

/// Copies the scripts of a folder to where Node.js finds the packages.
pub(crate) fn copy(from: &Path, packages: &Path) -> tempfile::TempDir {
    let copies = tempfile::tempdir_in(packages).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copies.path().join(path.file_name().unwrap())).unwrap();
    }
    copies
}

async fn proofs(script: &str, mut command: Command, pair: &SecurePair) -> Vec<Proof> {
    command.env("FINOPS_URL", pair.finops()).env("DATAVERSE_URL", pair.dataverse());
    for variable in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        command.env(variable, pair.authority());
    }
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{script} takes more than {PATIENCE:?}")).unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Libraries print of their own accord: what is no line of a proof is theirs.
    let proofs: Vec<Proof> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(output.status.success() && !proofs.is_empty(), "{script} ended early:\n{said}\n{errors}");
    if proofs.iter().any(|proof| proof.outcome == Outcome::Fails) {
        eprintln!("{script} said:\n{errors}");
    }
    proofs
}

//! Both emulators over https, as programs that others wrote want them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::binary;
use crate::process::Process;

/// A local F&O and a local Dataverse over https in one process, on files that go when this goes.
pub struct SecurePair {
    finops: String,
    dataverse: String,
    authority: PathBuf,
    _process: Process,
    _folder: TempDir,
}

impl SecurePair {
    /// Starts both on a loopback address.
    ///
    /// # Errors
    /// When the command cannot be built or started.
    pub fn start(address: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(binary()?);
        command.args(["emulate", "--json", "--https", "--finops-port=0", "--dataverse-port=0", "--address"]);
        command.arg(address).arg("--data").arg(folder.path());
        let process = Process::start(&mut command, &folder.path().join("emulators.log"))?;
        let document = process.document()?;
        let text = |pointer: &str| {
            let found = document.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            found.with_context(|| format!("no {pointer} in {document}"))
        };
        Ok(Self {
            finops: text("/finops/url")?,
            dataverse: text("/dataverse/url")?,
            authority: text("/certificate_authority")?.into(),
            _process: process,
            _folder: folder,
        })
    }

    /// The address of F&O.
    pub fn finops(&self) -> &str {
        &self.finops
    }

    /// The address of Dataverse.
    pub fn dataverse(&self) -> &str {
        &self.dataverse
    }

    /// What a client must trust, in PEM.
    pub fn authority(&self) -> &Path {
        &self.authority
    }
}

//! Where components come from while the runtime runs, and whose are let in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dualwright_plugin_host::registry::{PublicKey, Trust};
use serde::Deserialize;

use super::duration;
use crate::Failure;

/// Components that come while the runtime runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Plugins {
    /// A folder whose components are installed as they appear; made when absent. They do not go live by that.
    pub watch: Option<PathBuf>,
    /// For so long the bytes of a file in that folder must not have changed.
    #[serde(deserialize_with = "duration::required")]
    pub settle: Duration,
    /// The files of public keys whose signatures are accepted.
    pub trusted_keys: Vec<PathBuf>,
    /// Whether a component without a signature by one of them is refused.
    pub require_signatures: bool,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            watch: None,
            settle: Duration::from_secs(2),
            trusted_keys: Vec::new(),
            require_signatures: false,
        }
    }
}

impl Plugins {
    /// Reads the keys. `folder` is the one that relative paths start from.
    ///
    /// # Errors
    /// When one of them cannot be read or is no key.
    pub fn trust(&self, folder: &Path) -> Result<Trust, Failure> {
        let keys = self.trusted_keys.iter().map(|file| key(&folder.join(file))).collect::<Result<_, _>>()?;
        Ok(Trust { keys, required: self.require_signatures })
    }

    /// What is wrong with these settings together.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.require_signatures && self.trusted_keys.is_empty() {
            return Err("plugins.require-signatures is set, and no plugins.trusted-keys: nothing could ever be installed; \
                        make a key with `dualwright plugin keygen KEY.pem` and list KEY.pub"
                .to_owned());
        }
        Ok(())
    }
}

fn key(file: &Path) -> Result<PublicKey, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage("cannot read a trusted key").at(file.display()).because(error).hint(
            "plugins.trusted-keys names files of public keys, as `dualwright plugin keygen` writes them",
        )
    })?;
    // What the history calls it: not the whole path, which changes from machine to machine.
    let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    PublicKey::parse(&name, &text)
        .map_err(|error| Failure::usage("a trusted key cannot be used").at(file.display()).because(error))
}

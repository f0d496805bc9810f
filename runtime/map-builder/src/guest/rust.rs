//! Builds Rust guest crates into core modules.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use super::toolchain::Toolchain;
use crate::compose;
use crate::error::BuildError;
use crate::options::{BuildOptions, repository_around};

/// How guests are optimised, whatever the profile of the workspace they are in. See [`compose`] for the measurements.
const PROFILE: [(&str, &str); 7] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_LTO", "true"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "false"),
];

/// How much of a failed compiler's output an error keeps, from its end.
const OUTPUT_KEPT: usize = 8_000;

/// A guest built from a crate.
#[derive(Clone, Debug)]
pub struct BuiltGuest {
    /// The component.
    pub bytes: Vec<u8>,
    /// What built it.
    pub toolchain: String,
}

/// Builds the guest crate whose `Cargo.toml` is at `manifest`, and makes a component of it.
///
/// # Errors
/// When there is no tool chain, the crate does not compile, or its module keeps no contract.
pub fn build_guest(manifest: &Path, options: &BuildOptions) -> Result<BuiltGuest, BuildError> {
    let toolchain = Toolchain::find(options)?;
    let module = build_module(manifest, &toolchain, options)?;
    Ok(BuiltGuest { bytes: compose::component(&module)?, toolchain: toolchain.description })
}

/// Builds the guest crate into a core module.
pub(crate) fn build_module(
    manifest: &Path,
    toolchain: &Toolchain,
    options: &BuildOptions,
) -> Result<Vec<u8>, BuildError> {
    let manifest =
        std::fs::canonicalize(manifest).map_err(|error| BuildError::file("read", manifest, error))?;
    let folder = manifest.parent().unwrap_or(Path::new("/"));
    let what = folder.display().to_string();
    options.progress.say(&format!("building {what} with {}", toolchain.description));
    // Never the workspace's own target folder: its lock may be held by the very cargo that runs this.
    let root = options.repository.clone().or_else(|| repository_around(folder));
    let target = root.as_deref().unwrap_or(folder).join("target/guests");
    let output = toolchain
        .cargo_build()
        .args(["--lib", "--quiet", "--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        .envs(PROFILE)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| BuildError::file("run", "cargo", error))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(BuildError::Compile {
            toolchain: toolchain.description.clone(),
            what,
            output: text
                .get(text.floor_char_boundary(text.len().saturating_sub(OUTPUT_KEPT))..)
                .unwrap_or_default()
                .to_owned(),
        });
    }
    let module = artifact(&String::from_utf8_lossy(&output.stdout), &manifest)
        .ok_or_else(|| BuildError::guest(&what, "it made no module: give it `crate-type = [\"cdylib\"]`"))?;
    std::fs::read(&module).map_err(|error| BuildError::file("read", module, error))
}

/// The part of cargo's messages that says which files a package made.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

fn artifact(messages: &str, manifest: &Path) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact" && message.manifest_path == manifest)
        .flat_map(|message| message.filenames)
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::artifact;

    #[test]
    fn the_module_of_the_crate_itself_is_found_among_messages() {
        let messages = r#"not json
{"reason":"build-script-executed","package_id":"x"}
{"reason":"compiler-artifact","manifest_path":"/other/Cargo.toml","filenames":["/t/other.wasm"]}
{"reason":"compiler-artifact","manifest_path":"/map/Cargo.toml","filenames":["/t/libmap.rlib","/t/map.wasm"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            artifact(messages, Path::new("/map/Cargo.toml")).as_deref(),
            Some(Path::new("/t/map.wasm"))
        );
        assert_eq!(artifact(messages, Path::new("/none/Cargo.toml")), None);
    }
}

//! Builds Rust guest crates into core modules.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use super::toolchain::{TARGET, Toolchain};
use crate::compose;
use crate::error::BuildError;
use crate::options::{BuildOptions, repository_around};

/// How guests are optimised, whatever the profile of the workspace they are in. See [`compose`] for the measurements.
/// Functions keep their names, for traps and profiles.
pub(super) const PROFILE: [(&str, &str); 7] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_LTO", "true"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
    ("CARGO_PROFILE_RELEASE_STRIP", "debuginfo"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "false"),
];

/// Authors' guests also keep which function and line each instruction comes from, so that a trap can say it: 130 to 300 kB,
/// most of them of the standard library. The guest of table maps is none of its authors': it goes without.
const LINES: [(&str, &str); 2] =
    [("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"), ("CARGO_PROFILE_RELEASE_STRIP", "none")];

/// How a kind of guest is built.
struct Way {
    /// Below the root.
    folder: &'static str,
    verb: &'static str,
    arguments: &'static [&'static str],
    profile: &'static [(&'static str, &'static str)],
}

/// As nothing but a component: a crate that is also a library for its tests would not be optimised as a whole, and be five
/// times as large.
const AUTHORS: Way =
    Way { folder: "target/guests", verb: "rustc", arguments: &["--crate-type", "cdylib"], profile: &LINES };

/// In a folder of its own: a guest that uses that crate as a library leaves there, under the same name, a module without
/// exports.
const TABLE_MAP: Way = Way { folder: "target/guests/table-map", verb: "build", arguments: &[], profile: &[] };

/// What stands for the folder of a project in the paths that a guest carries.
const PROJECT: &str = "/map";

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
    let module = build(manifest, &toolchain, options, &AUTHORS)?;
    Ok(BuiltGuest { bytes: compose::component(&module)?, toolchain: toolchain.description })
}

/// Builds the guest of table maps into a core module.
pub(crate) fn build_module(
    manifest: &Path,
    toolchain: &Toolchain,
    options: &BuildOptions,
) -> Result<Vec<u8>, BuildError> {
    build(manifest, toolchain, options, &TABLE_MAP)
}

fn build(
    manifest: &Path,
    toolchain: &Toolchain,
    options: &BuildOptions,
    way: &Way,
) -> Result<Vec<u8>, BuildError> {
    let manifest =
        std::fs::canonicalize(manifest).map_err(|error| BuildError::file("read", manifest, error))?;
    let folder = manifest.parent().unwrap_or(Path::new("/"));
    let what = folder.display().to_string();
    options.progress.say(&format!("building {what} with {}", toolchain.description));
    // Never the workspace's own target folder: its lock may be held by the very cargo that runs this.
    let root = options.repository.clone().or_else(|| repository_around(folder));
    let root = root.as_deref().unwrap_or(folder);
    let target = root.join(way.folder);
    let output = toolchain
        .cargo(way.verb)
        .args(way.arguments)
        .args(["--lib", "--quiet", "--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        .arg("--config")
        .arg(without_private_paths(root))
        .envs(PROFILE)
        .envs(way.profile.iter().copied())
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

/// The setting that keeps this machine's folders out of what is built: a component travels, and whoever gets it need not
/// know who built it where. Of several that fit, the compiler takes the last.
fn without_private_paths(root: &Path) -> String {
    let home = std::env::home_dir();
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| home.as_ref().map(|home| home.join(".cargo")));
    let places = [(home, "~"), (cargo, "/cargo"), (Some(root.to_owned()), PROJECT)];
    let flags: Vec<toml::Value> = places
        .into_iter()
        .filter_map(|(place, name)| Some((place?.to_str()?.to_owned(), name)))
        .filter(|(place, _)| place.len() > 1)
        .map(|(place, name)| toml::Value::String(format!("--remap-path-prefix={place}={name}")))
        .collect();
    format!("target.{TARGET}.rustflags={}", toml::Value::Array(flags))
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

    use super::{artifact, without_private_paths};

    #[test]
    fn a_projects_folder_is_named_last() {
        let setting = without_private_paths(Path::new("/home/some \"body\"/credit"));
        assert!(setting.starts_with("target.wasm32-unknown-unknown.rustflags=["), "{setting}");
        let (_, flags) = setting.split_once('=').unwrap();
        let parsed: toml::Table = format!("flags = {flags}").parse().unwrap();
        let last = parsed["flags"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
        assert_eq!(last, "--remap-path-prefix=/home/some \"body\"/credit=/map");
    }

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

//! What cargo knows of the workspace and everything it is made of.

use std::collections::BTreeSet;
use std::process::Command;

use serde::Deserialize;

use crate::sources;

#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) license_file: Option<String>,
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for what is linked into the product.
    pub(crate) kind: Option<String>,
}

impl Metadata {
    /// Asks cargo, without the network: only what this machine builds, which is on it already.
    pub(crate) fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--offline", "--locked"])
            .args(["--filter-platform", &host()])
            .current_dir(sources::root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The packages of this house.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }
}

impl Package {
    /// Its folder from the root, such as `runtime/model`.
    pub(crate) fn folder(&self) -> String {
        let root = format!("{}/", sources::root().to_string_lossy().replace('\\', "/"));
        let path = self.manifest_path.replace('\\', "/");
        path.strip_prefix(&root).unwrap_or(&path).trim_end_matches("/Cargo.toml").to_owned()
    }

    /// The crates that are linked into the product.
    pub(crate) fn linked(&self) -> BTreeSet<&str> {
        let linked = self.dependencies.iter().filter(|dependency| dependency.kind.is_none());
        linked.map(|dependency| dependency.name.as_str()).collect()
    }
}

fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

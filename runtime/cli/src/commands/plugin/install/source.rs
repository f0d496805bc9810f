//! Where a person says that components are.

use std::path::{Path, PathBuf};

use dualwright_plugin_host::registry::signature_beside;
use reqwest::Url;

use super::download;
use crate::Failure;

/// What a person named.
pub(super) enum Source {
    File(PathBuf),
    Folder(PathBuf),
    Address(Url),
}

/// One component, not yet read.
pub(super) enum Component {
    File(PathBuf),
    Address(Url),
}

impl Source {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if matches!(scheme.as_deref(), Some("http" | "https")) {
            return download::address(text).map(Self::Address);
        }
        let path = PathBuf::from(text);
        Ok(if path.is_dir() { Self::Folder(path) } else { Self::File(path) })
    }

    pub(super) fn is_folder(&self) -> bool {
        matches!(self, Self::Folder(_))
    }

    /// The components that it stands for: of a folder every `.wasm`, in the order of names.
    pub(super) fn components(self) -> Result<Vec<Component>, Failure> {
        match self {
            Self::File(path) => Ok(vec![Component::File(path)]),
            Self::Address(address) => Ok(vec![Component::Address(address)]),
            Self::Folder(folder) => {
                let cannot =
                    |error| Failure::usage("cannot read the folder").at(folder.display()).because(error);
                let mut files = Vec::new();
                for entry in std::fs::read_dir(&folder).map_err(cannot)? {
                    let path = entry.map_err(cannot)?.path();
                    let component = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("wasm"));
                    if component && path.is_file() {
                        files.push(path);
                    }
                }
                if files.is_empty() {
                    return Err(Failure::usage("there is no component in the folder")
                        .at(folder.display())
                        .hint("a component is a file NAME.wasm, as `dualwright map build` makes it"));
                }
                files.sort();
                Ok(files.into_iter().map(Component::File).collect())
            }
        }
    }
}

impl Component {
    /// What messages and the history call it: no folders of this machine, and no secrets of an address.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => {
                path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            }
            Self::Address(address) => {
                let mut shown = address.clone();
                shown.set_query(None);
                shown.set_fragment(None);
                shown.to_string()
            }
        }
    }

    /// The component, and the signature beside it where there is one.
    pub(super) async fn read(&self, limit: u64) -> Result<(Vec<u8>, Option<Vec<u8>>), Failure> {
        match self {
            Self::Address(address) => download::component(address, limit).await,
            Self::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || read(&path, limit))
                    .await
                    .map_err(|error| Failure::runtime("the file was not read to its end").because(error))?
            }
        }
    }
}

fn read(path: &Path, limit: u64) -> Result<(Vec<u8>, Option<Vec<u8>>), Failure> {
    let cannot = |what: &str, error| Failure::usage(what).at(path.display()).because(error);
    let metadata = std::fs::metadata(path).map_err(|error| cannot("cannot read the component", error))?;
    if !metadata.is_file() {
        return Err(Failure::usage("this is no file").at(path.display()));
    }
    if metadata.len() > limit {
        return Err(too_large(path.display().to_string(), metadata.len(), limit));
    }
    let bytes = std::fs::read(path).map_err(|error| cannot("cannot read the component", error))?;
    let signature =
        signature_beside(path).map_err(|error| cannot("cannot read the .sig file beside it", error))?;
    Ok((bytes, signature))
}

pub(super) fn too_large(place: String, size: u64, limit: u64) -> Failure {
    Failure::usage(format!("the component has {size} bytes, and the runtime takes at most {limit}"))
        .at(place)
        .hint("build it smaller: release, without debug information")
}

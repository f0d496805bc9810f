//! A component, or a map file, that may take a place in a map of the configuration.

use std::path::Path;

use dualwright_map_builder::BuildOptions;
use dualwright_plugin_host::registry::{Examine, Identity, Role};
use dualwright_plugin_host::{Grants, Host, Layer, Stack};

use super::maps::{LoadedMap, bytes, host_failure};
use super::stack::misfit_failure;
use crate::Failure;

/// Something that is not at work yet, and what it says it is.
pub(crate) struct Candidate {
    pub(crate) identity: Identity,
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

impl Candidate {
    /// Builds what must be built, and asks it what it is. The path is a person's, seen from here.
    pub(crate) async fn open(host: &Host, path: &Path, options: &BuildOptions) -> Result<Self, Failure> {
        let path = std::path::absolute(path)
            .map_err(|error| Failure::usage("cannot find the map").at(path.display()).because(error))?;
        let (bytes, _) = bytes(&path, options).await?;
        let file = path.display().to_string();
        let (asked, name, copy) = (host.clone(), file.clone(), bytes.clone());
        let identity = tokio::task::spawn_blocking(move || asked.examine(&name, &copy))
            .await
            .map_err(|error| Failure::runtime("looking at the component was cut off").because(error))?
            .map_err(|error| host_failure(&error, &path))?;
        Ok(Self { identity, file, bytes })
    }

    /// Whether it is a version of this map, or of something that is stacked on it.
    pub(crate) fn belongs_to(&self, map: &LoadedMap) -> bool {
        let base = self.identity.map.as_ref().unwrap_or(&self.identity.name);
        *base == map.stacked.stack.base().description().name
    }

    /// The map as it would be with the candidate in its place, with the grants of what was there.
    pub(crate) async fn in_place(self, host: &Host, live: &LoadedMap) -> Result<Stack, Failure> {
        let grants = live.stacked.grants.get(&self.identity.name).cloned().unwrap_or_default();
        let (file, now) = (self.file.clone(), &live.stacked.stack);
        let stack = if self.identity.role == Role::Map {
            let base = host.load_async(&file, self.bytes, grants).await;
            now.with_base(base.map_err(|error| host_failure(&error, file.as_ref()))?)
        } else {
            now.with_layer(self.layer(host, grants).await?)
        };
        stack.map_err(|misfits| misfit_failure(&misfits, &file))
    }

    /// The candidate as a layer.
    pub(crate) async fn layer(self, host: &Host, grants: Grants) -> Result<Layer, Failure> {
        host.load_layer_async(&self.file, self.bytes, grants)
            .await
            .map_err(|error| host_failure(&error, self.file.as_ref()))
    }
}

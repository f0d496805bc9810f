//! What an author's commands share: a project, its component, and a sandbox to try it in.

use std::sync::Arc;

use dualwright_map_builder::project::{Built, Project};
use dualwright_map_builder::{BuildError, BuildOptions};
use dualwright_plugin_host::{Grants, Host, HostConfig, HostError, Loaded, Services};

use crate::Failure;
use crate::assembly::{build_failure, host_failure};

/// A path that is no map.
pub(super) fn no_project(error: &BuildError) -> Failure {
    Failure::of_class(error.class(), "there is no map to work on").because(error).hint(
        "name a map file, a component or a project's folder; begin a new one with: dualwright map new NAME",
    )
}

/// Builds a project's component.
pub(super) async fn build_project(project: &Project, options: &BuildOptions) -> Result<Built, Failure> {
    let (project, options) = (project.clone(), options.clone());
    tokio::task::spawn_blocking(move || project.build(&options))
        .await
        .map_err(|error| Failure::runtime("the build was cut off").because(error))?
        .map_err(|error| build_failure(&error))
}

/// The sandbox with its usual limits, and with this world around it.
pub(super) fn sandbox(services: Option<Arc<dyn Services>>) -> Result<Host, Failure> {
    Host::new(HostConfig { services, ..HostConfig::default() })
        .map_err(|error| Failure::runtime("there is no sandbox").because(error))
}

/// The component in the sandbox, with these grants: a map, or what is stacked on one.
pub(super) async fn load(
    host: &Host,
    project: &Project,
    bytes: Vec<u8>,
    grants: Grants,
) -> Result<Loaded, Failure> {
    let name = project.path().display().to_string();
    host.load_any_async(&name, bytes, grants).await.map_err(|error| {
        let failure = host_failure(&error, project.path());
        match error {
            HostError::ImportNotGranted { .. } => failure.hint(format!(
                "in tests, what {} names is granted and answered",
                project.fixtures.join("outside.toml").display()
            )),
            _ => failure,
        }
    })
}

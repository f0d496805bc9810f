//! `dualwright map …`: the map author's commands, one file each.

mod build;
mod check;
mod diff;
mod dual_write;
mod export;
mod import;
mod new;
mod preview;
mod test;
mod workshop;

use clap::{Args, Subcommand};
use dualwright_diagnostics::Exit;

use crate::{Failure, Output};

/// Begins, tests, builds and checks maps.
#[derive(Debug, Args)]
pub struct Map {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Begin a new map: a project with fixtures and a README.
    New(new::New),
    /// Run a map's fixtures, the round-trip law and the limits in the sandbox.
    Test(test::Test),
    /// Turn a map file or a project into a component.
    Build(build::Build),
    /// Check a map against both systems.
    Check(check::Check),
    /// Tell what differs between maps, versions or whole environments, field by field.
    Diff(diff::Diff),
    /// Turn the maps that dual-write has into map files.
    Import(import::Import),
    /// Turn map files into dual-write's own definitions.
    Export(export::Export),
    /// Show what a candidate would write otherwise than the configured map.
    Preview(preview::Preview),
}

impl Map {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        match self.action {
            Action::New(command) => command.run(output),
            Action::Test(command) => command.run(output).await,
            Action::Build(command) => command.run(output).await,
            Action::Check(command) => command.run(output).await,
            Action::Diff(command) => command.run(output).await,
            Action::Import(command) => command.run(output).await,
            Action::Export(command) => command.run(output),
            Action::Preview(command) => command.run(output).await,
        }
    }
}

//! `dualwright map …`: the map author's commands, one file each.

mod build;
mod check;
mod preview;

use clap::{Args, Subcommand};
use dualwright_diagnostics::Exit;

use crate::{Failure, Output};

/// Builds and checks maps.
#[derive(Debug, Args)]
pub struct Map {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Turn a map file into a component.
    Build(build::Build),
    /// Check a map against both systems.
    Check(check::Check),
    /// Show what a candidate would write otherwise than the configured map.
    Preview(preview::Preview),
}

impl Map {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Build(command) => command.run(output).await,
            Action::Check(command) => command.run(output).await,
            Action::Preview(command) => command.run(output).await,
        }
    }
}

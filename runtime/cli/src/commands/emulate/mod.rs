//! `dualwright emulate`: a local F&O and a local Dataverse, and a way to fill them.

mod load;
mod serve;

use clap::{Args, Subcommand};
use dualwright_diagnostics::Exit;

use crate::{Failure, Output};

pub(crate) use serve::{database, example, failure};

const EXAMPLE: &str = "\
They are for development: they listen on this machine only, and say that they are emulators.

Examples:
  dualwright emulate --data trial
  dualwright emulate --data trial --https
  dualwright emulate load finops CustomersV3 customers.csv --set dataAreaId=usmf";

/// Runs a local F&O and a local Dataverse for development.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE, args_conflicts_with_subcommands = true)]
pub struct Emulate {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Fill a table of a running emulator from a CSV file.
    Load(load::Load),
}

impl Emulate {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        match self.action {
            Some(Action::Load(command)) => command.run(output).await,
            None => self.serve.run(output).await,
        }
    }
}

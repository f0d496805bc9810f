//! The commands, one file each. A new command is a file beside its siblings and a line in [`Command`].

mod demo;
mod doctor;
pub(crate) mod emulate;
mod errors;
mod init;
mod map;
mod plugin;
mod run;
mod sample;
mod status;
mod trace;

use clap::{Parser, Subcommand};
use dualwright_diagnostics::Exit;

use crate::logging::LogFormat;
use crate::{Failure, Output};

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  something failed while running
  2  the command line, the configuration or a map is wrong
  3  a system could not be reached, or did not let us in

Examples:
  dualwright demo --once                     see it work, with nothing to set up
  dualwright init                            write a commented dualwright.toml
  dualwright doctor --config dualwright.toml check everything before it runs
  dualwright run --config dualwright.toml    keep two systems saying the same thing";

/// Open dual-write between Dynamics 365 Finance and Operations and Dataverse.
#[derive(Debug, Parser)]
#[command(name = "dualwright", version, after_help = AFTER_HELP, propagate_version = true)]
pub struct Arguments {
    /// Print the result as JSON on standard output, and failures as JSON on standard error.
    #[arg(long, global = true)]
    pub json: bool,
    /// How log lines look. What is logged: DUALWRIGHT_LOG=info (tracing filter syntax).
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See it work: two local systems, linked, synchronised and changed before your eyes.
    Demo(demo::Demo),
    /// Write a commented configuration file.
    Init(init::Init),
    /// Say what is wrong with a configuration before it runs.
    Doctor(doctor::Doctor),
    /// Keep two systems saying the same thing, until told to stop.
    Run(run::Run),
    /// Show how the maps of a running runtime stand, or pause and resume one.
    Status(status::Status),
    /// See what could not be applied; try it again, or let it be.
    Errors(errors::Errors),
    /// Tell one record's whole story: both sides, who wrote them last, what waits, what failed.
    Trace(trace::Trace),
    /// Install, try, activate and take back versions of maps while changes flow.
    Plugin(plugin::Plugin),
    /// Run a local F&O and a local Dataverse for development.
    Emulate(emulate::Emulate),
    /// Build and check maps.
    Map(map::Map),
}

impl Command {
    /// What is logged when DUALWRIGHT_LOG says nothing.
    pub(crate) fn log_default(&self) -> &'static str {
        match self {
            Self::Run(_) => "info",
            Self::Emulate(_) => "warn,dualwright_emulators=info",
            Self::Demo(_) | Self::Init(_) | Self::Doctor(_) | Self::Map(_) => "error",
            Self::Status(_) | Self::Errors(_) | Self::Trace(_) | Self::Plugin(_) => "error",
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// A [`Failure`] that says what, where and what next.
    pub async fn run(self, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Demo(command) => command.run(output).await,
            Self::Init(command) => command.run(output),
            Self::Doctor(command) => command.run(output).await,
            Self::Run(command) => command.run(output).await,
            Self::Status(command) => command.run(output).await,
            Self::Errors(command) => command.run(output).await,
            Self::Trace(command) => command.run(output).await,
            Self::Plugin(command) => command.run(output).await,
            Self::Emulate(command) => command.run(output).await,
            Self::Map(command) => command.run(output).await,
        }
    }
}

#[cfg(test)]
mod tests;

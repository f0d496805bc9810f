//! `dualwright`: the command a person types.
//!
//! One file a command in [`commands`]; what they share is here: how a failure reads ([`Failure`]), where text goes
//! ([`Output`]), the configuration file ([`config`]), logs and progress. This is the only room that knows every
//! other one: it chooses the backends and the connectors and hands them to the engine.

mod assembly;
pub mod commands;
pub mod config;
mod demo;
mod examination;
mod failure;
mod logging;
mod operator;
mod output;
mod progress;
mod signal;

use std::process::ExitCode;

use clap::Parser;
use dualwright_diagnostics::Exit;

pub use failure::Failure;
pub use output::Output;

/// Runs the command line of this process and says how it ended.
pub fn main() -> ExitCode {
    // One provider for every TLS client of the process; a second call is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = commands::Arguments::parse();
    let output = Output::new(arguments.json);
    let exit = match logging::start(arguments.log_format, arguments.command.log_default()) {
        Ok(()) => run(arguments.command, &output),
        Err(failure) => Err(failure),
    };
    match exit {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit().code())
        }
    }
}

fn run(command: commands::Command, output: &Output) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime("cannot start the asynchronous runtime").because(error))?;
    let exit = runtime.block_on(command.run(output));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    exit
}

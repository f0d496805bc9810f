//! Structured logs on standard error, for a person or as JSON lines.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::Failure;

/// The environment variable that says what to log, in `tracing` filter syntax: `info`, `dualwright_engine=debug`.
pub(crate) const VARIABLE: &str = "DUALWRIGHT_LOG";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For a person.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts logging for the whole process.
pub(crate) fn start(format: LogFormat, default: &str) -> Result<(), Failure> {
    let directives = std::env::var(VARIABLE).unwrap_or_else(|_| default.to_owned());
    let filter = EnvFilter::try_new(&directives).map_err(|error| {
        Failure::usage(format!("{VARIABLE} is not a log filter"))
            .because(error)
            .hint(format!("for example: {VARIABLE}=info, or {VARIABLE}=warn,dualwright_engine=debug"))
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        LogFormat::Human => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // A second start in one process (tests) keeps the first subscriber.
    drop(started);
    Ok(())
}

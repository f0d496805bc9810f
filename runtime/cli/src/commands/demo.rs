//! `dualwright demo`: see it work.

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;

use crate::demo::{self, Wishes};
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Starts a local F&O and a local Dataverse, fills them with sample records, links them through nine standard maps,
synchronises them, then changes records on each side and shows each change arriving on the other. Goes on running until
Ctrl-C, unless --once is given. Exits with 0 only if both sides agree on every mapped field.

Example:
  dualwright demo --once --report report.json";

/// Shows it at work: two local systems, linked, synchronised and changed before your eyes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Demo {
    /// End when everything was shown.
    #[arg(long)]
    once: bool,
    /// Write what was found as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Keep the files of both systems and the runtime here, and go on with what is in it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The catalogue to take the maps from; the standard one when left out.
    #[arg(long, value_name = "DIR")]
    catalogue: Option<PathBuf>,
    /// Edits to make on each side.
    #[arg(long, default_value_t = 25, value_name = "COUNT")]
    changes: usize,
}

impl Demo {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let Self { once, report, data, catalogue, changes } = self;
        demo::run(Wishes { once, report, data, catalogue, changes }, output).await
    }
}

//! `dualwright map new`: a project to begin from.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::scaffold::{ScaffoldError, TEMPLATES, check_name, create, template};
use serde::Serialize;

use crate::{Failure, Output};

const EXAMPLE: &str = "\
Example:
  dualwright map new customer-groups
  dualwright map new payment-terms --lang rust --path maps/payment-terms";

/// Begins a new map: a project with one map, fixtures and a README.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct New {
    /// The map's name: lower-case words with hyphens.
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is written in.
    #[arg(long, value_name = "LANGUAGE", default_value = "table",
        value_parser = PossibleValuesParser::new(TEMPLATES.iter().map(|template| template.language)))]
    lang: String,
    /// Where the project goes; a folder of the map's name when left out.
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    language: &'a str,
    folder: &'a PathBuf,
    files: &'a [PathBuf],
}

impl New {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let template = template(&self.lang).map_err(|error| failure(&error))?;
        // Before it becomes a path.
        check_name(&self.name).map_err(|error| failure(&error))?;
        let folder = self.path.unwrap_or_else(|| PathBuf::from(&self.name));
        let files = create(&folder, &self.name, template).map_err(|error| failure(&error))?;
        output.line(format!("wrote {} files into {}", files.len(), folder.display()));
        output.line("next: test it, then make map and fixtures yours; its README.md says how");
        output.line(format!("      dualwright map test {}", folder.display()));
        output.document(&Document {
            name: &self.name,
            language: template.language,
            folder: &folder,
            files: &files,
        })?;
        Ok(Exit::Done)
    }
}

fn failure(error: &ScaffoldError) -> Failure {
    let failure = match error {
        ScaffoldError::Write { .. } => Failure::runtime("the project was not written whole"),
        _ => Failure::usage("no project was begun"),
    };
    let failure = failure.because(error);
    match error {
        ScaffoldError::Occupied { .. } => failure.hint("choose another name, or another folder with --path"),
        _ => failure,
    }
}

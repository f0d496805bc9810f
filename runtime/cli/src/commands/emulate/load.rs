//! `dualwright emulate load`: a CSV file into a table.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dualwright_diagnostics::Exit;
use dualwright_emulators::load::{Columns, LoadError, LoadSystem, LoadTarget, csv};
use serde::Serialize;

use crate::config::{Secret, ServiceUrl};
use crate::{Failure, Output};

const EXAMPLE: &str = "\
The header names fields, without regard to letter case. A row that is refused is told with its line; the others are
loaded, and the exit code is 1.

Examples:
  dualwright emulate load finops LegalEntities companies.csv
  dualwright emulate load finops CustomersV3 customers.csv \\
      --rename CustomerID=CustomerAccount --rename Fax= --set dataAreaId=nwnd --set PartyType=Organization";

/// Told in full; more are only counted.
const REFUSED_TOLD: usize = 20;

/// Fills a table of a running emulator from a CSV file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Load {
    /// Which system.
    #[arg(value_enum)]
    system: System,
    /// The table, as in addresses: CustomersV3, accounts.
    table: String,
    /// The CSV file, with a header.
    #[arg(value_name = "FILE.CSV")]
    file: PathBuf,
    /// Where the emulator is; that of `dualwright emulate` when left out.
    #[arg(long)]
    url: Option<String>,
    /// Who loads.
    #[arg(long, default_value = "someone", value_name = "ID")]
    client_id: String,
    /// The environment variable that holds the client's secret; the emulator's own client when left out.
    #[arg(long, value_name = "NAME")]
    client_secret_env: Option<String>,
    /// A column that is called otherwise than its field; an empty field leaves the column out.
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = pair)]
    rename: Vec<(String, String)>,
    /// A field that is the same in every row.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum System {
    Finops,
    Dataverse,
}

#[derive(Serialize)]
struct Document {
    written: u64,
    refused: Vec<RefusedRow>,
}

#[derive(Serialize)]
struct RefusedRow {
    line: u64,
    reason: String,
}

impl Load {
    pub(super) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = self.target()?;
        let columns = Columns { renames: self.rename, constants: self.set };
        let report = csv(&target, &self.table, &self.file, &columns).await.map_err(failure)?;
        output.line(format!(
            "{} rows loaded into {}, {} refused",
            report.written,
            self.table,
            report.refused.len()
        ));
        for row in report.refused.iter().take(REFUSED_TOLD) {
            output.line(format!("  {}:{}: {}", self.file.display(), row.line, row.reason));
        }
        if report.refused.len() > REFUSED_TOLD {
            output.line(format!("  and {} more", report.refused.len() - REFUSED_TOLD));
        }
        let exit = if report.refused.is_empty() { Exit::Done } else { Exit::Runtime };
        let refused = report.refused.into_iter().map(|row| RefusedRow { line: row.line, reason: row.reason });
        output.document(&Document { written: report.written, refused: refused.collect() })?;
        Ok(exit)
    }

    fn target(&self) -> Result<LoadTarget, Failure> {
        let (system, address) = match self.system {
            System::Finops => (LoadSystem::Finops, "http://127.0.0.1:7301"),
            System::Dataverse => (LoadSystem::Dataverse, "http://127.0.0.1:7302"),
        };
        let url = ServiceUrl::parse(self.url.as_deref().unwrap_or(address))
            .map_err(|reason| Failure::usage(format!("--url: {reason}")))?;
        let client_secret = match &self.client_secret_env {
            Some(name) => Secret::Variable(name.clone()).read(".".as_ref())?.reveal().to_owned(),
            None => format!("{}-secret", self.client_id),
        };
        Ok(LoadTarget {
            system,
            token_url: format!("{url}/local/oauth2/v2.0/token"),
            url: url.as_str().to_owned(),
            client_id: self.client_id.clone(),
            client_secret,
        })
    }
}

fn failure(error: LoadError) -> Failure {
    match &error {
        LoadError::Service { url, .. } => Failure::environment("the emulator does not take the rows")
            .at(url)
            .because(error)
            .hint("is it running? dualwright emulate --data trial"),
        _ => Failure::usage("nothing was loaded").because(error),
    }
}

/// `a=b`; the right side may be empty and may hold more equals signs.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((left, right)) if !left.is_empty() => Ok((left.to_owned(), right.to_owned())),
        _ => Err(format!("`{text}` is not of the form name=value")),
    }
}

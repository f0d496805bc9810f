//! Fills a table of a running system from a CSV file, over HTTP like anybody else.
//!
//! Header names are field names, without regard to letter case. Nothing is passed over in silence: a column that is no
//! field, or a field that is given twice, stops the load before anything is sent; a row that cannot be written is reported
//! with its line, and the others are loaded.

mod client;
mod rows;

use std::path::{Path, PathBuf};

use self::client::Session;
use self::rows::{Row, Rows};

/// Rows a request.
const BATCH: usize = 200;

/// Which kind of system is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadSystem {
    /// Finance and Operations.
    Finops,
    /// Dataverse.
    Dataverse,
}

/// Where to load to, and as whom.
#[derive(Clone)]
pub struct LoadTarget {
    /// Which kind of system.
    pub system: LoadSystem,
    /// Its address, `http://127.0.0.1:7301`.
    pub url: String,
    /// Where tokens come from.
    pub token_url: String,
    /// The application id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

/// What to do with the file's columns.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// `(column, field)`: a header that is called otherwise; an empty field leaves the column out.
    pub renames: Vec<(String, String)>,
    /// `(field, value)`: the same for every row.
    pub constants: Vec<(String, String)>,
}

/// A row that was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its line in the file; the header is line 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// How a load went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Rows written.
    pub written: u64,
    /// Rows that were not.
    pub refused: Vec<Refused>,
}

/// Why nothing (more) was loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read as CSV.
    #[error("cannot read {file}: {reason}")]
    File {
        /// Which file.
        file: PathBuf,
        /// What was wrong, with the line where known.
        reason: String,
    },
    /// The service has no such table.
    #[error("there is no table {table}{hint}")]
    UnknownTable {
        /// The name given.
        table: String,
        /// Tables with a similar name.
        hint: String,
    },
    /// A field that is given more than once, so that one value would hide the other.
    #[error("field {field} of table {table} is given more than once: by {sources}")]
    FieldTwice {
        /// The table.
        table: String,
        /// The field.
        field: String,
        /// What gives it.
        sources: String,
    },
    /// A constant that its field cannot hold.
    #[error("a value for every row does not fit: {reason}")]
    Constant {
        /// What the field holds, and what was given.
        reason: String,
    },
    /// Columns that are no fields.
    #[error(
        "table {table} has no field {columns}; map a column with --rename column=field, or leave it out with --rename column="
    )]
    UnknownColumns {
        /// The table.
        table: String,
        /// The columns.
        columns: String,
    },
    /// The service does not answer, or not as it should.
    #[error("{url} {reason}")]
    Service {
        /// Where.
        url: String,
        /// What happened.
        reason: String,
    },
}

/// Loads a file into a table.
///
/// # Errors
/// When the file, the table, a column or the service is not usable. Rows that the service refuses are in the report; when
/// the service fails in the middle, the error says how far the load came.
pub async fn csv(
    target: &LoadTarget,
    table: &str,
    file: &Path,
    columns: &Columns,
) -> Result<LoadReport, LoadError> {
    let mut session = Session::open(target).await?;
    let table = session.table(table).await?;
    let Rows { rows, refused } = rows::read(file, &table, columns)?;
    let mut report = LoadReport { written: 0, refused };
    for part in rows.chunks(BATCH) {
        let reasons = match session.create(&table, part).await {
            Ok(reasons) => reasons,
            Err(error) => return Err(with_progress(error, &report, part)),
        };
        for (row, reason) in part.iter().zip(reasons) {
            match reason {
                None => report.written += 1,
                Some(reason) => report.refused.push(Refused { line: row.line, reason }),
            }
        }
    }
    report.refused.sort_by_key(|refused| refused.line);
    Ok(report)
}

/// Says how far a load came before the service failed: a second load would meet the rows of the first.
fn with_progress(error: LoadError, report: &LoadReport, part: &[Row]) -> LoadError {
    match error {
        LoadError::Service { url, reason } => {
            let (first, last) =
                (part.first().map_or(0, |row| row.line), part.last().map_or(0, |row| row.line));
            let before = format!("{} rows were written before", report.written);
            let reason =
                format!("{reason}; {before}, and it is not known which of lines {first} to {last} were");
            LoadError::Service { url, reason }
        }
        other => other,
    }
}

//! The maps of dual-write itself, in files and in environments.

use std::path::Path;

use dualwright_connect::{ConnectError, Connector, Selection};
use dualwright_map_builder::dual_write::source::{Found, SourceError};
use dualwright_model::{ColumnPath, TableName, Value};
use serde_json::{Map, Value as Json};

use crate::Failure;
use crate::assembly::{connect_dataverse, connect_failure};
use crate::config::{Config, ServiceUrl};

/// The table that holds them; each saved version is a row.
const TABLE: &str = "msdyn_dualwriteentitymaps";
const COLUMNS: [&str; 4] = ["msdyn_name", "msdyn_displayname", "msdyn_version", "msdyn_mapping"];
/// Rows in a page: a mapping is large.
const PAGE: usize = 50;

/// Looks into a file.
pub(super) fn read_file(found: &mut Found, path: &Path) -> Result<(), Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::usage("cannot read the file").at(path.display()).because(error))?;
    found.read(&path.display().to_string(), &bytes).map_err(|error| not_understood(&error))
}

fn not_understood(error: &SourceError) -> Failure {
    Failure::usage("this holds no maps of dual-write").because(error).hint(
        "give the JSON of msdyn_mapping, rows of msdyn_dualwriteentitymap as JSON, an exported solution (.zip), or the \
         automation tool's configuration",
    )
}

/// What `--from` says: `dataverse` for the configuration's environment, or an address.
pub(super) fn environment(text: &str) -> Result<Option<ServiceUrl>, Failure> {
    if text == "dataverse" {
        return Ok(None);
    }
    ServiceUrl::parse(text).map(Some).map_err(|reason| {
        Failure::usage(reason)
            .at(text)
            .hint("give an address, or dataverse for the configuration's environment")
    })
}

/// Reads every map of an environment, with the configuration's credential.
pub(super) async fn read_environment(
    found: &mut Found,
    config: &Config,
    address: Option<&ServiceUrl>,
) -> Result<(), Failure> {
    let dataverse = connect_dataverse(config, address)?;
    let place = address.unwrap_or(&config.dataverse.url).to_string();
    let rows = rows(dataverse.as_ref()).await.map_err(|error| match error {
        ConnectError::Unknown { .. } => Failure::usage("this environment has no maps of dual-write")
            .at(&place)
            .because(&error)
            .hint("is dual-write installed there?"),
        error => connect_failure(&error).at(&place),
    })?;
    for row in rows {
        let name = row["msdyn_name"].as_str().unwrap_or("a row without a name");
        let bytes = row.to_string().into_bytes();
        found.read(&format!("{place}: {name}"), &bytes).map_err(|error| not_understood(&error))?;
    }
    Ok(())
}

async fn rows(dataverse: &dyn Connector) -> Result<Vec<Json>, ConnectError> {
    let columns: Vec<ColumnPath> = COLUMNS.iter().map(|name| ColumnPath::new(*name)).collect();
    let selection = Selection {
        table: TableName::new(TABLE),
        key: vec![ColumnPath::new(COLUMNS[0])],
        columns,
        filter: None,
    };
    let mut rows = Vec::new();
    let mut position = None;
    loop {
        let page = dataverse.scan(&selection, position.as_ref(), PAGE).await?;
        for change in page.changes {
            let cell = |name: &str| match change.record.get(name) {
                Value::Text(text) => Some((name.to_owned(), Json::String(text.to_string()))),
                _ => None,
            };
            let row: Map<String, Json> = COLUMNS.iter().filter_map(|name| cell(name)).collect();
            // A row without a definition has nothing to tell.
            if row.contains_key("msdyn_mapping") {
                rows.push(Json::Object(row));
            }
        }
        position = page.next;
        if position.is_none() {
            return Ok(rows);
        }
    }
}

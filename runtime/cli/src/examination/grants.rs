//! Do lookups that were granted lead anywhere?

use dualwright_connect::ConnectError;
use dualwright_engine::Pair;
use dualwright_plugin_host::LookupGrant;

use super::Finding;
use super::reach::{Reached, of_error};
use crate::assembly::LoadedMap;

/// Checks the tables and columns of every lookup that was granted to a map or to what is stacked on it.
pub(crate) async fn check_grants(
    pair: &Pair,
    reached: Reached,
    map: &LoadedMap,
    findings: &mut Vec<Finding>,
) {
    for (component, grants) in &map.stacked.grants {
        for grant in &grants.lookup {
            if reached.has(grant.system) {
                check_lookup(pair, component.as_str(), grant, findings).await;
            }
        }
    }
}

async fn check_lookup(pair: &Pair, component: &str, grant: &LookupGrant, findings: &mut Vec<Finding>) {
    let LookupGrant { system, table, columns } = grant;
    let wrong = |message: String| {
        Finding::error(component, "grant-unknown", message)
            .hint(format!("mend the grant of lookup in {table}, or remove it, in the configuration"))
    };
    match pair.connector(*system).describe(table, columns).await {
        Ok(schema) => {
            for column in columns.iter().filter(|column| schema.column(column.as_str()).is_none()) {
                findings
                    .push(wrong(format!("it is granted the column {column}, which {table} does not have")));
            }
        }
        Err(ConnectError::Unknown { what, .. }) => {
            findings.push(wrong(format!("it is granted lookups in {system}, which does not know {what}")));
        }
        Err(error) => findings.push(of_error(component.to_owned(), &error)),
    }
}

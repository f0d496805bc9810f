//! Whether rows can be found by the map's key.

use std::collections::BTreeSet;

use dualwright_model::{AlternateKey, ColumnPath, System, TableSchema};

use super::{Report, Severity};

/// The key's columns must be one of the table's keys: they decide which row is written.
pub(super) fn check(report: &mut Report<'_>, side: System, table: &TableSchema) {
    let columns = report.description.key_columns(side);
    let wanted: BTreeSet<String> = columns.iter().map(own_column).collect();
    let is_written = report.description.leg(side.other().outgoing()).is_some();
    // F&O tells of a change by naming the key, so there it is needed in either direction.
    let severity = if is_written || side == System::Finops { Severity::Error } else { Severity::Warning };
    let listed: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let listed = listed.join(", ");
    let key = table.keys.iter().find(|key| columns_of(key) == wanted);
    let is_primary_id =
        table.primary_id.as_ref().is_some_and(|id| wanted.len() == 1 && wanted.contains(&id.to_lowercase()));
    match key {
        Some(key) if !key.active => {
            let message = format!("the key {} of {} is not active yet", key.name, table.name);
            let hint =
                "the system is still building its index, or failed to: look at the key's job".to_owned();
            report.add(severity, side, columns.first(), "key-inactive", message, Some(hint));
        }
        Some(_) => {}
        None if is_primary_id => {}
        None => {
            let message = format!("{} has no key on exactly {listed}", table.name);
            report.add(
                severity,
                side,
                columns.first(),
                "not-a-key",
                message,
                Some(hint(side, table, &listed)),
            );
        }
    }
}

fn hint(side: System, table: &TableSchema, listed: &str) -> String {
    let known: Vec<String> = table.keys.iter().map(|key| key.columns.join(", ")).collect();
    match (side, known.is_empty()) {
        (System::Dataverse, true) => format!("create an alternate key on {listed}"),
        (System::Dataverse, false) => {
            format!("create an alternate key on {listed}, or use one of: {}", known.join(" | "))
        }
        (System::Finops, _) => format!("the key of the entity is: {}", known.join(" | ")),
    }
}

/// A key over a lookup path is a key over the lookup column.
fn own_column(path: &ColumnPath) -> String {
    path.split_lookup().map_or(path.as_str(), |(lookup, _)| lookup).to_lowercase()
}

fn columns_of(key: &AlternateKey) -> BTreeSet<String> {
    key.columns.iter().map(|column| column.to_lowercase()).collect()
}

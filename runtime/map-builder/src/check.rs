//! Compares what a map says of itself with the schemas of both systems, before a row flows.

use std::collections::BTreeMap;
use std::fmt;

use dualwright_model::{ColumnPath, MapName, System, TableName, TableSchema};
use dualwright_plugin_host::Description;
use dualwright_table_map::compile::CompiledMap;
use serde::{Deserialize, Serialize};

mod columns;
mod filter;
mod key;
mod kinds;
mod layer;
mod near;
mod rules;
mod together;

#[cfg(test)]
mod tests;

pub use layer::check_layer;
pub use together::check_together;

/// Whether a finding stops a map from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Rows would fail.
    Error,
    /// Some rows may fail, or something costs more than it has to.
    Warning,
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// The map.
    pub map: MapName,
    /// The system it is about.
    pub side: System,
    /// The column it is about, if one.
    pub field: Option<ColumnPath>,
    /// A stable word for programs: `unknown-column`, `type-mismatch` …
    pub code: &'static str,
    /// What does not fit.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// The schemas that are known, and the names of tables that are known to exist.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    tables: BTreeMap<(System, String), TableSchema>,
    names: BTreeMap<System, Vec<TableName>>,
}

impl Schemas {
    /// Adds the schema of one table: the two of the map, and those that its lookups lead to where they are at hand.
    pub fn insert(&mut self, system: System, schema: TableSchema) {
        self.tables.insert((system, schema.name.as_str().to_lowercase()), schema);
    }

    /// Says which tables a system has, all of them: then a table that is missing here is known not to exist.
    pub fn set_names(&mut self, system: System, names: Vec<TableName>) {
        self.names.insert(system, names);
    }

    /// The schema of a table, when it is known.
    pub fn table(&self, system: System, name: &TableName) -> Option<&TableSchema> {
        self.tables.get(&(system, name.as_str().to_lowercase()))
    }

    /// Whether the system is known not to have a table.
    fn is_missing(&self, system: System, name: &TableName) -> bool {
        let has = |names: &Vec<TableName>| {
            names.iter().any(|known| known.as_str().eq_ignore_ascii_case(name.as_str()))
        };
        self.table(system, name).is_none() && self.names.get(&system).is_some_and(|names| !has(names))
    }

    fn table_names(&self, system: System) -> Vec<&str> {
        let inserted =
            self.tables.iter().filter(|((of, _), _)| *of == system).map(|(_, table)| table.name.as_str());
        let listed = self.names.get(&system).into_iter().flatten().map(TableName::as_str);
        inserted.chain(listed).collect()
    }
}

/// Checks a map against the schemas of its two tables. See [`check_all`].
pub fn check(
    description: &Description,
    compiled: Option<&CompiledMap>,
    finops: &TableSchema,
    dataverse: &TableSchema,
) -> Vec<Finding> {
    let mut schemas = Schemas::default();
    schemas.insert(System::Finops, finops.clone());
    schemas.insert(System::Dataverse, dataverse.clone());
    check_all(description, compiled, &schemas)
}

/// Everything that does not fit, worst first. A table of the map that `schemas` does not have is an error; one that a
/// lookup leads to is only checked where it is known.
///
/// `compiled` is there for maps built from a map file: with it, types, constants and value sets are checked as well.
/// Of other components only the description is known.
pub fn check_all(
    description: &Description,
    compiled: Option<&CompiledMap>,
    schemas: &Schemas,
) -> Vec<Finding> {
    let mut report = Report { description, schemas, findings: Vec::new() };
    for side in [System::Finops, System::Dataverse] {
        match schemas.table(side, description.table(side)) {
            Some(table) => {
                key::check(&mut report, side, table);
                columns::check(&mut report, side, table);
                filter::check(&mut report, side, table);
            }
            None => report.unknown_table(side, description.table(side), None, Severity::Error),
        }
    }
    if let Some(compiled) = compiled {
        kinds::check(&mut report, compiled);
        rules::check(&mut report, compiled);
    }
    let mut findings = report.findings;
    findings.sort_by_key(|finding| (finding.severity, finding.side));
    findings.dedup();
    findings
}

/// The findings as they are made.
struct Report<'a> {
    description: &'a Description,
    schemas: &'a Schemas,
    findings: Vec<Finding>,
}

impl Report<'_> {
    fn add(
        &mut self,
        severity: Severity,
        side: System,
        field: Option<&ColumnPath>,
        code: &'static str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.findings.push(Finding {
            severity,
            map: self.description.name.clone(),
            side,
            field: field.cloned(),
            code,
            message: message.into(),
            hint,
        });
    }

    fn unknown_table(
        &mut self,
        side: System,
        table: &TableName,
        field: Option<&ColumnPath>,
        severity: Severity,
    ) {
        let hint = near::did_you_mean(table.as_str(), self.schemas.table_names(side));
        self.add(severity, side, field, "unknown-table", format!("{side} has no table {table}"), hint);
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} [{}] {}: {}", self.severity, self.code, self.map, self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\n  help: {hint}"),
            None => Ok(()),
        }
    }
}

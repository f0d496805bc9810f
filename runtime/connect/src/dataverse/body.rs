//! The body of a write: plain cells, and lookups bound to the rows that they lead to.

use std::collections::BTreeMap;
use std::sync::Arc;

use dualwright_model::{ColumnPath, TableName, Value};
use dualwright_odata::literal::is_guid;
use serde_json::{Map, Value as Json};

use super::apply::{Job, set};
use super::environment::Environment;
use super::lookup::{Ask, Lead, by_lookup, company_of, is_blank, says_nothing};
use super::memory::Memory;
use super::row::unknown;
use super::schema::Table;
use super::value::write;
use crate::{ConnectError, Selection, WriteOutcome, WriteTarget};

/// Where the lookups of one write lead, by lookup column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Binds(BTreeMap<String, Bind>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Bind {
    /// The lookup is emptied.
    Nothing,
    Row {
        logical_name: String,
        set: TableName,
        id: String,
    },
}

impl Binds {
    /// Whether no row is pointed to.
    pub(super) fn is_empty(&self) -> bool {
        !self.0.values().any(|bind| matches!(bind, Bind::Row { .. }))
    }

    /// Takes back what is remembered of these rows.
    pub(super) fn forget(&self, memory: &Memory) {
        for bind in self.0.values() {
            if let Bind::Row { logical_name, id, .. } = bind {
                memory.changed(logical_name, [id.as_str()]);
            }
        }
    }
}

impl Environment {
    /// Resolves the lookups of all jobs together. A job with a lookup that leads nowhere gets its outcome and is taken
    /// off the list before anything is sent for it.
    pub(super) async fn bind(
        &self,
        table: &Arc<Table>,
        selection: &Selection,
        jobs: &mut Vec<Job<'_>>,
        outcomes: &mut [Option<WriteOutcome>],
    ) -> Result<(), ConnectError> {
        let (mut asks, mut askers) = (Vec::new(), Vec::new());
        for (index, job) in jobs.iter_mut().enumerate() {
            if job.write.delete {
                continue;
            }
            let cells: Vec<(ColumnPath, Value)> =
                job.cells.iter().map(|(path, value)| (path.clone(), value.clone())).collect();
            let (_, lookups) = by_lookup(&cells);
            if lookups.is_empty() {
                continue;
            }
            let company = company_of(table, job.cells.iter()).or_else(|| {
                let (WriteTarget::Key(values) | WriteTarget::Id { key: values, .. }) = &job.write.target;
                company_of(table, selection.key.iter().zip(values))
            });
            for (lookup, conditions) in lookups {
                if says_nothing(&conditions) {
                    job.binds.0.insert(lookup, Bind::Nothing);
                } else {
                    asks.push(Ask { lookup, conditions, company: company.clone() });
                    askers.push(index);
                }
            }
        }
        if asks.is_empty() {
            return Ok(());
        }
        let mut dropped = Vec::new();
        let leads = self.leads(table, &asks).await?;
        for ((index, ask), lead) in askers.into_iter().zip(asks).zip(leads) {
            let Some(job) = jobs.get_mut(index) else { continue };
            let outcome = match lead {
                Lead::To(target, id) => {
                    let (logical_name, set) = (target.schema.logical_name.clone(), target.name().clone());
                    job.binds.0.insert(ask.lookup, Bind::Row { logical_name, set, id });
                    continue;
                }
                Lead::Nowhere(nowhere) => WriteOutcome::LookupMissing {
                    path: path_of(job, &ask),
                    table: nowhere.table,
                    key: nowhere.key,
                },
                Lead::Many(target) => WriteOutcome::Failed(ConnectError::Rejected {
                    system: self.client.system().to_owned(),
                    code: String::new(),
                    message: format!(
                        "the lookup {} fits more than one row of {target}: add what tells them apart",
                        path_of(job, &ask)
                    ),
                }),
            };
            // The first trouble of a record is the one that is told.
            if !dropped.contains(&job.place) {
                set(outcomes, job.place, outcome);
                dropped.push(job.place);
            }
        }
        jobs.retain(|job| !dropped.contains(&job.place));
        Ok(())
    }

    /// The JSON of a write's cells. Numbers are written digit by digit.
    pub(super) fn body(&self, table: &Table, job: &Job<'_>) -> Result<String, ConnectError> {
        let mut members = Map::with_capacity(job.cells.len());
        for (path, value) in &job.cells {
            if path.is_lookup() || value.is_absent() {
                continue;
            }
            let column = table.schema.column(path.as_str());
            let column = column.ok_or_else(|| unknown(&self.catalogue, table, path))?;
            if column.lookup.is_some() {
                members.extend(self.plain_lookup(table, path, value, job.id.is_none())?);
                continue;
            }
            members.extend(write(value, &column.column_type).map(|value| (column.name.clone(), value)));
        }
        for (lookup, bind) in &job.binds.0 {
            members.extend(self.bound(table, lookup, bind, job.id.is_none())?);
        }
        Ok(Json::Object(members).to_string())
    }

    /// A lookup bound to a row, or emptied (see associate-disassociate-entities-using-web-api).
    fn bound(
        &self,
        table: &Table,
        lookup: &str,
        bind: &Bind,
        new_row: bool,
    ) -> Result<Option<(String, Json)>, ConnectError> {
        let references = table.references(lookup);
        let (reference, target) = match bind {
            // A new row's lookup is empty without being emptied.
            Bind::Nothing if new_row => return Ok(None),
            // Emptying one navigation property of a polymorphic lookup empties the lookup.
            Bind::Nothing => (references.first(), Json::Null),
            Bind::Row { logical_name, set, id } => (
                references.iter().find(|reference| reference.logical_name == *logical_name),
                Json::String(format!("/{set}({id})")),
            ),
        };
        let reference =
            reference.ok_or_else(|| unknown(&self.catalogue, table, &ColumnPath::from(lookup)))?;
        Ok(Some((format!("{}@odata.bind", reference.navigation), target)))
    }

    /// A lookup given as the id itself.
    fn plain_lookup(
        &self,
        table: &Table,
        path: &ColumnPath,
        value: &Value,
        new_row: bool,
    ) -> Result<Option<(String, Json)>, ConnectError> {
        if is_blank(value) {
            return self.bound(table, path.as_str(), &Bind::Nothing, new_row);
        }
        let column = table.schema.column(path.as_str()).and_then(|column| column.lookup.as_ref());
        let targets = column.map_or(&[] as &[TableName], |lookup| lookup.targets.as_slice());
        match (table.references(path.as_str()), targets, value) {
            ([only], [set], Value::Text(id)) if is_guid(id) => {
                let row = Bind::Row {
                    logical_name: only.logical_name.clone(),
                    set: set.clone(),
                    id: id.to_lowercase(),
                };
                self.bound(table, path.as_str(), &row, new_row)
            }
            _ => Err(ConnectError::Rejected {
                system: self.client.system().to_owned(),
                code: String::new(),
                message: format!("the lookup {path} takes the id of a row of its one table, or a path"),
            }),
        }
    }
}

/// The path in the write that this lookup came from, for messages.
fn path_of(job: &Job<'_>, ask: &Ask) -> ColumnPath {
    let of_lookup = |path: &&ColumnPath| {
        path.split_lookup().is_some_and(|(lookup, _)| lookup.eq_ignore_ascii_case(&ask.lookup))
    };
    job.cells.keys().find(of_lookup).cloned().unwrap_or_else(|| ColumnPath::from(ask.lookup.as_str()))
}

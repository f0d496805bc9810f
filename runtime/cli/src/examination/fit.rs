//! Does a map fit both systems?

use std::collections::BTreeSet;

use dualwright_connect::{ConnectError, Selection};
use dualwright_engine::Pair;
use dualwright_map_builder::check::{self, Schemas};
use dualwright_model::{ColumnPath, System, TableName};
use dualwright_plugin_host::{Description, Layer, Plugin, Stack};

use super::reach::{Reached, of_error};
use super::{Finding, Severity};
use crate::assembly::LoadedMap;

/// Describes both tables of a map and checks the map, and what is to be stacked on it, against them and each other, as
/// far as the systems let us in. The schemas are those that were found.
pub(crate) async fn check_map(
    pair: &Pair,
    reached: Reached,
    map: &LoadedMap,
    layers: &[Layer],
    findings: &mut Vec<Finding>,
) -> Schemas {
    let base = map.stacked.stack.base();
    let description = base.description();
    let stacks = stacks(base, layers, findings);
    let mut schemas = Schemas::default();
    let mut complete = true;
    for system in [System::Finops, System::Dataverse] {
        if !reached.has(system) {
            complete = false;
            continue;
        }
        let (table, columns) = (description.table(system), columns(description, layers, system));
        match pair.connector(system).describe(table, &columns).await {
            Ok(schema) => {
                if description.leg(system.outgoing()).is_some() && !schema.tracks_changes {
                    findings.push(untracked(description, system));
                }
                schemas.insert(system, schema.as_ref().clone());
            }
            // The check below says it better, with names that are near.
            Err(ConnectError::Unknown { .. }) => {}
            Err(error) => {
                findings.push(of_error(description.name.to_string(), &error));
                complete = false;
            }
        }
    }
    if !complete {
        return schemas;
    }
    check_reading(pair, description, findings).await;
    let compiled = map.built.as_ref().map(|built| &built.compiled);
    let before = findings.len();
    findings.extend(check::check_all(description, compiled, &schemas).into_iter().map(of_check));
    if findings.len() == before {
        let (finops, dataverse) = (&description.finops_table, &description.dataverse_table);
        let message = format!("{} {} fits {finops} and {dataverse}", description.name, description.version);
        findings.push(Finding::good(description.name.to_string(), message));
    }
    for layer in layers.iter().map(Layer::description) {
        let before = findings.len();
        findings.extend(check::check_layer(description, layer, &schemas).into_iter().map(of_check));
        if findings.len() == before && stacks {
            let message = format!("the {layer} fits {} {}", description.name, description.version);
            findings.push(Finding::good(layer.name.to_string(), message));
        }
    }
    schemas
}

/// Describing a table takes another privilege than reading its rows: reads one row of each, by the map's key alone.
async fn check_reading(pair: &Pair, description: &Description, findings: &mut Vec<Finding>) {
    for system in [System::Finops, System::Dataverse] {
        let table = description.table(system).clone();
        let key = description.key_columns(system);
        let selection =
            Selection { table, columns: Vec::new(), key: key.into_iter().collect(), filter: None };
        // What else may be wrong, such as a column that is none, has its own finding.
        if let Err(error @ ConnectError::Forbidden { .. }) =
            pair.connector(system).scan(&selection, None, 1).await
        {
            let mut finding = of_error(format!("{} {system}", description.name), &error);
            finding.message = format!("the rows of {} cannot be read: {error}", selection.table);
            findings.push(finding);
        }
    }
}

/// Whether the layers can be stacked on the map, by what all of them say of themselves.
fn stacks(base: &Plugin, layers: &[Layer], findings: &mut Vec<Finding>) -> bool {
    let Err(misfits) = Stack::new(base.clone(), layers.to_vec()) else { return true };
    for misfit in misfits.0 {
        let place = match misfit.field() {
            Some((side, field)) => format!("{} {side} {field}", misfit.map()),
            None => misfit.map().to_string(),
        };
        findings.push(Finding::error(place, misfit.code(), misfit.to_string()).hint(misfit.what_to_do()));
    }
    false
}

/// Checks maps that are to run together, of which only the first `candidates` are judged. The others run already.
pub(crate) fn check_together(
    maps: &[(&Description, &Schemas)],
    candidates: usize,
    filled: &[TableName],
    findings: &mut Vec<Finding>,
) {
    // Those that run come first: of two maps that do not get along, it is the later one that is told.
    let (judged, running) = maps.split_at(candidates.min(maps.len()));
    let all: Vec<_> = running.iter().chain(judged).copied().collect();
    let told = check::check_together(&all, filled)
        .into_iter()
        .filter(|finding| judged.iter().any(|(map, _)| map.name == finding.map));
    findings.extend(told.map(of_check));
}

/// Every column and lookup path of one side that the map and its layers speak of.
fn columns(description: &Description, layers: &[Layer], system: System) -> Vec<ColumnPath> {
    let mut columns: BTreeSet<ColumnPath> = description.key_columns(system).into_iter().collect();
    if let Some(leg) = description.leg(system.outgoing()) {
        columns.extend(leg.reads.iter().cloned());
    }
    if let Some(leg) = description.leg(system.other().outgoing()) {
        columns.extend(leg.writes.iter().cloned());
    }
    for layer in layers.iter().map(Layer::description) {
        if layer.reads_side() == system {
            columns.extend(layer.reads.iter().cloned());
        }
        if layer.leg.target() == system {
            columns.extend(layer.owns().iter().cloned());
        }
    }
    columns.into_iter().collect()
}

fn untracked(description: &Description, system: System) -> Finding {
    let table = description.table(system);
    let place = description.name.to_string();
    match system {
        System::Dataverse => Finding::error(
            place,
            "no-change-tracking",
            format!("change tracking is off for {table} in Dataverse"),
        )
        .hint("switch on \"Track changes\" for the table in the maker portal"),
        System::Finops => {
            Finding::warning(place, "no-data-events", format!("{table} in F&O raises no data events"))
                .hint("its changes are found by the comparing read only; see sync.sweep-interval")
        }
    }
}

fn of_check(finding: check::Finding) -> Finding {
    let place = match &finding.field {
        Some(field) => format!("{} {} {field}", finding.map, finding.side),
        None => format!("{} {}", finding.map, finding.side),
    };
    let severity = match finding.severity {
        check::Severity::Error => Severity::Error,
        check::Severity::Warning => Severity::Warning,
    };
    let mut told = Finding::error(place, finding.code, finding.message);
    told.severity = severity;
    told.hint = finding.hint;
    told
}

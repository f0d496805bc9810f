//! `mapper`: what a map says of itself, and what it makes of changes.

use std::ops::Range;

use dualwright_model::{ColumnOrder, ColumnPath, Leg, MapName, TableName};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::bindings::dualwright::plugin::{describe as wit_describe, types as wit};
use super::bindings::exports::dualwright::plugin::mapper::GuestIndices;
use super::typed::Exported;
use super::{cells, start};
use crate::fault::WrongLength;
use crate::rows::Rows;
use crate::store::State;
use crate::{Description, KeyPair, LeavePolicy, LegDescription, Outcome, TransformResult};

/// A map, linked with what it was granted: what remains for each batch is to make the instance.
pub(crate) struct Mapper {
    linked: InstancePre<State>,
    functions: GuestIndices,
}

/// Whether the functions have the contract's types.
///
/// # Errors
/// What is missing or different.
pub(crate) fn check_types(exported: &Exported<'_>) -> Result<(), String> {
    exported.check::<(), (wit_describe::Description,)>("describe")?;
    exported.check::<(wit::Leg, wit::Context, &[wit::Change<'_>]), (Vec<wit::Outcome>,)>("transform")
}

impl Mapper {
    /// Finds the contract's functions.
    ///
    /// # Errors
    /// When one is missing or has other types.
    pub(crate) fn new(linked: InstancePre<State>) -> wasmtime::Result<Self> {
        let functions = GuestIndices::new(&linked)?;
        Ok(Self { linked, functions })
    }

    /// Asks a fresh instance what the map is. Nothing in the answer is checked yet.
    pub(crate) fn describe(&self, mut store: &mut Store<State>) -> wasmtime::Result<Description> {
        let instance = start::start(&self.linked, store)?;
        let guest = self.functions.load(&mut store, &instance)?;
        let description = guest.call_describe(&mut store)?;
        Ok(description_from(description))
    }

    /// Gives some rows to a fresh instance. One answer a row, in the same order.
    pub(crate) fn transform(
        &self,
        mut store: &mut Store<State>,
        leg: Leg,
        initial: bool,
        rows: &Rows,
        range: &Range<usize>,
        writes: &ColumnOrder,
    ) -> wasmtime::Result<Vec<TransformResult>> {
        let picked = rows.rows.get(range.clone()).unwrap_or_default();
        let lowered = cells::lower_all(rows, picked);
        let changes = cells::changes(picked, &lowered);
        let instance = start::start(&self.linked, store)?;
        let guest = self.functions.load(&mut store, &instance)?;
        let outcomes =
            guest.call_transform(&mut store, cells::leg(leg), wit::Context { initial }, &changes)?;
        if outcomes.len() != changes.len() {
            return Err(WrongLength { expected: changes.len(), found: outcomes.len() }.into());
        }
        Ok(outcomes.into_iter().map(|outcome| outcome_from(outcome, writes)).collect())
    }
}

fn outcome_from(outcome: wit::Outcome, writes: &ColumnOrder) -> TransformResult {
    Ok(match outcome {
        wit::Outcome::Upsert(written) => Outcome::Upsert(cells::ordered_record_from(written, writes)?),
        wit::Outcome::Delete => Outcome::Delete,
        wit::Outcome::Skip(reason) => Outcome::Skip(cells::sentence(&reason)),
        wit::Outcome::Reject(violations) => Outcome::Reject(cells::violations_from(violations)),
    })
}

fn description_from(said: wit_describe::Description) -> Description {
    let columns = |names: Vec<String>| names.into_iter().map(ColumnPath::from).collect();
    let (needs, excludes) = Description::needs_and_excludes(said.needs.iter().map(String::as_str));
    Description {
        name: MapName::new(said.name),
        version: said.version,
        about: said.about,
        finops_table: TableName::new(said.finops_table),
        dataverse_table: TableName::new(said.dataverse_table),
        key: said
            .key
            .into_iter()
            .map(|pair| KeyPair { finops: pair.finops.into(), dataverse: pair.dataverse.into() })
            .collect(),
        legs: said
            .legs
            .into_iter()
            .map(|leg| LegDescription {
                leg: cells::leg_from(leg.leg),
                reads: columns(leg.reads),
                writes: columns(leg.writes),
                filter: leg.filter,
                on_leave: match leg.on_leave {
                    wit_describe::LeavePolicy::Delete => LeavePolicy::Delete,
                    wit_describe::LeavePolicy::Ignore => LeavePolicy::Ignore,
                },
            })
            .collect(),
        two_way: said.two_way.into_iter().map(|pair| (pair.finops.into(), pair.dataverse.into())).collect(),
        needs,
        excludes,
    }
}

//! `resolver`: what becomes of records that both sides changed.

use std::ops::Range;

use dualwright_model::{Leg, Timestamp};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::bindings::dualwright::plugin::types as wit;
use super::bindings::exports::dualwright::plugin::resolver::{
    Clash, ContestedCell, GuestIndices, Verdict as WitVerdict,
};
use super::typed::Exported;
use super::{cells, start};
use crate::caller::Answers;
use crate::fault::WrongLength;
use crate::resolve::{Asked, Verdict};
use crate::rows::Rows;
use crate::store::State;

/// A map's resolver, linked with what the map was granted.
pub(crate) struct Resolver {
    linked: InstancePre<State>,
    functions: GuestIndices,
}

/// Whether the function has the contract's types.
///
/// # Errors
/// What is missing or different.
pub(crate) fn check_types(exported: &Exported<'_>) -> Result<(), String> {
    exported.check::<(wit::Leg, wit::Context, &[Clash<'_>]), (Vec<WitVerdict>,)>("resolve")
}

impl Resolver {
    /// Finds the contract's function.
    ///
    /// # Errors
    /// When it is missing or has other types.
    pub(crate) fn new(linked: InstancePre<State>) -> wasmtime::Result<Self> {
        let functions = GuestIndices::new(&linked)?;
        Ok(Self { linked, functions })
    }

    /// Gives some clashes to a fresh instance. A row of `rows` has the wanted cells and then the found ones; `facts` are
    /// those of all rows. One verdict a clash, in the same order.
    pub(crate) fn resolve(
        &self,
        mut store: &mut Store<State>,
        leg: Leg,
        initial: bool,
        rows: &Rows,
        range: &Range<usize>,
        asked: Asked<'_>,
    ) -> wasmtime::Result<Answers<Verdict>> {
        let picked = rows.rows.get(range.clone()).unwrap_or_default();
        let facts = asked.facts.get(range.clone()).unwrap_or_default();
        let columns = asked.writes;
        let lowered = cells::lower_all(rows, picked);
        let mut contested = Vec::with_capacity(lowered.len() / 2);
        for (row, facts) in lowered.chunks_exact(columns.len().saturating_mul(2).max(1)).zip(facts) {
            let (wanted, found) = row.split_at(columns.len());
            for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                contested.push(ContestedCell {
                    wanted: wanted.clone(),
                    found: found.clone(),
                    changed_by_source: facts.changed_by_source.contains(&index),
                    changed_by_target: facts.changed_by_target.contains(&index),
                });
            }
        }
        let clashes: Vec<Clash<'_>> = contested
            .chunks_exact(columns.len().max(1))
            .zip(facts)
            .map(|(cells, facts)| Clash {
                cells,
                source_changed_at: facts.source_changed_at.map(Timestamp::as_micros),
                target_changed_at: facts.target_changed_at.map(Timestamp::as_micros),
            })
            .collect();
        let instance = start::start(&self.linked, store)?;
        let guest = self.functions.load(&mut store, &instance)?;
        let verdicts = guest.call_resolve(&mut store, cells::leg(leg), wit::Context { initial }, &clashes)?;
        if verdicts.len() != clashes.len() {
            return Err(WrongLength { expected: clashes.len(), found: verdicts.len() }.into());
        }
        Ok(verdicts
            .into_iter()
            .map(|verdict| {
                Ok(match verdict {
                    WitVerdict::SourceWins => Verdict::SourceWins,
                    WitVerdict::TargetWins => Verdict::TargetWins,
                    WitVerdict::Merge(merged) => Verdict::Merge(cells::record_from(merged, columns)?),
                    WitVerdict::Refuse(violations) => Verdict::Refuse(cells::violations_from(violations)),
                })
            })
            .collect())
    }
}

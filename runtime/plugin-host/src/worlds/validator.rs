//! `validator`: whether records are accepted, before they are mapped or before they are written.

use std::ops::Range;

use dualwright_model::MapName;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::bindings::dualwright::plugin::types as wit;
use super::bindings::exports::dualwright::plugin::validator::{
    GuestIndices, Stage as WitStage, ValidatorDescription,
};
use super::typed::Exported;
use super::{cells, start};
use crate::caller::Answers;
use crate::fault::WrongLength;
use crate::rows::Rows;
use crate::store::State;
use crate::{LayerDescription, LayerRole, Stage, Violation};

/// A validator, linked with what it was granted: what remains for each batch is to make the instance.
pub(crate) struct Validator {
    linked: InstancePre<State>,
    functions: GuestIndices,
}

/// Whether the functions have the contract's types.
///
/// # Errors
/// What is missing or different.
pub(crate) fn check_types(exported: &Exported<'_>) -> Result<(), String> {
    exported.check::<(), (ValidatorDescription,)>("describe-validator")?;
    exported.check::<(wit::Context, &[wit::Change<'_>]), (Vec<Vec<wit::Violation>>,)>("validate")
}

impl Validator {
    /// Finds the contract's functions.
    ///
    /// # Errors
    /// When one is missing or has other types.
    pub(crate) fn new(linked: InstancePre<State>) -> wasmtime::Result<Self> {
        let functions = GuestIndices::new(&linked)?;
        Ok(Self { linked, functions })
    }

    /// Asks a fresh instance what it is. Nothing in the answer is checked yet.
    pub(crate) fn describe(&self, mut store: &mut Store<State>) -> wasmtime::Result<LayerDescription> {
        let instance = start::start(&self.linked, store)?;
        let guest = self.functions.load(&mut store, &instance)?;
        let said = guest.call_describe_validator(&mut store)?;
        Ok(LayerDescription {
            name: MapName::new(said.name),
            version: said.version,
            about: said.about,
            map: MapName::new(said.map),
            leg: cells::leg_from(said.leg),
            reads: said.reads.into_iter().map(Into::into).collect(),
            role: LayerRole::Validator {
                stage: match said.stage {
                    WitStage::Captured => Stage::Captured,
                    WitStage::Mapped => Stage::Mapped,
                },
            },
        })
    }

    /// Gives some rows to a fresh instance. The violations of each row, in the same order; none accepts it.
    pub(crate) fn validate(
        &self,
        mut store: &mut Store<State>,
        initial: bool,
        rows: &Rows,
        range: &Range<usize>,
    ) -> wasmtime::Result<Answers<Vec<Violation>>> {
        let picked = rows.rows.get(range.clone()).unwrap_or_default();
        let lowered = cells::lower_all(rows, picked);
        let changes = cells::changes(picked, &lowered);
        let instance = start::start(&self.linked, store)?;
        let guest = self.functions.load(&mut store, &instance)?;
        let verdicts = guest.call_validate(&mut store, wit::Context { initial }, &changes)?;
        if verdicts.len() != changes.len() {
            return Err(WrongLength { expected: changes.len(), found: verdicts.len() }.into());
        }
        Ok(verdicts.into_iter().map(|violations| Ok(cells::violations_from(violations))).collect())
    }
}

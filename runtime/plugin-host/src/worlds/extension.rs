//! `extension`: columns that are added to what a map wrote, or put in their place.

use std::ops::Range;

use dualwright_model::{ColumnPath, MapName};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::bindings::dualwright::plugin::types as wit;
use super::bindings::exports::dualwright::plugin::extension::{
    Extended as WitExtended, ExtensionDescription, GuestIndices, Passing,
};
use super::typed::Exported;
use super::{cells, start};
use crate::caller::Answers;
use crate::fault::WrongLength;
use crate::layer::Extended;
use crate::rows::Rows;
use crate::store::State;
use crate::{LayerDescription, LayerRole};

/// An extension, linked with what it was granted: what remains for each batch is to make the instance.
pub(crate) struct Extension {
    linked: InstancePre<State>,
    functions: GuestIndices,
}

/// Whether the functions have the contract's types.
///
/// # Errors
/// What is missing or different.
pub(crate) fn check_types(exported: &Exported<'_>) -> Result<(), String> {
    exported.check::<(), (ExtensionDescription,)>("describe-extension")?;
    exported.check::<(wit::Context, &[Passing<'_>]), (Vec<WitExtended>,)>("extend")
}

impl Extension {
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
        let said = guest.call_describe_extension(&mut store)?;
        Ok(LayerDescription {
            name: MapName::new(said.name),
            version: said.version,
            about: said.about,
            map: MapName::new(said.map),
            leg: cells::leg_from(said.leg),
            reads: said.reads.into_iter().map(Into::into).collect(),
            role: LayerRole::Extension { owns: said.owns.into_iter().map(Into::into).collect() },
        })
    }

    /// Gives some rows to a fresh instance. A row's cells are those of `reads` and then, after `source` of them, those of
    /// `owns`. One answer a row, in the same order.
    pub(crate) fn extend(
        &self,
        mut store: &mut Store<State>,
        initial: bool,
        rows: &Rows,
        range: &Range<usize>,
        source: usize,
        owns: &[ColumnPath],
    ) -> wasmtime::Result<Answers<Extended>> {
        let picked = rows.rows.get(range.clone()).unwrap_or_default();
        let lowered = cells::lower_all(rows, picked);
        let passing: Vec<Passing<'_>> = cells::changes(picked, &lowered)
            .into_iter()
            .map(|whole| {
                let (cells, target) = whole.cells.split_at_checked(source).unwrap_or_default();
                Passing { source: wit::Change { operation: whole.operation, cells }, target }
            })
            .collect();
        let instance = start::start(&self.linked, store)?;
        let guest = self.functions.load(&mut store, &instance)?;
        let answers = guest.call_extend(&mut store, wit::Context { initial }, &passing)?;
        if answers.len() != passing.len() {
            return Err(WrongLength { expected: passing.len(), found: answers.len() }.into());
        }
        Ok(answers
            .into_iter()
            .map(|answer| match answer {
                WitExtended::Cells(written) => Ok(Extended::Cells(cells::record_from(written, owns)?)),
                WitExtended::Reject(violations) => Ok(Extended::Reject(cells::violations_from(violations))),
            })
            .collect())
    }
}

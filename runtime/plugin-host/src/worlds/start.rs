//! From a linked component to a fresh instance.

use std::time::Instant;

use wasmtime::component::{Component, HasSelf, Instance, InstancePre, Linker};
use wasmtime::{Engine, Store, Trap};

use super::bindings::dualwright::plugin::{http, log, lookup, settings};
use crate::Grants;
use crate::fault::NotStarted;
use crate::store::State;

/// Links what was granted, and nothing else (I6).
///
/// # Errors
/// When an import is missing or has other types.
pub(crate) fn link(
    engine: &Engine,
    component: &Component,
    grants: &Grants,
) -> wasmtime::Result<InstancePre<State>> {
    let mut linker = Linker::<State>::new(engine);
    if grants.allow(crate::grants::LOG) {
        log::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    }
    if grants.allow(crate::grants::SETTINGS) {
        settings::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    }
    if grants.allow(crate::grants::LOOKUP) {
        lookup::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    }
    if grants.allow(crate::grants::HTTP) {
        http::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    }
    linker.instantiate_pre(component)
}

/// Makes an instance for one call, or takes the one that was made ahead in this store.
///
/// # Errors
/// The guest's own trap, or [`NotStarted`] when the host had no room for it.
pub(crate) fn start(linked: &InstancePre<State>, store: &mut Store<State>) -> wasmtime::Result<Instance> {
    if let Some(instance) = store.data_mut().ahead.take() {
        return Ok(instance);
    }
    let begun = Instant::now();
    let instance = linked.instantiate(&mut *store).map_err(|error| {
        if error.is::<Trap>() { error } else { NotStarted(error.root_cause().to_string()).into() }
    })?;
    let state = store.data_mut();
    if begun.elapsed() >= state.slow {
        state.slow_start = Some(linked.clone());
    }
    Ok(instance)
}

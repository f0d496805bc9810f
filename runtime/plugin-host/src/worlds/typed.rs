//! Whether a component's functions have the contract's types.
//!
//! The engine itself compares types only when it makes the first instance, where the difference would look like a bad
//! answer. Its check is public and hidden from its documentation; the types it is given are the generated ones.

use wasmtime::Engine;
use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{Component, ComponentNamedList, Lift, Lower};

/// One exported interface of a component.
pub(crate) struct Exported<'a> {
    engine: &'a Engine,
    component: types::Component,
    name: &'a str,
}

impl<'a> Exported<'a> {
    /// `name` is the whole name by which the component exports it.
    pub(crate) fn new(engine: &'a Engine, component: &Component, name: &'a str) -> Self {
        Self { engine, component: component.component_type(), name }
    }

    /// Compares one function.
    ///
    /// # Errors
    /// What is missing or different.
    pub(crate) fn check<P, R>(&self, function: &str) -> Result<(), String>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let name = self.name;
        let found = self.component.get_export(self.engine, name).map(|item| item.ty);
        let Some(ComponentItem::ComponentInstance(interface)) = found else {
            return Err(name.to_owned());
        };
        let found = interface.get_export(self.engine, function).map(|item| item.ty);
        let Some(ComponentItem::ComponentFunc(exported)) = found else {
            return Err(format!("{name}#{function}"));
        };
        exported.typecheck::<P, R>(&self.component.instance_type()).map_err(|error| {
            format!("{name}#{function} with the types of the contract: {}", error.root_cause())
        })
    }
}

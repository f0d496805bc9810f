//! From bytes to a validator or an extension.

use std::sync::Arc;

use wasmtime::Store;

use super::Opened;
use crate::engine::Shared;
use crate::layer::LayerGuest;
use crate::store::State;
use crate::worlds::contract::{Contract, Interface};
use crate::worlds::extension::{self, Extension};
use crate::worlds::validator::{self, Validator};
use crate::{Grants, HostError, Layer, describe};

/// Checks, compiles, links and asks; see [`crate::Host::load_layer`].
pub(crate) fn load(
    shared: &Arc<Shared>,
    name: &str,
    bytes: &[u8],
    grants: &Grants,
) -> Result<Layer, HostError> {
    let _loading = shared.loading();
    layer(Opened::new(shared, name, bytes, grants)?)
}

pub(super) fn layer(opened: Opened<'_>) -> Result<Layer, HostError> {
    let interface = interface(&opened.contract).map_err(|what| opened.missing(what))?;
    let export = opened.contract.export(interface);
    let export = export.ok_or_else(|| opened.missing(interface.full_name()))?;
    let exported = opened.exported(export);
    let guest = if interface == Interface::Validator {
        validator::check_types(&exported).map_err(|what| opened.missing(what))?;
        LayerGuest::Validator(opened.link(Validator::new)?)
    } else {
        extension::check_types(&exported).map_err(|what| opened.missing(what))?;
        LayerGuest::Extension(opened.link(Extension::new)?)
    };
    let describe = |store: &mut Store<State>| match &guest {
        LayerGuest::Validator(validator) => validator.describe(store),
        LayerGuest::Extension(extension) => extension.describe(store),
    };
    let description = opened.ask(describe, describe::layer::check)?;
    let caller = opened.caller(&description.name, &description.version);
    let fields = opened.grants.fields.clone();
    Ok(Layer::new(guest, opened.contract.version, opened.digest, description, fields, caller))
}

/// Which kind of layer it is: exactly one. A component that does two things could be granted, activated and taken back
/// only for both at once.
fn interface(contract: &Contract) -> Result<Interface, String> {
    let has = |interface| contract.export(interface).is_some();
    match (has(Interface::Mapper), has(Interface::Validator), has(Interface::Extension)) {
        (true, _, _) => Err(
            "what a layer exports and nothing else: it is a map (or has a map in it), to be listed as a [[map]]".to_owned(),
        ),
        (false, true, true) => Err(
            "one kind of layer only: it is a validator and an extension; build two components of it".to_owned(),
        ),
        (false, true, false) => Ok(Interface::Validator),
        (false, false, true) => Ok(Interface::Extension),
        (false, false, false) => {
            Err(format!("{} or {}", Interface::Validator.full_name(), Interface::Extension.full_name()))
        }
    }
}

//! From bytes to a plugin: every check that a component must pass before it may see a row (I7).

pub(crate) mod layer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dualwright_model::{ColumnPath, Digest, MapName};
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, InstancePre};
use wasmtime::{Engine, Store};

use crate::caller::Caller;
use crate::engine::Shared;
use crate::imports::outside::Outside;
use crate::store::{self, State};
use crate::worlds::contract::{Contract, Interface};
use crate::worlds::mapper::{self, Mapper};
use crate::worlds::resolver::{self, Resolver};
use crate::worlds::start;
use crate::worlds::typed::Exported;
use crate::{Description, Grants, HostError, Loaded, Plugin, cache, describe, fault};

/// Checks, compiles, links and asks; see [`crate::Host::load`].
pub(crate) fn load(
    shared: &Arc<Shared>,
    name: &str,
    bytes: &[u8],
    grants: &Grants,
) -> Result<Plugin, HostError> {
    let _loading = shared.loading();
    map(Opened::new(shared, name, bytes, grants)?)
}

/// The same for a component of whatever role; see [`crate::Host::load_any`].
pub(crate) fn load_any(
    shared: &Arc<Shared>,
    name: &str,
    bytes: &[u8],
    grants: &Grants,
) -> Result<Loaded, HostError> {
    let _loading = shared.loading();
    let opened = Opened::new(shared, name, bytes, grants)?;
    if opened.contract.export(Interface::Mapper).is_some() {
        map(opened).map(Loaded::Map)
    } else {
        layer::layer(opened).map(Loaded::Layer)
    }
}

fn map(opened: Opened<'_>) -> Result<Plugin, HostError> {
    let export = opened.contract.export(Interface::Mapper);
    let export = export.ok_or_else(|| opened.missing(no_map(&opened.contract)))?;
    if let Some(word) = layer_in(&opened.contract) {
        return Err(opened.wrong(format!(
            "it is a map and {word} at once; build two components of it, so that each can be granted and activated by \
             itself"
        )));
    }
    mapper::check_types(&opened.exported(export)).map_err(|what| opened.missing(what))?;
    let mapper = opened.link(Mapper::new)?;
    let resolver = match opened.contract.export(Interface::Resolver) {
        Some(export) => {
            resolver::check_types(&opened.exported(export)).map_err(|what| opened.missing(what))?;
            Some(opened.link(Resolver::new)?)
        }
        None => None,
    };
    let description = opened.ask(|store| mapper.describe(store), describe::check)?;
    check_key(opened.name, &description, opened.grants)?;
    let caller = opened.caller(&description.name, &description.version);
    let fields = opened.grants.fields.clone();
    Ok(Plugin::new(mapper, resolver, opened.contract.version, opened.digest, description, fields, caller))
}

/// A component on its way in, whatever it exports.
struct Opened<'a> {
    shared: &'a Arc<Shared>,
    name: &'a str,
    grants: &'a Grants,
    digest: Digest,
    component: Component,
    contract: Contract,
    settings: Arc<BTreeMap<String, String>>,
}

impl<'a> Opened<'a> {
    /// Compiles it and looks at what it imports.
    fn new(
        shared: &'a Arc<Shared>,
        name: &'a str,
        bytes: &[u8],
        grants: &'a Grants,
    ) -> Result<Self, HostError> {
        check_bytes(shared, name, bytes)?;
        let digest = cache::digest_of(bytes);
        let component = compile(shared, name, bytes, &digest)?;
        check_imports(&shared.engine, name, &component, grants)?;
        let contract = Contract::read(&shared.engine, &component)
            .map_err(|export| HostError::MissingExport { name: name.to_owned(), export })?;
        let settings = Arc::new(grants.settings.clone());
        Ok(Self { shared, name, grants, digest, component, contract, settings })
    }

    fn missing(&self, export: String) -> HostError {
        HostError::MissingExport { name: self.name.to_owned(), export }
    }

    fn wrong(&self, reason: String) -> HostError {
        HostError::BadDescription { name: self.name.to_owned(), reason }
    }

    fn exported<'e>(&'e self, export: &'e str) -> Exported<'e> {
        Exported::new(&self.shared.engine, &self.component, export)
    }

    /// Links what was granted, and finds the functions of one interface.
    fn link<T>(&self, find: impl FnOnce(InstancePre<State>) -> wasmtime::Result<T>) -> Result<T, HostError> {
        let linked = start::link(&self.shared.engine, &self.component, self.grants).and_then(find);
        linked.map_err(|error| HostError::NotAComponent {
            name: self.name.to_owned(),
            reason: format!("it cannot be linked: {error:#}"),
        })
    }

    /// Asks twice what it is, each time a fresh instance: one whose answer changes cannot be checked against anything.
    fn ask<T: PartialEq>(
        &self,
        describe: impl Fn(&mut Store<State>) -> wasmtime::Result<T>,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) -> Result<T, HostError> {
        let limits = &self.shared.limits;
        let once = || {
            let mut store = store::fresh(
                &self.shared.engine,
                limits.memory_bytes,
                limits.deadline,
                limits.output_bytes_floor,
                Arc::from(self.name),
                Arc::clone(&self.settings),
            );
            describe(&mut store).map_err(|error| {
                let State { guard, .. } = store.data();
                self.wrong(fault::of(&error, guard, limits.memory_bytes, limits.deadline).message)
            })
        };
        let (first, second) = (once()?, once()?);
        if first != second {
            return Err(self.wrong("asked twice, it gave two answers".to_owned()));
        }
        check(&first).map_err(|reason| self.wrong(reason))?;
        Ok(first)
    }

    fn caller(&self, name: &MapName, version: &str) -> Arc<Caller> {
        let outside = Outside::granted(self.shared.services.as_ref(), self.grants, &self.shared.limits);
        let origin = format!("{name} {version}");
        Caller::new(Arc::clone(self.shared), origin, Arc::clone(&self.settings), outside)
    }
}

/// What a component without a map in it lacks.
fn no_map(contract: &Contract) -> String {
    let mapper = Interface::Mapper.full_name();
    match layer_in(contract) {
        Some(word) => {
            format!("{mapper}: it is {word}; stack it on its map, as a [[map.layer]] below its [[map]]")
        }
        None => mapper,
    }
}

fn layer_in(contract: &Contract) -> Option<&'static str> {
    let words = [(Interface::Validator, "a validator"), (Interface::Extension, "an extension")];
    words.into_iter().find(|(interface, _)| contract.export(*interface).is_some()).map(|(_, word)| word)
}

/// A map that does not see the key cannot say which record it is about.
fn check_key(name: &str, said: &Description, grants: &Grants) -> Result<(), HostError> {
    let sources = said.legs.iter().map(|leg| leg.leg.source());
    let withheld: BTreeSet<ColumnPath> = sources
        .flat_map(|system| said.key_columns(system))
        .filter(|column| !grants.fields.allows(column))
        .collect();
    if withheld.is_empty() {
        return Ok(());
    }
    let columns = withheld.iter().map(ColumnPath::as_str).collect::<Vec<_>>().join(", ");
    Err(HostError::KeyNotGranted { name: name.to_owned(), columns })
}

fn check_bytes(shared: &Shared, name: &str, bytes: &[u8]) -> Result<(), HostError> {
    let limit = shared.limits.max_component_bytes;
    if bytes.len() > limit {
        return Err(HostError::TooLarge {
            name: name.to_owned(),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
        });
    }
    // The first eight bytes say what the rest is; text is not accepted, whatever the engine was built with.
    let reason = match bytes.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => return Ok(()),
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {
            "it is a core module; make it a component first (`dualwright map build`, or `wasm-tools component new`)"
        }
        Some([0, b'a', b's', b'm', ..]) => "it is WebAssembly of a version that is not known here",
        _ => "it is not WebAssembly",
    };
    Err(HostError::NotAComponent { name: name.to_owned(), reason: reason.to_owned() })
}

fn compile(shared: &Shared, name: &str, bytes: &[u8], digest: &Digest) -> Result<Component, HostError> {
    if let Some(component) = shared.cache.as_ref().and_then(|cache| cache.get(&shared.engine, digest)) {
        return Ok(component);
    }
    let component = Component::from_binary(&shared.engine, bytes)
        .map_err(|error| HostError::NotAComponent { name: name.to_owned(), reason: format!("{error:#}") })?;
    if let Some(cache) = &shared.cache {
        cache.put(digest, &component);
    }
    Ok(component)
}

/// I6: whatever it imports and was not granted makes it unusable, rather than being answered with a trap later.
fn check_imports(
    engine: &Engine,
    name: &str,
    component: &Component,
    grants: &Grants,
) -> Result<(), HostError> {
    let wanted: Vec<String> = component
        .component_type()
        .imports(engine)
        .filter(|(import, item)| needs_something(engine, &item.ty) && !grants.allow(import))
        .map(|(import, _)| import.to_owned())
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    Err(HostError::ImportNotGranted {
        name: name.to_owned(),
        hint: hint(&wanted),
        imports: wanted.join(", "),
    })
}

/// An import that only names types asks for nothing: components import the contract's words that way.
fn needs_something(engine: &Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::Type(_) => false,
        ComponentItem::ComponentInstance(instance) => any_function(engine, instance),
        _ => true,
    }
}

fn any_function(engine: &Engine, instance: &ComponentInstance) -> bool {
    instance.exports(engine).any(|(_, item)| needs_something(engine, &item.ty))
}

fn hint(wanted: &[String]) -> String {
    let lines: Vec<&str> = wanted.iter().filter_map(|import| Grants::how_to_allow(import)).collect();
    if wanted.iter().any(|import| import.starts_with("wasi:")) {
        ". Maps run without WASI; build it without: Rust `--target wasm32-unknown-unknown`, JavaScript \
         `jco componentize --disable all` or `componentize-qjs --stub-wasi`, Python `componentize-py --stub-wasi`"
            .to_owned()
    } else if lines.is_empty() {
        ". This host knows no such import; remove it".to_owned()
    } else {
        format!(
            ". Grant it to this map in the configuration, below its [[map]]: `[map.grants]` with `{}`; or use a version \
             that does without",
            lines.join("` and `")
        )
    }
}

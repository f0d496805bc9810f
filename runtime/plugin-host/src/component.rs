//! From bytes to a plugin: every check that a component must pass before it may see a row (I7).

use std::collections::BTreeMap;
use std::sync::Arc;

use dualwright_model::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::{ComponentInstance, ComponentItem};

use crate::engine::Shared;
use crate::imports::outside::Outside;
use crate::store::{self, State};
use crate::worlds::contract::{Contract, Interface};
use crate::worlds::mapper::{self, Mapper};
use crate::worlds::start;
use crate::worlds::typed::Exported;
use crate::{Description, Grants, HostError, Plugin, cache, describe, fault};

/// Checks, compiles, links and asks; see [`crate::Host::load`].
pub(crate) fn load(
    shared: &Arc<Shared>,
    name: &str,
    bytes: &[u8],
    grants: &Grants,
) -> Result<Plugin, HostError> {
    check_bytes(shared, name, bytes)?;
    let digest = cache::digest_of(bytes);
    let _loading = shared.loading();
    let component = compile(shared, name, bytes, &digest)?;
    check_imports(&shared.engine, name, &component, grants)?;
    let missing = |export| HostError::MissingExport { name: name.to_owned(), export };
    let contract = Contract::read(&shared.engine, &component).map_err(missing)?;
    let export = contract.export(Interface::Mapper).ok_or_else(|| missing(Interface::Mapper.full_name()))?;
    mapper::check_types(&Exported::new(&shared.engine, &component, export)).map_err(missing)?;
    let unlinked = |error: wasmtime::Error| HostError::NotAComponent {
        name: name.to_owned(),
        reason: format!("it cannot be linked: {error:#}"),
    };
    let linked = start::link(&shared.engine, &component, grants).map_err(unlinked)?;
    let mapper = Mapper::new(linked).map_err(unlinked)?;
    let settings = Arc::new(grants.settings.clone());
    let description = ask(shared, name, &mapper, &settings)?;
    let outside = Outside::granted(shared.services.as_ref(), grants, &shared.limits);
    Ok(Plugin::new(Arc::clone(shared), mapper, contract.version, digest, description, settings, outside))
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

/// Asks twice, each time a fresh instance: a map whose answer changes cannot be checked against anything.
fn ask(
    shared: &Shared,
    name: &str,
    mapper: &Mapper,
    settings: &Arc<BTreeMap<String, String>>,
) -> Result<Description, HostError> {
    let wrong = |reason: String| HostError::BadDescription { name: name.to_owned(), reason };
    let limits = &shared.limits;
    let once = || {
        let mut store = store::fresh(
            &shared.engine,
            limits.memory_bytes,
            limits.deadline,
            limits.output_bytes_floor,
            Arc::from(name),
            Arc::clone(settings),
        );
        mapper.describe(&mut store).map_err(|error| {
            let State { guard, .. } = store.data();
            wrong(fault::of(&error, guard, limits.memory_bytes, limits.deadline).message)
        })
    };
    let (first, second) = (once()?, once()?);
    if first != second {
        return Err(wrong("asked twice, it gave two answers".to_owned()));
    }
    describe::check(&first).map_err(wrong)?;
    Ok(first)
}

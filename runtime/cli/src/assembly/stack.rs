//! A map of the configuration with what is stacked on it, as components in the sandbox.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dualwright_model::{ColumnPath, MapName};
use dualwright_plugin_host::{FieldGrant, Grants, Host, Layer, Misfits, Plugin, Stack};

use super::maps::host_failure;
use crate::Failure;
use crate::config::{self, Config};

/// A component's bytes, for the registry, and the file they came from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: MapName,
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

/// A map with its layers, and where its parts came from.
#[derive(Clone, Debug)]
pub(crate) struct Stacked {
    pub(crate) stack: Arc<Stack>,
    /// The map, and then its layers, from the base upwards.
    pub(crate) sources: Vec<Source>,
    /// What each was granted, by its name.
    pub(crate) grants: BTreeMap<MapName, Grants>,
}

/// Loads a map and its layers with their grants, and stacks them.
pub(crate) async fn load(
    host: &Host,
    config: &Config,
    settings: &config::Map,
    file: String,
    bytes: Vec<u8>,
) -> Result<Stacked, Failure> {
    let granted = settings.grants.read(&config.folder)?;
    let base = host
        .load_async(&file, bytes.clone(), granted.clone())
        .await
        .map_err(|error| host_failure(&error, file.as_ref()))?;
    warn_of_slips(&base.description().name, &granted.fields, &declared(&base));
    let name = base.description().name.clone();
    let mut sources = vec![Source { name: name.clone(), file: file.clone(), bytes }];
    let mut grants = BTreeMap::from([(name, granted)]);
    let mut layers = Vec::new();
    for layer in &settings.layers {
        let (layer, source, granted) = load_layer(host, config, layer).await?;
        grants.insert(source.name.clone(), granted);
        sources.push(source);
        layers.push(layer);
    }
    let stack = Stack::new(base, layers).map_err(|misfits| misfit_failure(&misfits, &file))?;
    Ok(Stacked { stack: Arc::new(stack), sources, grants })
}

/// Loads one layer with its grants.
async fn load_layer(
    host: &Host,
    config: &Config,
    settings: &config::Layer,
) -> Result<(Layer, Source, Grants), Failure> {
    let path = config.resolve(&settings.file);
    let granted = settings.grants.read(&config.folder)?;
    let bytes = read(&path).await?;
    let file = path.display().to_string();
    let layer = host
        .load_layer_async(&file, bytes.clone(), granted.clone())
        .await
        .map_err(|error| host_failure(&error, &path))?;
    let said = layer.description();
    let declared: Vec<ColumnPath> = said.reads.iter().chain(said.owns()).cloned().collect();
    warn_of_slips(&said.name, &granted.fields, &declared);
    let source = Source { name: said.name.clone(), file, bytes };
    Ok((layer, source, granted))
}

/// Why layers are not stacked on a map.
pub(crate) fn misfit_failure(misfits: &Misfits, file: &str) -> Failure {
    let mut failure = Failure::of_class(misfits.class(), "the layers do not fit the map").at(file);
    for misfit in &misfits.0 {
        failure = failure.because(misfit.clone()).hint(misfit.what_to_do());
    }
    failure
}

async fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    tokio::fs::read(path).await.map_err(|error| {
        Failure::usage("cannot read the layer")
            .at(path.display())
            .because(error)
            .hint("a layer is a component (.wasm): a validator or an extension")
    })
}

/// Every column that a map asks for, on either side.
fn declared(base: &Plugin) -> Vec<ColumnPath> {
    base.description().legs.iter().flat_map(|leg| leg.reads.iter().cloned()).collect()
}

/// A name with a slip in it withholds nothing: somebody must hear of that.
fn warn_of_slips(component: &MapName, fields: &FieldGrant, declared: &[ColumnPath]) {
    for column in fields.unknown(declared) {
        tracing::warn!(
            %component, %column,
            "a grant names a column that the component does not ask for; see whether it is spelled as the component spells it"
        );
    }
}

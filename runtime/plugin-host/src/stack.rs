//! A map and what is stacked on it: validators and extensions, base first, then partner, then customer.

mod fit;
mod flow;
mod misfit;

use std::fmt;
use std::sync::Arc;

use dualwright_model::{ColumnPath, Digest, Leg, MapName};
use sha2::{Digest as _, Sha256};

use crate::grants::same;
use crate::rows::Picks;
use crate::{Clash, Description, GuestChange, Layer, Plugin, ResolveResult, TransformResult, Verdict, cache};

pub use misfit::{Misfit, Misfits};

/// A map with its layers, in order. Cheap to clone. Like its parts it has no state; another version of one part is
/// another stack.
#[derive(Clone)]
pub struct Stack {
    inner: Arc<Inner>,
}

struct Inner {
    base: Plugin,
    layers: Vec<Layer>,
    placed: Vec<Placed>,
    description: Description,
    digest: Digest,
}

/// A layer in its place: names are spelled as those below it spell them, and what was not granted is not picked.
struct Placed {
    layer: Layer,
    reads: Picks,
    owned: Picks,
    owns: Arc<[ColumnPath]>,
}

impl fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stack")
            .field("base", &self.inner.base)
            .field("layers", &self.inner.layers)
            .finish()
    }
}

impl From<Plugin> for Stack {
    /// A map with nothing on it.
    fn from(base: Plugin) -> Self {
        Self::built(base, Vec::new())
    }
}

impl Stack {
    /// Stacks layers on a map, in order: the partner's first, the customer's last.
    ///
    /// # Errors
    /// Everything that does not fit, by the descriptions alone; whether columns exist is checked against the systems
    /// elsewhere.
    pub fn new(base: Plugin, layers: Vec<Layer>) -> Result<Self, Misfits> {
        fit::check(base.description(), layers.iter().map(Layer::description))?;
        Ok(Self::built(base, layers))
    }

    fn built(base: Plugin, layers: Vec<Layer>) -> Self {
        let description = merged(&base, &layers);
        let placed = layers.iter().map(|layer| place(layer, &description)).collect();
        let digest = digest(&base, &layers);
        Self { inner: Arc::new(Inner { base, layers, placed, description, digest }) }
    }

    /// The same layers on another version of the map.
    ///
    /// # Errors
    /// As [`Stack::new`]: a column that a layer builds on may be gone.
    pub fn with_base(&self, base: Plugin) -> Result<Self, Misfits> {
        Self::new(base, self.inner.layers.clone())
    }

    /// Another version of one layer, in its place. A layer of a new name goes on top.
    ///
    /// # Errors
    /// As [`Stack::new`].
    pub fn with_layer(&self, layer: Layer) -> Result<Self, Misfits> {
        let mut layers = self.inner.layers.clone();
        let name = &layer.description().name;
        match layers.iter_mut().find(|one| one.description().name == *name) {
            Some(place) => *place = layer,
            None => layers.push(layer),
        }
        Self::new(self.inner.base.clone(), layers)
    }

    /// The map itself.
    pub fn base(&self) -> &Plugin {
        &self.inner.base
    }

    /// What is stacked on it, from the base upwards.
    pub fn layers(&self) -> &[Layer] {
        &self.inner.layers
    }

    /// The layer of this name.
    pub fn layer(&self, name: &MapName) -> Option<&Layer> {
        self.inner.layers.iter().find(|layer| layer.description().name == *name)
    }

    /// What the whole is: the map's description, with what it was not granted taken out of its reads, and with what the
    /// layers read and own. The version names every part: `1.0.0 + customer-loyalty 1.2.0`.
    pub fn description(&self) -> &Description {
        &self.inner.description
    }

    /// Which components these are: the map's own digest where nothing is stacked on it, and otherwise the SHA-256 over
    /// all digests in order.
    pub fn digest(&self) -> &Digest {
        &self.inner.digest
    }

    /// Gives a batch to the map and its layers: exactly one answer a change, in the same order. Validators of captured
    /// records come first, then the map, then the extensions in order, then the validators of what is about to be
    /// written. Whatever is no upsert any more passes those above by. All validators of a stage see a record, so that
    /// all reasons against it are told at once.
    ///
    /// Never fails as a whole (I9); a fault of a layer is a fault that names it.
    pub async fn transform(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        flow::run(&self.inner, leg, initial, batch, false).await
    }

    /// [`Stack::transform`] for a look at what would be written; see [`Plugin::rehearse`].
    pub async fn rehearse(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        flow::run(&self.inner, leg, initial, batch, true).await
    }

    /// Whether the map decides about records that both sides changed; see [`Plugin::resolves`].
    pub fn resolves(&self) -> bool {
        self.inner.base.resolves()
    }

    /// Asks the map about records that both sides changed; see [`Plugin::resolve`]. It knows its own columns only: where
    /// it mixes both versions, what extensions wrote is written with them.
    pub async fn resolve(&self, leg: Leg, initial: bool, batch: &[Clash]) -> Vec<ResolveResult> {
        let verdicts = self.inner.base.resolve(leg, initial, batch).await;
        let known = self.inner.base.description().leg(leg).map(|leg| leg.writes.as_slice());
        let known = known.unwrap_or_default();
        let mixed = verdicts.into_iter().zip(batch).map(|(verdict, clash)| match verdict {
            Ok(Verdict::Merge(mut cells)) => {
                for (column, value) in clash.wanted.iter().filter(|(column, _)| !known.contains(column)) {
                    cells.set(column.clone(), value.clone());
                }
                Ok(Verdict::Merge(cells))
            }
            other => other,
        });
        mixed.collect()
    }
}

fn digest(base: &Plugin, layers: &[Layer]) -> Digest {
    if layers.is_empty() {
        return base.digest().clone();
    }
    let mut hasher = Sha256::new();
    for digest in std::iter::once(base.digest()).chain(layers.iter().map(Layer::digest)) {
        hasher.update(digest.as_str());
        hasher.update(b"\n");
    }
    Digest::new(cache::hexadecimal(&hasher.finalize()))
}

fn merged(base: &Plugin, layers: &[Layer]) -> Description {
    let mut whole = base.description().clone();
    for leg in &mut whole.legs {
        leg.reads.retain(|column| base.fields().allows(column));
    }
    for layer in layers {
        let said = layer.description();
        whole.version = format!("{} + {} {}", whole.version, said.name, said.version);
        let Some(leg) = whole.legs.iter_mut().find(|leg| leg.leg == said.leg) else { continue };
        if said.reads_side() == said.leg.source() {
            add(&mut leg.reads, said.reads.iter().filter(|column| layer.fields().allows(column)));
        }
        add(&mut leg.writes, said.owns());
    }
    whole
}

/// Adds the columns that are not there yet, under whichever spelling.
fn add<'a>(columns: &mut Vec<ColumnPath>, more: impl IntoIterator<Item = &'a ColumnPath>) {
    for column in more {
        if !columns.iter().any(|known| same(known, column)) {
            columns.push(column.clone());
        }
    }
}

fn place(layer: &Layer, whole: &Description) -> Placed {
    let said = layer.description();
    let leg = whole.leg(said.leg);
    let (reads, writes) = leg.map_or((&[][..], &[][..]), |leg| (leg.reads.as_slice(), leg.writes.as_slice()));
    let known = if said.reads_side() == said.leg.source() { reads } else { writes };
    let owns = spelled(said.owns(), writes);
    Placed {
        layer: layer.clone(),
        reads: Picks::new(&spelled(&said.reads, known), layer.fields()),
        owned: Picks::new(&owns, layer.fields()),
        owns: owns.into(),
    }
}

/// The columns as a record spells them.
fn spelled(columns: &[ColumnPath], known: &[ColumnPath]) -> Vec<ColumnPath> {
    let known = |column: &ColumnPath| known.iter().find(|known| same(known, column));
    columns.iter().map(|column| known(column).unwrap_or(column).clone()).collect()
}

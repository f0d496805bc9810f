//! What is stacked on a map: validators and extensions.

use std::fmt;
use std::sync::Arc;

use dualwright_model::{ColumnPath, Digest, Leg, MapName, Record, System};
use serde::{Deserialize, Serialize};

use crate::caller::{Answers, Caller};
use crate::rows::Rows;
use crate::worlds::contract::Version;
use crate::worlds::extension::Extension;
use crate::worlds::validator::Validator;
use crate::{FieldGrant, PluginStats, Violation};

/// When a validator looks at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// As it was captured: the source's columns.
    Captured,
    /// As it is about to be written: the target's columns, as the map and all extensions left them.
    Mapped,
}

/// What a layer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerRole {
    /// It accepts or refuses records.
    Validator {
        /// When.
        stage: Stage,
    },
    /// It adds to what was written.
    Extension {
        /// Target columns it answers for, in the order of its cells.
        owns: Vec<ColumnPath>,
    },
}

/// What a validator or extension says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerDescription {
    /// Its name.
    pub name: MapName,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub about: String,
    /// The map it is made for.
    pub map: MapName,
    /// The leg of that map.
    pub leg: Leg,
    /// The columns it needs, in the order of the cells it gets: of the source, and of the target for a validator of
    /// what is about to be written.
    pub reads: Vec<ColumnPath>,
    /// What it does.
    pub role: LayerRole,
}

impl LayerDescription {
    /// The side that `reads` is about.
    pub fn reads_side(&self) -> System {
        match self.role {
            LayerRole::Validator { stage: Stage::Mapped } => self.leg.target(),
            _ => self.leg.source(),
        }
    }

    /// The target columns that it answers for; none for a validator.
    pub fn owns(&self) -> &[ColumnPath] {
        match &self.role {
            LayerRole::Extension { owns } => owns,
            LayerRole::Validator { .. } => &[],
        }
    }

    /// `validator` or `extension`.
    pub fn word(&self) -> &'static str {
        match self.role {
            LayerRole::Validator { .. } => "validator",
            LayerRole::Extension { .. } => "extension",
        }
    }
}

impl fmt::Display for LayerDescription {
    /// What messages call it: `extension customer-loyalty 1.0.0`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.word(), self.name, self.version)
    }
}

/// What an extension answers for one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Extended {
    Cells(Record),
    Reject(Vec<Violation>),
}

/// A validator or extension that passed all checks, compiled and linked. Cheap to clone; the clones are the same layer.
/// Like a [`Plugin`](crate::Plugin) it has no state. It works as a part of a [`Stack`](crate::Stack).
#[derive(Clone)]
pub struct Layer {
    inner: Arc<Inner>,
}

struct Inner {
    guest: LayerGuest,
    contract: Version,
    digest: Digest,
    description: LayerDescription,
    fields: FieldGrant,
    caller: Arc<Caller>,
}

/// The component, by what it exports.
pub(crate) enum LayerGuest {
    Validator(Validator),
    Extension(Extension),
}

impl fmt::Debug for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Layer").field(&self.inner.caller).field(&self.inner.digest).finish()
    }
}

impl Layer {
    pub(crate) fn new(
        guest: LayerGuest,
        contract: Version,
        digest: Digest,
        description: LayerDescription,
        fields: FieldGrant,
        caller: Arc<Caller>,
    ) -> Self {
        Self { inner: Arc::new(Inner { guest, contract, digest, description, fields, caller }) }
    }

    /// What it says of itself.
    pub fn description(&self) -> &LayerDescription {
        &self.inner.description
    }

    /// The SHA-256 of the component's bytes.
    pub fn digest(&self) -> &Digest {
        &self.inner.digest
    }

    /// The version of the contract it was built against, `1.1.0`.
    pub fn contract(&self) -> String {
        self.inner.contract.to_string()
    }

    /// What it has done since it was loaded.
    pub fn stats(&self) -> PluginStats {
        self.inner.caller.stats()
    }

    /// Which columns it was granted.
    pub fn fields(&self) -> &FieldGrant {
        &self.inner.fields
    }

    /// The violations of each row; `rows` has the cells of `reads`. Only for validators.
    pub(crate) async fn validate(
        &self,
        initial: bool,
        rehearsal: bool,
        rows: Rows,
    ) -> Answers<Vec<Violation>> {
        let inner = Arc::clone(&self.inner);
        let call =
            self.inner.caller.answer_all(rows, 1, rehearsal, move |store, rows, range| match &inner.guest {
                LayerGuest::Validator(validator) => validator.validate(store, initial, rows, range),
                LayerGuest::Extension(_) => Err(wasmtime::Error::msg("an extension does not validate")),
            });
        call.await
    }

    /// What each row becomes; `rows` has the cells of `reads` and then those of `owns`. Only for extensions.
    pub(crate) async fn extend(
        &self,
        initial: bool,
        rehearsal: bool,
        rows: Rows,
        owns: Arc<[ColumnPath]>,
    ) -> Answers<Extended> {
        let inner = Arc::clone(&self.inner);
        let source = self.inner.description.reads.len();
        let call =
            self.inner.caller.answer_all(rows, owns.len(), rehearsal, move |store, rows, range| match &inner
                .guest
            {
                LayerGuest::Extension(extension) => {
                    extension.extend(store, initial, rows, range, source, &owns)
                }
                LayerGuest::Validator(_) => Err(wasmtime::Error::msg("a validator does not extend")),
            });
        call.await
    }
}

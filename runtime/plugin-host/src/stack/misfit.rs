//! Why layers cannot be stacked on a map.

use std::fmt;

use dualwright_diagnostics::Class;
use dualwright_model::{ColumnPath, Leg, MapName, System};

/// One reason for which layers cannot be stacked on a map as they are. What is written here is for the operator; see
/// [`Misfit::what_to_do`] too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// The layer is made for another map.
    #[error("the {layer} is made for the map {wanted}, not for {map}")]
    OtherMap {
        /// The map it was to be stacked on.
        map: MapName,
        /// The layer.
        layer: String,
        /// The map it names.
        wanted: MapName,
    },
    /// The map has no such leg.
    #[error("the {layer} works on the leg {leg}, which the map {map} {version} does not have")]
    NoLeg {
        /// The map.
        map: MapName,
        /// Its version.
        version: String,
        /// The layer.
        layer: String,
        /// The leg it works on.
        leg: Leg,
    },
    /// Two parts of the stack have one name.
    #[error("the {layer} has the name of another part of the map {map}")]
    SameName {
        /// The map.
        map: MapName,
        /// The layer.
        layer: String,
    },
    /// Records are recognised by the key: only the map itself writes it.
    #[error("the {layer} owns {field} in {side}, which is a key column of the map {map}")]
    OwnsKey {
        /// The map.
        map: MapName,
        /// The layer.
        layer: String,
        /// The side of the column.
        side: System,
        /// The column.
        field: ColumnPath,
    },
    /// One column has one owner.
    #[error("the {first} and the {second} both own {field} in {side} on the map {map}")]
    TwoOwners {
        /// The map.
        map: MapName,
        /// The lower layer.
        first: String,
        /// The upper layer.
        second: String,
        /// The side of the column.
        side: System,
        /// The column.
        field: ColumnPath,
    },
    /// The validator looks at a column of what is about to be written that nobody writes.
    #[error(
        "the {layer} looks at {field} in {side}, which neither the map {map} {version} nor an extension writes"
    )]
    NotWritten {
        /// The map.
        map: MapName,
        /// Its version.
        version: String,
        /// The layer.
        layer: String,
        /// The side of the column.
        side: System,
        /// The column.
        field: ColumnPath,
    },
}

impl Misfit {
    /// The map.
    pub fn map(&self) -> &MapName {
        match self {
            Self::OtherMap { map, .. }
            | Self::NoLeg { map, .. }
            | Self::SameName { map, .. }
            | Self::OwnsKey { map, .. }
            | Self::TwoOwners { map, .. }
            | Self::NotWritten { map, .. } => map,
        }
    }

    /// The column it is about, and its side, where there is one.
    pub fn field(&self) -> Option<(System, &ColumnPath)> {
        match self {
            Self::OwnsKey { side, field, .. }
            | Self::TwoOwners { side, field, .. }
            | Self::NotWritten { side, field, .. } => Some((*side, field)),
            _ => None,
        }
    }

    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherMap { .. } => "layer-of-another-map",
            Self::NoLeg { .. } => "layer-without-leg",
            Self::SameName { .. } => "layer-name-taken",
            Self::OwnsKey { .. } => "layer-owns-key",
            Self::TwoOwners { .. } => "two-owners",
            Self::NotWritten { .. } => "layer-reads-unwritten",
        }
    }

    /// What to do about it.
    pub fn what_to_do(&self) -> String {
        match self {
            Self::OtherMap { wanted, .. } => {
                format!("list it as a [[map.layer]] of {wanted}, or build it with this map's name")
            }
            Self::NoLeg { leg, .. } => format!("take it off, or stack it on a version of the map with the leg {leg}"),
            Self::SameName { .. } => "list it once, or build one of them under another name".to_owned(),
            Self::OwnsKey { .. } => "take the column out of what it owns; a key is changed in the map itself".to_owned(),
            Self::TwoOwners { first, second, .. } => {
                format!("take the column out of what one of them owns: the {first} or the {second}; or list one of them only")
            }
            Self::NotWritten { .. } => {
                "use a version of it that does without the column, or put the extension that writes it on the map".to_owned()
            }
        }
    }
}

/// Everything that keeps layers from being stacked on a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfits(pub Vec<Misfit>);

impl Misfits {
    /// What a reader may do about it.
    pub fn class(&self) -> Class {
        Class::Config
    }
}

impl fmt::Display for Misfits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, misfit) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { ". " };
            write!(formatter, "{between}{misfit}: {}", misfit.what_to_do())?;
        }
        Ok(())
    }
}

impl std::error::Error for Misfits {}

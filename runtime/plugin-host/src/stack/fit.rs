//! Whether layers fit a map, by what all of them say of themselves.

use dualwright_model::{ColumnPath, MapName};

use super::{Misfit, Misfits};
use crate::grants::same;
use crate::{Description, LayerDescription};

/// Checks layers, from the base upwards.
///
/// # Errors
/// Everything that does not fit.
pub(super) fn check<'a>(
    base: &Description,
    layers: impl Iterator<Item = &'a LayerDescription>,
) -> Result<(), Misfits> {
    let layers: Vec<&LayerDescription> = layers.collect();
    let mut misfits = Vec::new();
    for (place, layer) in layers.iter().enumerate() {
        let below = layers.get(..place).unwrap_or_default();
        check_place(base, layer, below, &mut misfits);
        check_owned(base, layer, below, &mut misfits);
        check_seen(base, layer, &layers, &mut misfits);
    }
    if misfits.is_empty() { Ok(()) } else { Err(Misfits(misfits)) }
}

fn check_place(
    base: &Description,
    layer: &LayerDescription,
    below: &[&LayerDescription],
    misfits: &mut Vec<Misfit>,
) {
    let (map, name) = (base.name.clone(), layer.to_string());
    if layer.map != base.name {
        misfits.push(Misfit::OtherMap { map: map.clone(), layer: name.clone(), wanted: layer.map.clone() });
    } else if base.leg(layer.leg).is_none() {
        let version = base.version.clone();
        misfits.push(Misfit::NoLeg { map: map.clone(), version, layer: name.clone(), leg: layer.leg });
    }
    let mut names = below.iter().map(|other| &other.name).chain([&base.name]);
    if names.any(|other: &MapName| *other == layer.name) {
        misfits.push(Misfit::SameName { map, layer: name });
    }
}

fn check_owned(
    base: &Description,
    layer: &LayerDescription,
    below: &[&LayerDescription],
    misfits: &mut Vec<Misfit>,
) {
    let (map, side) = (&base.name, layer.leg.target());
    let key = base.key_columns(side);
    for field in layer.owns() {
        if key.iter().any(|column| one_column(column, field)) {
            misfits.push(Misfit::OwnsKey {
                map: map.clone(),
                layer: layer.to_string(),
                side,
                field: field.clone(),
            });
        }
        let of_the_leg = below.iter().filter(|other| other.leg == layer.leg);
        for other in of_the_leg.filter(|other| other.owns().iter().any(|owned| one_column(owned, field))) {
            misfits.push(Misfit::TwoOwners {
                map: map.clone(),
                first: other.to_string(),
                second: layer.to_string(),
                side,
                field: field.clone(),
            });
        }
    }
}

/// What a validator wants to see before it is written must be written by somebody: by extensions above it too, for they
/// all come first.
fn check_seen(
    base: &Description,
    layer: &LayerDescription,
    all: &[&LayerDescription],
    misfits: &mut Vec<Misfit>,
) {
    let Some(leg) = base.leg(layer.leg).filter(|_| layer.reads_side() == layer.leg.target()) else { return };
    for field in &layer.reads {
        let of_the_leg = all.iter().filter(|other| other.leg == layer.leg);
        let owned = of_the_leg.flat_map(|other| other.owns());
        if !leg.writes.iter().chain(owned).any(|written| same(written, field)) {
            misfits.push(Misfit::NotWritten {
                map: base.name.clone(),
                version: base.version.clone(),
                layer: layer.to_string(),
                side: layer.leg.target(),
                field: field.clone(),
            });
        }
    }
}

/// Whether two paths write one column: a lookup is one column, whichever way it is looked up.
fn one_column(one: &ColumnPath, other: &ColumnPath) -> bool {
    let own =
        |path: &ColumnPath| path.split_lookup().map_or(path.clone(), |(lookup, _)| ColumnPath::from(lookup));
    same(&own(one), &own(other))
}

#[cfg(test)]
mod tests {
    use dualwright_model::Leg;

    use super::check;
    use crate::{
        Description, KeyPair, LayerDescription, LayerRole, LeavePolicy, LegDescription, Misfit, Stage,
    };

    fn base() -> Description {
        Description {
            name: "customers".into(),
            version: "1.0.0".into(),
            about: String::new(),
            finops_table: "CustomersV3".into(),
            dataverse_table: "accounts".into(),
            key: vec![KeyPair { finops: "Account".into(), dataverse: "accountnumber".into() }],
            legs: vec![LegDescription {
                leg: Leg::ToDataverse,
                reads: vec!["Account".into(), "Limit".into()],
                writes: vec!["accountnumber".into(), "creditlimit".into()],
                filter: None,
                on_leave: LeavePolicy::Delete,
            }],
            two_way: vec![],
            needs: vec![],
            excludes: vec![],
        }
    }

    fn layer(name: &str, role: LayerRole) -> LayerDescription {
        LayerDescription {
            name: name.into(),
            version: "2.0.0".into(),
            about: String::new(),
            map: "customers".into(),
            leg: Leg::ToDataverse,
            reads: vec!["creditlimit".into()],
            role,
        }
    }

    fn owning(name: &str, columns: &[&str]) -> LayerDescription {
        layer(name, LayerRole::Extension { owns: columns.iter().map(|column| (*column).into()).collect() })
    }

    fn misfits(layers: &[LayerDescription]) -> Vec<Misfit> {
        check(&base(), layers.iter()).map_or_else(|misfits| misfits.0, |()| Vec::new())
    }

    fn codes(layers: &[LayerDescription]) -> Vec<&'static str> {
        misfits(layers).iter().map(Misfit::code).collect()
    }

    #[test]
    fn an_extension_may_own_what_the_map_writes_and_new_columns_too() {
        let validator = layer("limits", LayerRole::Validator { stage: Stage::Mapped });
        assert_eq!(codes(&[owning("loyalty", &["CreditLimit", "loyalty"]), validator]), [""; 0]);
    }

    #[test]
    fn two_owners_of_one_column_are_refused_and_both_are_named() {
        let layers = [owning("loyalty", &["new_tier.code"]), owning("ranks", &["NEW_TIER.name"])];
        let found = misfits(&layers);
        let said = format!("{}: {}", found[0], found[0].what_to_do());
        for part in
            ["extension loyalty 2.0.0", "extension ranks 2.0.0", "NEW_TIER.name", "dataverse", "customers"]
        {
            assert!(said.contains(part), "{said}");
        }
        let mut other_leg = owning("ranks", &["loyalty"]);
        other_leg.leg = Leg::ToFinops;
        assert_eq!(codes(&[owning("loyalty", &["loyalty"]), other_leg]), ["layer-without-leg"]);
    }

    #[test]
    fn what_does_not_belong_is_refused() {
        assert_eq!(codes(&[owning("loyalty", &["AccountNumber"])]), ["layer-owns-key"]);
        assert_eq!(codes(&[owning("a", &["x"]), owning("a", &["y"])]), ["layer-name-taken"]);
        assert_eq!(codes(&[owning("customers", &["x"])]), ["layer-name-taken"]);
        let mut stranger = owning("vendors-more", &["x"]);
        stranger.map = "vendors".into();
        assert_eq!(codes(&[stranger]), ["layer-of-another-map"]);
    }

    #[test]
    fn a_validator_sees_what_is_written_by_anybody() {
        let mut validator = layer("tiers", LayerRole::Validator { stage: Stage::Mapped });
        validator.reads = vec!["Loyalty".into()];
        assert_eq!(codes(&[validator.clone()]), ["layer-reads-unwritten"]);
        assert_eq!(codes(&[validator.clone(), owning("loyalty", &["loyalty"])]), [""; 0]);
        validator.role = LayerRole::Validator { stage: Stage::Captured };
        assert_eq!(codes(&[validator]), [""; 0]);
    }
}

//! Definitions name F&O's tables by their labels; addresses need the entity set.

use super::Remark;
use super::name::{pascal, squeezed};

/// An F&O data entity, as the metadata service lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entity {
    /// Its own name: `CustCustomerGroupEntity`.
    pub name: String,
    /// The entity set: `CustomerGroups`.
    pub set: String,
    /// One row's name: `CustomerGroup`.
    pub singular: String,
    /// The label, or the id of one (`@SYS11811`).
    pub label: String,
}

/// How many names a remark lists.
const LISTED: usize = 5;

/// The entity set that a definition means, and what should be said of it.
///
/// `given` are labels and entity sets that a person said; `entities` is what the environment has, `None` when it was not
/// asked.
pub(super) fn resolve(
    names: &[&str],
    given: &[(String, String)],
    entities: Option<&[Entity]>,
) -> (String, Option<Remark>) {
    let label = names.first().copied().unwrap_or_default();
    let said = given.iter().find(|(known, _)| names.iter().any(|name| squeezed(known) == squeezed(name)));
    if let Some((_, set)) = said {
        return (set.clone(), None);
    }
    let next = format!("say it with --table \"{label}=EntitySet\"");
    let Some(entities) = entities else {
        let reason = format!(
            "{label:?} is the label of a data entity, and no F&O environment was asked: {} is a guess",
            pascal(label)
        );
        return (pascal(label), Some(Remark::unsure("F&O table", reason).next(next)));
    };
    for name in names {
        let wanted = squeezed(name);
        let is_it = |entity: &&Entity| {
            [&entity.set, &entity.label, &entity.name, &entity.singular]
                .iter()
                .any(|known| squeezed(known) == wanted)
        };
        let mut sets: Vec<&str> = entities.iter().filter(is_it).map(|entity| entity.set.as_str()).collect();
        // The set's own name says more than a label that several entities share.
        if let Some(exact) = sets.iter().find(|set| squeezed(set) == wanted) {
            return ((*exact).to_owned(), None);
        }
        sets.sort_unstable();
        sets.dedup();
        match sets.as_slice() {
            [] => {}
            [only] => return ((*only).to_owned(), None),
            [first, ..] => {
                let listed = sets.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
                let reason = format!("{name:?} may be any of {listed}: the first is taken");
                return ((*first).to_owned(), Some(Remark::unsure("F&O table", reason).next(next)));
            }
        }
    }
    let near = near(label, entities);
    let near = if near.is_empty() { String::new() } else { format!("; near it are {}", near.join(", ")) };
    let reason = format!("no data entity is called {label:?}{near}: {} is a guess", pascal(label));
    (pascal(label), Some(Remark::unsure("F&O table", reason).next(next)))
}

/// Entity sets that share the most words with a label.
fn near<'a>(label: &str, entities: &'a [Entity]) -> Vec<&'a str> {
    let words: Vec<String> = label
        .split(|character: char| !character.is_alphanumeric())
        .map(squeezed)
        .filter(|word| word.len() > 3)
        .map(|word| word.trim_end_matches('s').to_owned())
        .collect();
    let mut scored: Vec<(usize, &str)> = entities
        .iter()
        .map(|entity| {
            let name = squeezed(&entity.set);
            (words.iter().filter(|word| name.contains(word.as_str())).count(), entity.set.as_str())
        })
        .filter(|(score, _)| *score > 0)
        .collect();
    scored.sort_by_key(|(score, set)| (std::cmp::Reverse(*score), *set));
    scored.into_iter().take(LISTED).map(|(_, set)| set).collect()
}

#[cfg(test)]
mod tests {
    use super::{Entity, resolve};

    fn entities() -> Vec<Entity> {
        [
            ("CustCustomerGroupEntity", "CustomerGroups", "CustomerGroup", "Customer groups"),
            ("PaymentTermEntity", "PaymentTerms", "PaymentTerm", "Terms of payment"),
            ("PurchLineV2Entity", "PurchaseOrderLinesV2", "PurchaseOrderLineV2", "Purchase order lines"),
            ("PurchLineEntity", "PurchaseOrderLines", "PurchaseOrderLine", "@SYS1"),
            ("VendEntityA", "VendorsA", "VendorA", "Vendors"),
            ("VendEntityB", "VendorsB", "VendorB", "Vendors"),
        ]
        .map(|(name, set, singular, label)| Entity {
            name: name.into(),
            set: set.into(),
            singular: singular.into(),
            label: label.into(),
        })
        .to_vec()
    }

    fn resolved(label: &str) -> (String, String) {
        let (set, remark) = resolve(&[label], &[("CDS units".into(), "Units".into())], Some(&entities()));
        (set, remark.map(|remark| remark.reason).unwrap_or_default())
    }

    #[test]
    fn labels_become_entity_sets() {
        for (label, set) in [
            ("Customer groups", "CustomerGroups"),
            ("Terms of payment", "PaymentTerms"),
            ("PurchLineEntity", "PurchaseOrderLines"),
            ("Purchase order lines", "PurchaseOrderLines"),
            ("cds units", "Units"),
        ] {
            assert_eq!(resolved(label), (set.to_owned(), String::new()), "{label}");
        }
    }

    #[test]
    fn doubts_are_told() {
        let (set, reason) = resolved("Vendors");
        assert_eq!((set.as_str(), reason.contains("VendorsA, VendorsB")), ("VendorsA", true), "{reason}");
        let (set, reason) = resolved("CDS purchase order line entity");
        assert_eq!(set, "CDSPurchaseOrderLineEntity");
        assert!(reason.contains("near it are PurchaseOrderLines, PurchaseOrderLinesV2"), "{reason}");
        let (set, remark) = resolve(&["Units"], &[], None);
        assert!(set == "Units" && remark.unwrap().next.unwrap().contains("--table"));
    }
}

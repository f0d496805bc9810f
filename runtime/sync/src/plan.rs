//! What to send for one record, before the target was looked at.

use std::collections::BTreeSet;

use dualwright_model::{ColumnPath, Fingerprint, Record, Version};

/// The first step towards applying an upsert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The target already says so: send nothing.
    Unchanged,
    /// Send these cells, provided the row still has this version.
    Update(Record, Version),
    /// What the target holds is not known well enough: read it first.
    Look,
    /// The record is new to the other side: create it with these cells, provided it is not there.
    Create(Record),
}

/// What the link knows of the target side.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Whether the target's own id is known.
    pub linked: bool,
    /// The version at which the content was fully known.
    pub version: Option<&'a Version>,
    /// The content.
    pub fingerprint: &'a Fingerprint,
    /// The target's columns of the integration key.
    pub key: &'a [ColumnPath],
}

/// Plans an upsert of `desired`. Only cells that differ from what the target is known to hold are sent; a change of
/// columns that are not mapped therefore sends nothing at all.
pub fn upsert(desired: &Record, target: Option<Target<'_>>) -> Plan {
    let Some(target) = target.filter(|target| target.linked && !target.fingerprint.is_empty()) else {
        return if target.is_some_and(|target| target.linked) {
            Plan::Look
        } else {
            Plan::Create(desired.clone())
        };
    };
    let changed: Record = desired
        .iter()
        .filter(|(column, value)| !target.fingerprint.matches(column, value, target.key))
        .map(|(column, value)| (column.clone(), value.clone()))
        .collect();
    if changed.is_empty() {
        return Plan::Unchanged;
    }
    match target.version {
        Some(version) => Plan::Update(changed, version.clone()),
        None => Plan::Look,
    }
}

/// The cells with all that describes the lookups among them: a lookup that several columns of its target tell is one cell
/// of the row, and half of them would lead to another row or to many.
pub fn with_whole_lookups(mut cells: Record, wanted: &Record) -> Record {
    let lookup_of = |path: &ColumnPath| path.split_lookup().map(|(lookup, _)| lookup.to_lowercase());
    let written: BTreeSet<String> = cells.iter().filter_map(|(path, _)| lookup_of(path)).collect();
    if written.is_empty() {
        return cells;
    }
    for (path, value) in wanted.iter() {
        let belongs = lookup_of(path).is_some_and(|lookup| written.contains(&lookup));
        if belongs && !value.is_absent() && cells.get(path.as_str()).is_absent() {
            cells.set(path.clone(), value.clone());
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use dualwright_model::{Fingerprint, Record, Value, Version};

    use super::{Plan, Target, upsert, with_whole_lookups};

    #[test]
    fn half_a_lookup_is_never_sent() {
        let wanted: Record = [
            ("category.name".into(), Value::text("Bikes")),
            ("category.hierarchy.name".into(), Value::text("Retail")),
            ("unit.symbol".into(), Value::text("ea")),
        ]
        .into_iter()
        .collect();
        let changed: Record = [("category.name".into(), Value::text("Bikes"))].into_iter().collect();
        let sent = with_whole_lookups(changed, &wanted);
        let names: Vec<&str> = sent.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(names, ["category.hierarchy.name", "category.name"]);
        let plain: Record = [("name".into(), Value::text("x"))].into_iter().collect();
        assert_eq!(with_whole_lookups(plain.clone(), &wanted), plain);
    }

    #[test]
    fn only_what_changed_is_sent() {
        let before: Record =
            [("a".into(), Value::text("1")), ("b".into(), Value::text("1"))].into_iter().collect();
        let mut after = before.clone();
        let (version, fingerprint) = (Version("7".into()), Fingerprint::of(&before, &[]));
        let target =
            Some(Target { linked: true, version: Some(&version), fingerprint: &fingerprint, key: &[] });
        assert_eq!(upsert(&after, target), Plan::Unchanged);
        after.set("b", Value::Null);
        let expect: Record = [("b".into(), Value::Null)].into_iter().collect();
        assert_eq!(upsert(&after, target), Plan::Update(expect, version.clone()));
        assert_eq!(upsert(&after, None), Plan::Create(after.clone()));
        let unsure = Some(Target { linked: true, version: None, fingerprint: &fingerprint, key: &[] });
        assert_eq!(upsert(&after, unsure), Plan::Look);
    }
}

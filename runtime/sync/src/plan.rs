//! What to send for one record, before the target was looked at.

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

#[cfg(test)]
mod tests {
    use dualwright_model::{Fingerprint, Record, Value, Version};

    use super::{Plan, Target, upsert};

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

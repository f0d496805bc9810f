//! Whether what is stacked on a map speaks of columns that are there.

use dualwright_plugin_host::{Description, LayerDescription, LeavePolicy, LegDescription};

use super::{Finding, Schemas, check_all};

/// Checks a validator or extension against the schemas of its map's tables: the columns it reads and owns must exist,
/// and those it owns must be such as can be written. Whether it fits the map is not asked here; a cell's type is known
/// only when it is written, for components do not declare types.
pub fn check_layer(base: &Description, layer: &LayerDescription, schemas: &Schemas) -> Vec<Finding> {
    let (mut reads, mut writes) = (base.key_columns(layer.leg.source()), layer.owns().to_vec());
    if layer.reads_side() == layer.leg.source() {
        reads.extend(layer.reads.iter().cloned());
    } else {
        writes.extend(layer.reads.iter().cloned());
    }
    // A map of nothing but these columns.
    let alone = Description {
        name: layer.name.clone(),
        version: layer.version.clone(),
        about: layer.about.clone(),
        legs: vec![LegDescription {
            leg: layer.leg,
            reads,
            writes,
            filter: None,
            on_leave: LeavePolicy::Ignore,
        }],
        two_way: Vec::new(),
        needs: Vec::new(),
        excludes: Vec::new(),
        ..base.clone()
    };
    let mut findings = check_all(&alone, None, schemas);
    let mine = |finding: &Finding| {
        let field = finding.field.as_ref();
        field.is_some_and(|field| layer.reads.contains(field) || layer.owns().contains(field))
    };
    findings.retain(|finding| mine(finding) && finding.code != "required-not-written");
    findings
}

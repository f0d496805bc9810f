//! The contract's description in the host's words.

use dualwright_model::{ColumnPath, Leg, MapName, TableName};
use dualwright_plugin_host::{Description, KeyPair, LeavePolicy, LegDescription};

/// The same description, as the host will read it out of the component.
pub(super) fn description(said: &dualwright_sdk::Description) -> Description {
    let paths = |columns: &[String]| columns.iter().map(|column| ColumnPath::new(column.as_str())).collect();
    let (needs, excludes) = Description::needs_and_excludes(said.needs.iter().map(String::as_str));
    Description {
        name: MapName::new(said.name.as_str()),
        version: said.version.clone(),
        about: said.about.clone(),
        finops_table: TableName::new(said.finops_table.as_str()),
        dataverse_table: TableName::new(said.dataverse_table.as_str()),
        key: said
            .key
            .iter()
            .map(|pair| KeyPair {
                finops: ColumnPath::new(pair.finops.as_str()),
                dataverse: ColumnPath::new(pair.dataverse.as_str()),
            })
            .collect(),
        legs: said
            .legs
            .iter()
            .map(|leg| LegDescription {
                leg: self::leg(leg.leg),
                reads: paths(&leg.reads),
                writes: paths(&leg.writes),
                filter: leg.filter.clone(),
                on_leave: match leg.on_leave {
                    dualwright_sdk::LeavePolicy::Delete => LeavePolicy::Delete,
                    dualwright_sdk::LeavePolicy::Ignore => LeavePolicy::Ignore,
                },
            })
            .collect(),
        two_way: said
            .two_way
            .iter()
            .map(|pair| (ColumnPath::new(pair.finops.as_str()), ColumnPath::new(pair.dataverse.as_str())))
            .collect(),
        needs,
        excludes,
    }
}

fn leg(leg: dualwright_sdk::Leg) -> Leg {
    match leg {
        dualwright_sdk::Leg::ToDataverse => Leg::ToDataverse,
        dualwright_sdk::Leg::ToFinops => Leg::ToFinops,
    }
}

//! The map `{{name}}`.

use dualwright_sdk::{
    Cell, Change, Context, Description, KeyPair, LeavePolicy, Leg, LegDescription, Map, Operation, Outcome,
    TwoWayField,
};

/// The columns in F&O, in the order in which cells cross the boundary, and their partners in Dataverse.
const FINOPS: [&str; 4] = ["dataAreaId", "CustomerGroupId", "Description", "IsSalesTaxIncludedInPrice"];
const DATAVERSE: [&str; 4] = [
    "msdyn_company.cdm_companycode",
    "msdyn_groupid",
    "msdyn_description",
    "msdyn_issalestaxincludedinprice",
];
/// How many of them, from the first, are the key.
const KEY: usize = 2;

struct CustomerGroups;

impl Map for CustomerGroups {
    fn describe() -> Description {
        let names = |columns: [&str; 4]| columns.map(str::to_owned).to_vec();
        let leg = |leg, reads, writes| LegDescription {
            leg,
            reads: names(reads),
            writes: names(writes),
            filter: None,
            on_leave: LeavePolicy::Delete,
        };
        let pairs = || FINOPS.into_iter().zip(DATAVERSE);
        Description {
            name: "{{name}}".into(),
            version: "0.1.0".into(),
            about: "Customer groups.".into(),
            finops_table: "CustomerGroups".into(),
            dataverse_table: "msdyn_customergroups".into(),
            key: pairs()
                .take(KEY)
                .map(|(finops, dataverse)| KeyPair { finops: finops.into(), dataverse: dataverse.into() })
                .collect(),
            legs: vec![leg(Leg::ToDataverse, FINOPS, DATAVERSE), leg(Leg::ToFinops, DATAVERSE, FINOPS)],
            two_way: pairs()
                .map(|(finops, dataverse)| TwoWayField { finops: finops.into(), dataverse: dataverse.into() })
                .collect(),
            needs: vec![],
        }
    }

    fn transform_one(leg: Leg, _context: &Context, change: Change) -> Outcome {
        if change.operation == Operation::Delete {
            return Outcome::Delete;
        }
        let Ok([company, group, description, tax]) = <[Cell; 4]>::try_from(change.cells) else {
            return Outcome::reject(None, "cells", "the host gave another number of cells than was asked for");
        };
        let tax = match leg {
            Leg::ToDataverse => yes_or_no(tax),
            Leg::ToFinops => member(tax),
        };
        match tax {
            Ok(tax) => Outcome::Upsert(vec![company, group, description, tax]),
            Err(refused) => refused,
        }
    }
}

/// The enum `NoYes` of F&O as the boolean of Dataverse.
fn yes_or_no(cell: Cell) -> Result<Cell, Outcome> {
    match cell {
        Cell::Text(member) if member.eq_ignore_ascii_case("yes") => Ok(Cell::Boolean(true)),
        Cell::Text(member) if member.eq_ignore_ascii_case("no") => Ok(Cell::Boolean(false)),
        Cell::Null | Cell::Absent => Ok(cell),
        _ => Err(Outcome::reject(Some(FINOPS[3]), "one-of", "it must be Yes or No")),
    }
}

/// And back.
fn member(cell: Cell) -> Result<Cell, Outcome> {
    match cell {
        Cell::Boolean(flag) => Ok(Cell::from(if flag { "Yes" } else { "No" })),
        Cell::Null | Cell::Absent => Ok(cell),
        _ => Err(Outcome::reject(Some(DATAVERSE[3]), "one-of", "it must be yes or no")),
    }
}

dualwright_sdk::export_map!(CustomerGroups);

#[cfg(test)]
mod tests {
    use super::*;
    use dualwright_sdk::testing;

    #[test]
    fn yes_becomes_true() {
        let row = testing::row([("CustomerGroupId", "10"), ("IsSalesTaxIncludedInPrice", "Yes")]);
        let written = testing::upsert::<CustomerGroups>(Leg::ToDataverse, row).unwrap();
        assert_eq!(written["msdyn_issalestaxincludedinprice"], Cell::Boolean(true));
    }
}

//! Credit limits and notes of customers, both ways, with rules of its own for what both sides changed.

mod conflict;

use dualwright_sdk::{
    Change, Context, Description, KeyPair, LeavePolicy, Leg, LegDescription, Map, Operation, Outcome, TwoWayField,
};

/// The columns in F&O, in the order in which cells cross the boundary, and their partners in Dataverse.
const FINOPS: [&str; 5] = ["dataAreaId", "CustomerAccount", "OrganizationName", "CreditLimit", "SalesMemo"];
const DATAVERSE: [&str; 5] =
    ["msdyn_company.cdm_companycode", "accountnumber", "name", "creditlimit", "description"];
/// How many of them, from the first, are the key.
const KEY: usize = 2;

struct CustomerCredit;

impl Map for CustomerCredit {
    fn describe() -> Description {
        let names = |columns: [&str; 5]| columns.map(str::to_owned).to_vec();
        let leg = |leg, reads, writes| LegDescription {
            leg,
            reads: names(reads),
            writes: names(writes),
            filter: None,
            on_leave: LeavePolicy::Delete,
        };
        let pairs = || FINOPS.into_iter().zip(DATAVERSE);
        Description {
            name: "customer-credit".into(),
            version: "0.1.0".into(),
            about: "Credit limits and notes of customers; of two limits the lower one holds.".into(),
            finops_table: "CustomersV3".into(),
            dataverse_table: "accounts".into(),
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

    /// Both sides hold these columns alike: cells pass as they are.
    fn transform_one(_leg: Leg, _context: &Context, change: Change) -> Outcome {
        match change.operation {
            Operation::Upsert => Outcome::Upsert(change.cells),
            Operation::Delete => Outcome::Delete,
        }
    }
}

dualwright_sdk::export_map!(CustomerCredit);
dualwright_sdk::export_resolver!(CustomerCredit);

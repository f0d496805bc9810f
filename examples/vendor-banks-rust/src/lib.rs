//! Bank accounts of vendors, whose numbers are checked before anybody pays to them.

mod iban;

use dualwright_sdk::{
    Cell, Change, Context, Description, KeyPair, LeavePolicy, Leg, LegDescription, Map, Operation, Outcome,
    TwoWayField,
};

const FINOPS: [&str; 5] = ["dataAreaId", "VendorAccountNumber", "BankAccountId", "IBAN", "SWIFTCode"];
const DATAVERSE: [&str; 5] = [
    "msdyn_company.cdm_companycode",
    "msdyn_vendornumber",
    "msdyn_bankaccountid",
    "msdyn_iban",
    "msdyn_swiftcode",
];
/// How many of them, from the first, are the key.
const KEY: usize = 3;
/// Which of them is the number.
const NUMBER: usize = 3;

struct VendorBanks;

impl Map for VendorBanks {
    fn describe() -> Description {
        let names = |columns: [&str; 5]| columns.map(str::to_owned).to_vec();
        let leg = |leg, reads, writes| LegDescription {
            leg,
            reads: names(reads),
            writes: names(writes),
            filter: None,
            // An account that is no longer of interest was still paid to.
            on_leave: LeavePolicy::Ignore,
        };
        let pairs = || FINOPS.into_iter().zip(DATAVERSE).enumerate();
        Description {
            name: "vendor-banks".into(),
            version: "1.0.0".into(),
            about: "Bank accounts of vendors, with checked numbers.".into(),
            finops_table: "VendorBankAccounts".into(),
            dataverse_table: "msdyn_vendorbankaccounts".into(),
            key: pairs()
                .take(KEY)
                .map(|(_, (finops, dataverse))| KeyPair {
                    finops: finops.into(),
                    dataverse: dataverse.into(),
                })
                .collect(),
            legs: vec![leg(Leg::ToDataverse, FINOPS, DATAVERSE), leg(Leg::ToFinops, DATAVERSE, FINOPS)],
            // Not the number: its spaces do not come back.
            two_way: pairs()
                .filter(|(place, _)| *place != NUMBER)
                .map(|(_, (finops, dataverse))| TwoWayField {
                    finops: finops.into(),
                    dataverse: dataverse.into(),
                })
                .collect(),
            needs: vec![],
        }
    }

    fn transform_one(leg: Leg, _context: &Context, change: Change) -> Outcome {
        if change.operation == Operation::Delete {
            return Outcome::Delete;
        }
        let mut cells = change.cells;
        let field = match leg {
            Leg::ToDataverse => FINOPS[NUMBER],
            Leg::ToFinops => DATAVERSE[NUMBER],
        };
        match cells.get_mut(NUMBER) {
            Some(Cell::Text(number)) => {
                *number = iban::stored(number);
                if let Err(wrong) = iban::check(number) {
                    return Outcome::reject(Some(field), "iban", wrong);
                }
            }
            Some(Cell::Null | Cell::Absent) => {}
            _ => return Outcome::reject(Some(field), "iban", "an IBAN is text"),
        }
        Outcome::Upsert(cells)
    }
}

dualwright_sdk::export_map!(VendorBanks);

#[cfg(test)]
mod tests {
    use super::VendorBanks;
    use dualwright_sdk::testing::{NoUpsert, row, upsert};
    use dualwright_sdk::{Cell, Leg};

    #[test]
    fn a_number_loses_its_spaces() {
        let written = upsert::<VendorBanks>(Leg::ToDataverse, row([("IBAN", "NO93 8601 1117 947")])).unwrap();
        assert_eq!(written["msdyn_iban"], Cell::from("NO9386011117947"));
    }

    #[test]
    fn a_wrong_number_is_paid_by_nobody() {
        let refused = upsert::<VendorBanks>(Leg::ToFinops, row([("msdyn_iban", "NO93 8601 1117 948")]));
        let Err(NoUpsert::Reject(violations)) = refused else { panic!("{refused:?}") };
        assert_eq!(violations[0].field.as_deref(), Some("msdyn_iban"));
    }
}

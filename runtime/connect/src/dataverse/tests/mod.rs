//! The connector against recorded exchanges over real HTTP.

mod reading;
mod server;
mod subscribing;
mod writing;

use dualwright_model::{ColumnPath, Record, Value};

use crate::Selection;

const USMF: &str = "11111111-0000-0000-0000-000000000001";
const TERM: &str = "22222222-0000-0000-0000-000000000001";
const ONE: &str = "33333333-0000-0000-0000-000000000001";
const TWO: &str = "33333333-0000-0000-0000-000000000002";

fn selection() -> Selection {
    let paths = |names: &[&str]| names.iter().map(|name| ColumnPath::from(*name)).collect();
    Selection {
        table: "accounts".into(),
        columns: paths(&["name", "creditlimit", "msdyn_paymentterm.msdyn_name"]),
        key: paths(&["accountnumber", "msdyn_company.cdm_companycode"]),
        filter: None,
    }
}

fn cells(cells: &[(&str, Value)]) -> Record {
    cells.iter().map(|(name, value)| (ColumnPath::from(*name), value.clone())).collect()
}

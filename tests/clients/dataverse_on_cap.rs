//! The Dataverse connector against SAP CAP: query, pages, `$batch`, ETags.

use dualwright_connect::Selection;
use dualwright_connect::conformance::{self, Fixture};
use dualwright_connect::dataverse::{Dataverse, DataverseConfig};
use dualwright_connect::http::SignIn;
use dualwright_model::{ColumnPath, Value};

use crate::cap;

/// Delta links are what CAP does not have.
const BEYOND_CAP: [&str; 1] = ["a change feed tells of changes and deletions"];

#[tokio::test]
async fn the_battery_of_the_connectors_is_kept_but_for_delta_links() {
    let Some(cap) = cap::start().await else { return };
    let sign_in = SignIn::new(&cap.url, "tenant", &cap.url, "any", "any".into());
    let connector = Dataverse::connect(DataverseConfig::new(&cap.url, sign_in)).unwrap();
    let paths = |names: &[&str]| names.iter().map(|name| ColumnPath::from(*name)).collect();
    let fixture = Fixture {
        selection: Selection {
            table: "accounts".into(),
            columns: paths(&["name", "creditlimit", "numberofemployees"]),
            key: paths(&["accountnumber"]),
            filter: None,
        },
        key: |name| vec![Value::text(name)],
        required: Vec::new(),
        text: "name".into(),
        empty_text: Value::Null,
        number: "creditlimit".into(),
        lookup: None,
    };
    let violations = conformance::run(&connector, &fixture).await.err().unwrap_or_default();
    let told: String = violations.iter().map(|one| format!("\n- {one}")).collect();
    let rules: Vec<&str> = violations.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, BEYOND_CAP, "{told}");
}

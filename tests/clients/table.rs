//! The table of README.md: client × operation × works. What it says of clients that ran must be what they did.

use crate::script::{Outcome, Proof};

const BEGIN: &str = "<!-- table: begin -->";
const END: &str = "<!-- table: end -->";

/// Rows of the table, in order; an operation that no client knows is no row.
const OPERATIONS: [&str; 29] = [
    "sign-in",
    "metadata",
    "create",
    "read",
    "update",
    "upsert",
    "delete",
    "row versions",
    "alternate keys",
    "lookups",
    "query",
    "expand",
    "annotations",
    "paging",
    "batch",
    "changesets",
    "bulk operations",
    "change tracking",
    "errors",
    "aggregation",
    "FetchXML",
    "SQL",
    "delete in bulk",
    "many-to-many",
    "make tables",
    "typed columns",
    "search",
    "actions",
    "services",
];

/// Columns of the table: clients with their systems.
const CLIENTS: [(&str, &str); 5] = [
    ("PowerPlatform-Dataverse-Client", "dataverse"),
    ("dynamics-web-api", "dataverse"),
    ("python-odata", "dataverse"),
    ("d365fo-client", "finops"),
    ("python-odata", "finops"),
];

/// Compares the table in a text with proofs; clients without a proof are taken at the table's word. Answers the text with
/// the table as it must be.
pub(crate) fn renewed(text: &str, proofs: &[Proof]) -> String {
    for proof in proofs {
        assert!(OPERATIONS.contains(&proof.operation.as_str()), "no row for {proof:?}");
        assert!(CLIENTS.contains(&(&proof.client, &proof.system)), "no column for {proof:?}");
    }
    let (before, rest) = text.split_once(BEGIN).expect("README.md has no table");
    let (old, after) = rest.split_once(END).expect("README.md has no end of its table");
    let old: Vec<Vec<&str>> = old.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    let said = |operation: &str, column: usize| {
        let row = old.iter().find(|row| row.get(1) == Some(&operation))?;
        row.get(column + 2).map(|cell| (*cell).to_owned())
    };
    let mut lines = vec![String::new()];
    let heads = CLIENTS.map(|(client, system)| {
        format!("{client}, {}", if system == "finops" { "F&O" } else { "Dataverse" })
    });
    lines.push(format!("| operation | {} |", heads.join(" | ")));
    lines.push(format!("|---|{}", "---|".repeat(CLIENTS.len())));
    for operation in OPERATIONS {
        let cells = CLIENTS.iter().enumerate().map(|(column, (client, system))| {
            let mut own =
                proofs.iter().filter(|proof| proof.client == *client && proof.system == *system).peekable();
            if own.peek().is_none() {
                return said(operation, column).unwrap_or_default();
            }
            let outcome = own.find(|proof| proof.operation == operation).map(|proof| proof.outcome);
            let word = match outcome {
                Some(Outcome::Works) => "works",
                Some(Outcome::Refused) => "501",
                Some(Outcome::Fails) => "fails",
                None => "",
            };
            word.to_owned()
        });
        lines.push(format!("| {operation} | {} |", cells.collect::<Vec<_>>().join(" | ")));
    }
    lines.push(String::new());
    format!("{before}{BEGIN}{}{END}{after}", lines.join("\n"))
}

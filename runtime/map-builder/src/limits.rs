//! Whether a map stays within the sandbox's limits with more, and with larger, than its fixtures show.

use dualwright_model::{Leg, Operation, Record, Value};
use dualwright_plugin_host::{GuestChange, Limits, Stack};

use crate::fixtures::{Case, fault_words};

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitReport {
    /// The direction.
    pub leg: Leg,
    /// What was tried.
    pub what: String,
    /// How the map failed, if it did.
    pub fault: Option<String>,
}

/// Runs the rows of the fixtures, repeated to as many as one call can hold, and once with every text made long. Legs
/// without fixtures are left out.
pub async fn check(stack: &Stack, cases: &[Case], limits: &Limits) -> Vec<LimitReport> {
    /// Longer than any text column of either system but memos.
    const LONG: usize = 10_000;
    let mut reports = Vec::new();
    for leg in Leg::ALL {
        let of_leg = |case: &&Case| case.leg == leg && case.operation == Operation::Upsert;
        let rows: Vec<Record> = cases.iter().filter(of_leg).map(|case| case.row.clone()).collect();
        if rows.is_empty() {
            continue;
        }
        let many: Vec<Record> = rows.iter().cycle().take(limits.batch_rows).cloned().collect();
        let long = rows.iter().map(|row| lengthened(row, LONG)).collect();
        let attempts = [
            (format!("{} rows in one call", many.len()), many),
            (format!("texts of {LONG} characters"), long),
        ];
        for (what, rows) in attempts {
            let fault = first_fault(stack, leg, rows).await;
            reports.push(LimitReport { leg, what, fault });
        }
    }
    reports
}

fn lengthened(row: &Record, length: usize) -> Record {
    let long = |value: &Value| match value {
        Value::Text(text) if !text.is_empty() => Value::Text(text.chars().cycle().take(length).collect()),
        other => other.clone(),
    };
    row.iter().map(|(column, value)| (column.clone(), long(value))).collect()
}

async fn first_fault(stack: &Stack, leg: Leg, rows: Vec<Record>) -> Option<String> {
    let changes: Vec<GuestChange> =
        rows.into_iter().map(|record| GuestChange { operation: Operation::Upsert, record }).collect();
    let answers = stack.transform(leg, false, &changes).await;
    let fault = answers.into_iter().find_map(Result::err)?;
    Some(format!("{}: {}", fault_words(fault.kind), fault.message))
}

//! The round-trip law: what goes out and comes back is what it was, for every field that a map calls two-way.
//!
//! A value is put into a row of the fixtures (or a row of its own), sent through one leg, and what was written is sent
//! back through the other. Values come from the map's value sets where it has some, from the fixtures, and from a seeded
//! generator of the kinds that the fixtures show. A value that the map refuses on its way out is no counter-example; one
//! that it refuses on the way back is. Empty cells are left out of the law, for a default may fill them. Keys are compared as
//! both systems compare them: without regard to case.

mod values;

use dualwright_model::{ColumnPath, Leg, Operation, Record, System, Value};
use dualwright_plugin_host::{GuestChange, Outcome, Stack, Violation};
use dualwright_table_map::compile::CompiledMap;

use crate::fixtures::{Case, Expectation, show};
use values::{Generator, known, simpler};

/// How thoroughly to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Where the generated values begin: the same seed makes the same values.
    pub seed: u64,
    /// How many values are generated for each field and direction.
    pub values: usize,
}

/// How one two-way field came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldReport {
    /// The column in F&O.
    pub finops: ColumnPath,
    /// The column in Dataverse.
    pub dataverse: ColumnPath,
    /// How many values went out.
    pub tried: usize,
    /// The simplest value that did not come back as it was.
    pub broken: Option<Broken>,
}

/// A value that did not come back as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The leg on which it went out.
    pub leg: Leg,
    /// The value, as a fixture writes it.
    pub value: String,
    /// What became of it, in a sentence.
    pub what: String,
    /// The whole row that went out.
    pub row: Record,
}

impl FieldReport {
    /// Whether the law holds, and was tried at all.
    pub fn is_good(&self) -> bool {
        self.broken.is_none() && self.tried > 0
    }
}

/// Tries the law on every two-way field, in the order of the description.
pub async fn check(
    stack: &Stack,
    cases: &[Case],
    map: Option<&CompiledMap>,
    effort: Effort,
) -> Vec<FieldReport> {
    let mut reports = Vec::new();
    let keys: Vec<&ColumnPath> =
        stack.description().key.iter().flat_map(|pair| [&pair.finops, &pair.dataverse]).collect();
    let pairs = stack.description().two_way.clone();
    for (number, (finops, dataverse)) in pairs.into_iter().enumerate() {
        let mut report =
            FieldReport { finops: finops.clone(), dataverse: dataverse.clone(), tried: 0, broken: None };
        for leg in Leg::ALL {
            let (column, partner) = match leg.source() {
                System::Finops => (&finops, &dataverse),
                System::Dataverse => (&dataverse, &finops),
            };
            let journey = Journey {
                stack,
                leg,
                column,
                partner,
                is_key: keys.contains(&column),
                row: base(stack, cases, leg),
                back: base(stack, cases, opposite(leg)),
            };
            let seed = effort.seed.wrapping_add(u64::try_from(number).unwrap_or(u64::MAX));
            let values = Generator::new(seed).values(&known(cases, map, leg, column), effort.values);
            let (tried, broken) = journey.all(values).await;
            report.tried += tried;
            if broken.is_some() {
                report.broken = broken;
                break;
            }
        }
        reports.push(report);
    }
    reports
}

fn opposite(leg: Leg) -> Leg {
    leg.target().outgoing()
}

/// A row that the map is known to take: the first of the fixtures that it writes.
fn base(stack: &Stack, cases: &[Case], leg: Leg) -> Record {
    let written = |case: &&Case| {
        case.leg == leg
            && case.operation == Operation::Upsert
            && matches!(case.expect, Some(Expectation::Upsert(_)))
    };
    let row = cases.iter().find(written).map(|case| case.row.clone()).unwrap_or_default();
    let reads = stack.description().leg(leg).map(|leg| leg.reads.as_slice()).unwrap_or_default();
    row.iter()
        .filter(|(column, _)| reads.contains(*column))
        .map(|(column, value)| (column.clone(), value.clone()))
        .collect()
}

struct Journey<'a> {
    stack: &'a Stack,
    leg: Leg,
    column: &'a ColumnPath,
    partner: &'a ColumnPath,
    is_key: bool,
    row: Record,
    back: Record,
}

/// How one value travelled.
enum Trip {
    /// The map does not take it.
    NotTaken,
    Good,
    Broken(String),
}

// === impl Journey ===

impl Journey<'_> {
    async fn all(&self, values: Vec<Value>) -> (usize, Option<Broken>) {
        let mut tried = 0;
        for value in values {
            match self.trip(&value).await {
                Trip::NotTaken => {}
                Trip::Good => tried += 1,
                Trip::Broken(what) => return (tried + 1, Some(self.shrink(value, what).await)),
            }
        }
        (tried, None)
    }

    /// Looks for a simpler value that breaks the law too.
    async fn shrink(&self, mut value: Value, mut what: String) -> Broken {
        // Each round makes the value smaller; the bound only guards against a mistake.
        const ROUNDS: usize = 200;
        'rounds: for _ in 0..ROUNDS {
            for candidate in simpler(&value) {
                if let Trip::Broken(reason) = self.trip(&candidate).await {
                    (value, what) = (candidate, reason);
                    continue 'rounds;
                }
            }
            break;
        }
        let mut row = self.row.clone();
        row.set(self.column.clone(), value.clone());
        Broken { leg: self.leg, value: show(&value), what, row }
    }

    async fn trip(&self, value: &Value) -> Trip {
        let mut row = self.row.clone();
        row.set(self.column.clone(), value.clone());
        let out = match self.send(self.leg, row).await {
            Ok(Outcome::Upsert(out)) => out,
            Ok(_) => return Trip::NotTaken,
            Err(fault) => return Trip::Broken(format!("on its way out {fault}")),
        };
        let went = out.get(self.partner.as_str()).clone();
        if went.is_absent() {
            return Trip::Broken(format!("{} is not written", self.partner));
        }
        let mut row = self.back.clone();
        for (column, value) in out.iter() {
            row.set(column.clone(), value.clone());
        }
        let there = format!("goes out as {} = {}", self.partner, show(&went));
        match self.send(opposite(self.leg), row).await {
            Ok(Outcome::Upsert(back)) => {
                let came = back.get(self.column.as_str());
                if same(value, came, self.is_key) {
                    return Trip::Good;
                }
                Trip::Broken(format!("{there}, and comes back as {}", show(came)))
            }
            Ok(Outcome::Delete) => Trip::Broken(format!("{there}, and comes back as a delete")),
            Ok(Outcome::Skip(reason)) => {
                Trip::Broken(format!("{there}, and is skipped on the way back: {reason}"))
            }
            Ok(Outcome::Reject(violations)) => {
                Trip::Broken(format!("{there}, and is refused on the way back: {}", reasons(&violations)))
            }
            Err(fault) => Trip::Broken(format!("{there}; on the way back {fault}")),
        }
    }

    async fn send(&self, leg: Leg, record: Record) -> Result<Outcome, String> {
        let change = GuestChange { operation: Operation::Upsert, record };
        match self.stack.transform(leg, false, &[change]).await.pop() {
            Some(Ok(outcome)) => Ok(outcome),
            Some(Err(fault)) => {
                Err(format!("{}: {}", crate::fixtures::fault_words(fault.kind), fault.message))
            }
            None => Err("the map gave no answer".to_owned()),
        }
    }
}

fn reasons(violations: &[Violation]) -> String {
    let one = |violation: &Violation| match &violation.field {
        Some(field) => format!("{field}: {}", violation.message),
        None => violation.message.clone(),
    };
    violations.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Whether two cells say the same to the systems: the connector brings numbers into the column's type.
fn same(one: &Value, other: &Value, is_key: bool) -> bool {
    match (one, other) {
        (Value::Integer(number), Value::Decimal(decimal))
        | (Value::Decimal(decimal), Value::Integer(number)) => decimal.to_integer() == Some(*number),
        (Value::Text(one), Value::Text(other)) if is_key => {
            one.trim_end().to_lowercase() == other.trim_end().to_lowercase()
        }
        _ => one == other,
    }
}

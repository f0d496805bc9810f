//! Rows without a sandbox, from and to the types of the host: what the sandbox is measured against.

use dualwright_model::{ColumnOrder, ColumnPath, Date, Decimal, Leg, Operation, Record, Timestamp, Value};
use dualwright_plugin_host::{
    GuestChange, GuestFault, GuestFaultKind, LegDescription, Outcome, TransformResult, Violation,
};
use dualwright_sdk as sdk;
use dualwright_table_map::compile::CompiledMap;
use dualwright_table_map::eval;
use dualwright_table_map::program::Program;

/// One leg in native code.
#[derive(Clone, Debug)]
pub struct Native {
    /// The map, where it is a table; otherwise cells are copied, column by column.
    program: Option<Program<'static>>,
    /// The columns read, sorted, with their positions: records are sorted too, so one walk picks all cells.
    reads: Vec<(ColumnPath, usize)>,
    writes: ColumnOrder,
}

impl Native {
    /// A leg of a map: the map itself where it was made from a map file. No native code can be made of other maps;
    /// for them the cells that were read are written, by position.
    pub fn of(leg: &LegDescription, compiled: Option<&CompiledMap>) -> Self {
        let mut reads: Vec<(ColumnPath, usize)> = leg.reads.iter().cloned().zip(0..).collect();
        reads.sort();
        let program =
            compiled.and_then(|map| map.programs.iter().find(|program| program.leg == leg_of(leg.leg)));
        Self { program: program.cloned(), reads, writes: ColumnOrder::new(&leg.writes) }
    }

    /// Whether this is the map itself.
    pub fn is_same_map(&self) -> bool {
        self.program.is_some()
    }

    /// The answer for each row, in the same order.
    pub fn transform(&self, batch: &[GuestChange]) -> Vec<TransformResult> {
        let changes: Vec<sdk::Change> = batch.iter().map(|change| self.change(change)).collect();
        let outcomes = match &self.program {
            Some(program) => eval::transform(program, changes),
            None => changes.into_iter().map(|change| self.copy(change)).collect(),
        };
        outcomes.into_iter().map(|outcome| self.answer(outcome)).collect()
    }

    fn change(&self, change: &GuestChange) -> sdk::Change {
        let mut cells = vec![sdk::Cell::Absent; self.reads.len()];
        let mut reads = self.reads.iter().peekable();
        for (column, value) in change.record.iter() {
            while reads.next_if(|(name, _)| name < column).is_some() {}
            while let Some((_, position)) = reads.next_if(|(name, _)| name == column) {
                if let Some(slot) = cells.get_mut(*position) {
                    *slot = cell(value);
                }
            }
        }
        let operation = match change.operation {
            Operation::Upsert => sdk::Operation::Upsert,
            Operation::Delete => sdk::Operation::Delete,
        };
        sdk::Change { operation, cells }
    }

    fn copy(&self, mut change: sdk::Change) -> sdk::Outcome {
        change.cells.resize(self.writes.len(), sdk::Cell::Absent);
        sdk::Outcome::Upsert(change.cells)
    }

    fn answer(&self, outcome: sdk::Outcome) -> TransformResult {
        Ok(match outcome {
            sdk::Outcome::Upsert(mut cells) => Outcome::Upsert(self.record(&mut cells)?),
            sdk::Outcome::Delete => Outcome::Delete,
            sdk::Outcome::Skip(reason) => Outcome::Skip(reason),
            sdk::Outcome::Reject(reasons) => Outcome::Reject(reasons.into_iter().map(violation).collect()),
        })
    }

    fn record(&self, cells: &mut [sdk::Cell]) -> Result<Record, GuestFault> {
        self.writes.record(|column, position| {
            let cell = cells.get_mut(position).map_or(sdk::Cell::Absent, sdk::Cell::take);
            value(cell).ok_or_else(|| GuestFault {
                kind: GuestFaultKind::BadAnswer,
                message: format!("returned a decimal that is not a decimal number for {column}"),
            })
        })
    }
}

fn leg_of(leg: Leg) -> sdk::Leg {
    match leg {
        Leg::ToDataverse => sdk::Leg::ToDataverse,
        Leg::ToFinops => sdk::Leg::ToFinops,
    }
}

fn violation(violation: sdk::Violation) -> Violation {
    Violation {
        field: violation.field.map(ColumnPath::new),
        code: violation.code,
        message: violation.message,
    }
}

fn cell(value: &Value) -> sdk::Cell {
    match value {
        Value::Absent => sdk::Cell::Absent,
        Value::Null => sdk::Cell::Null,
        Value::Text(text) => sdk::Cell::Text(text.clone()),
        Value::Integer(number) => sdk::Cell::Integer(*number),
        Value::Decimal(number) => sdk::Cell::Decimal(number.as_str().to_owned()),
        Value::Boolean(flag) => sdk::Cell::Boolean(*flag),
        Value::Timestamp(time) => sdk::Cell::Timestamp(time.as_micros()),
        Value::Date(date) => sdk::Cell::Date(date.as_days()),
    }
}

fn value(cell: sdk::Cell) -> Option<Value> {
    Some(match cell {
        sdk::Cell::Absent => Value::Absent,
        sdk::Cell::Null => Value::Null,
        sdk::Cell::Text(text) => Value::Text(text),
        sdk::Cell::Integer(number) => Value::Integer(number),
        sdk::Cell::Decimal(text) => Value::Decimal(Decimal::try_from(text).ok()?),
        sdk::Cell::Boolean(flag) => Value::Boolean(flag),
        sdk::Cell::Timestamp(microseconds) => Value::Timestamp(Timestamp::from_micros(microseconds)),
        sdk::Cell::Date(days) => Value::Date(Date::from_days(days)),
    })
}

//! A guest with three ways through it, for measuring.
//!
//! - To Dataverse, during an initial sync: says "delete" to every row without looking at it. What that costs is the way
//!   in.
//! - To Dataverse, otherwise: gives back the cells it got. What that costs more is the way out.
//! - To F&O: one cell holds a JSON array of rows, each an object of columns. They go through the very table that the
//!   measured `table-map` component holds, and come back as a JSON array of objects: during an initial sync by way of
//!   `serde_json::Value`, otherwise without anything in between.

mod json;
mod trees;

use dualwright_sdk::{
    Cell, Change, Context, Description, Heap, Leg, LegDescription, Map, Operation, Outcome,
};
use dualwright_table_map::{encode, eval};

use json::{Columns, Plain};

include!(concat!(env!("OUT_DIR"), "/columns.rs"));

static TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wide.table"));

/// As the component that this one is measured against.
#[global_allocator]
static HEAP: Heap = Heap::new();

struct Measure;

impl Map for Measure {
    fn describe() -> Description {
        let mut said = encode::description(TABLE).unwrap_or_else(|| unreachable!());
        said.name = "measure".to_owned();
        said.two_way = Vec::new();
        let json = LegDescription {
            leg: Leg::ToFinops,
            reads: said.key.iter().map(|pair| pair.dataverse.clone()).collect(),
            writes: said.key.iter().map(|pair| pair.finops.clone()).collect(),
            filter: None,
            on_leave: said.legs[0].on_leave,
        };
        said.legs.truncate(1);
        said.legs.push(json);
        said
    }

    fn transform(leg: Leg, context: Context, batch: Vec<Change>) -> Vec<Outcome> {
        match (leg, context.initial) {
            (Leg::ToDataverse, true) => batch.iter().map(|_| Outcome::Delete).collect(),
            (Leg::ToDataverse, false) => {
                batch.into_iter().map(|change| Outcome::Upsert(change.cells)).collect()
            }
            (Leg::ToFinops, true) => batch.into_iter().map(trees::through).collect(),
            (Leg::ToFinops, false) => batch.into_iter().map(through_json).collect(),
        }
    }
}

fn through_json(change: Change) -> Outcome {
    let program = encode::program(TABLE, Leg::ToDataverse).unwrap_or_else(|| unreachable!());
    let text = change.cells.first().and_then(Cell::as_text).unwrap_or_default();
    let mut batch = Vec::new();
    let read = json::read(text, &Columns::new(READS), |row, column, plain| {
        if batch.len() <= row {
            let cells = vec![Cell::Absent; READS.len()];
            batch.push(Change { operation: Operation::Upsert, cells });
        }
        batch[row].cells[column] = match plain {
            Plain::Null => Cell::Null,
            Plain::Text(text) => Cell::Text(text.into_owned()),
            Plain::Integer(number) => Cell::Integer(number),
            Plain::Decimal(text) => Cell::Decimal(text.into_owned()),
            Plain::Boolean(flag) => Cell::Boolean(flag),
            Plain::Timestamp(microseconds) => Cell::Timestamp(microseconds),
            Plain::Date(days) => Cell::Date(days),
        };
    });
    if let Err(error) = read {
        return Outcome::reject(None, "json", error.to_string());
    }
    let mut answer = json::Writer::default();
    for outcome in eval::transform(&program, batch) {
        let Outcome::Upsert(cells) = &outcome else {
            return Outcome::reject(None, "json", "the table did not write a row");
        };
        answer.row(WRITES.iter().copied().zip(cells).filter_map(|(name, cell)| Some((name, plain(cell)?))));
    }
    Outcome::Upsert(vec![Cell::Text(answer.finish())])
}

fn plain(cell: &Cell) -> Option<Plain<'_>> {
    Some(match cell {
        Cell::Absent => return None,
        Cell::Null => Plain::Null,
        Cell::Text(text) => Plain::Text(text.into()),
        Cell::Integer(number) => Plain::Integer(*number),
        Cell::Decimal(text) => Plain::Decimal(text.into()),
        Cell::Boolean(flag) => Plain::Boolean(*flag),
        Cell::Timestamp(microseconds) => Plain::Timestamp(*microseconds),
        Cell::Date(days) => Plain::Date(*days),
    })
}

dualwright_sdk::export_map!(Measure);

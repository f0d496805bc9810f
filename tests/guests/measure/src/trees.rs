//! JSON by way of `serde_json::Value`, as guests do that take any row.

use dualwright_sdk::{Cell, Change, Leg, Operation, Outcome};
use dualwright_table_map::{encode, eval};
use serde_json::{Map, Value};

use crate::{READS, TABLE, WRITES};

pub(crate) fn through(change: Change) -> Outcome {
    let program = encode::program(TABLE, Leg::ToDataverse).unwrap_or_else(|| unreachable!());
    let text = change.cells.first().and_then(Cell::as_text).unwrap_or_default();
    let rows: Vec<Map<String, Value>> = match serde_json::from_str(text) {
        Ok(rows) => rows,
        Err(error) => return Outcome::reject(None, "json", error.to_string()),
    };
    let batch = rows.into_iter().map(|mut row| {
        let cells =
            READS.iter().map(|name| row.remove(*name).map_or(Cell::Absent, |value| cell(name, value)));
        Change { operation: Operation::Upsert, cells: cells.collect() }
    });
    let outcomes = eval::transform(&program, batch.collect());
    let rows: Vec<Map<String, Value>> = outcomes.into_iter().map(row).collect();
    match serde_json::to_string(&rows) {
        Ok(text) => Outcome::Upsert(vec![Cell::Text(text)]),
        Err(error) => Outcome::reject(None, "json", error.to_string()),
    }
}

fn row(outcome: Outcome) -> Map<String, Value> {
    let Outcome::Upsert(cells) = outcome else { return Map::new() };
    let said = WRITES.iter().zip(cells).filter(|(_, cell)| !cell.is_absent());
    said.map(|(name, cell)| ((*name).to_owned(), value(cell))).collect()
}

fn cell(name: &str, value: Value) -> Cell {
    match (name.as_bytes()[0].to_ascii_lowercase(), value) {
        (b'e', Value::String(text)) => Cell::Decimal(text),
        (_, Value::String(text)) => Cell::Text(text),
        (_, Value::Bool(flag)) => Cell::Boolean(flag),
        (b'm', Value::Number(number)) => number.as_i64().map_or(Cell::Null, Cell::Timestamp),
        (b'd', Value::Number(number)) => {
            number.as_i64().and_then(|days| i32::try_from(days).ok()).map_or(Cell::Null, Cell::Date)
        }
        (_, Value::Number(number)) => number.as_i64().map_or(Cell::Null, Cell::Integer),
        _ => Cell::Null,
    }
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Absent | Cell::Null => Value::Null,
        Cell::Text(text) | Cell::Decimal(text) => Value::from(text),
        Cell::Integer(number) | Cell::Timestamp(number) => Value::from(number),
        Cell::Boolean(flag) => Value::from(flag),
        Cell::Date(days) => Value::from(days),
    }
}

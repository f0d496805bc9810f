//! Rows of the measured map.

use dualwright_map_builder::manifest;
use dualwright_model::{ColumnPath, Date, Decimal, Leg, Operation, Record, Timestamp, Value};
use dualwright_plugin_host::GuestChange;

pub(crate) const LEG: Leg = Leg::ToDataverse;

pub(crate) fn columns() -> usize {
    reads().len()
}

fn reads() -> Vec<String> {
    let map = manifest::read(&crate::here().join("wide.toml")).unwrap().map;
    map.description.legs[0].reads.clone()
}

/// Rows as the connector for F&O brings them: texts of some fifteen bytes, exact numbers, some cells empty.
pub(crate) fn batch(rows: usize) -> Vec<GuestChange> {
    // Every row has the columns' names in common, as rows of a connector have.
    let reads: Vec<ColumnPath> = reads().into_iter().map(ColumnPath::from).collect();
    let row = |row: usize| {
        let cells = reads
            .iter()
            .enumerate()
            .map(|(index, column)| (column.clone(), value(column.as_str(), index, row)));
        GuestChange { operation: Operation::Upsert, record: cells.collect::<Record>() }
    };
    (0..rows).map(row).collect()
}

fn value(column: &str, index: usize, row: usize) -> Value {
    const CHOICES: [&str; 6] = ["No", "Invoice", "All", "Payment", "Requisition", "Never"];
    let number = i64::try_from(row * 31 + index).unwrap();
    match column.as_bytes() {
        [b'T', .., b'4', _] => Value::text(CHOICES[(row + index) % CHOICES.len()]),
        [b'T', .., b'0', b'3' | b'4'] => Value::text(""),
        [b'T', .., b'1', b'4'] => Value::Null,
        [b'T', ..] => Value::text(format!("Nygade {row:>4} {index:>2}")),
        [b'W', ..] => Value::Integer(number),
        [b'E', ..] => Value::Decimal(Decimal::parse(&format!("{number}.{:02}", 10 + row % 80)).unwrap()),
        [b'F', ..] => Value::Boolean(row.is_multiple_of(2)),
        [b'M', ..] => Value::Timestamp(Timestamp::from_micros(1_700_000_000_000_000 + number)),
        _ => Value::Date(Date::from_days(i32::try_from(number).unwrap())),
    }
}

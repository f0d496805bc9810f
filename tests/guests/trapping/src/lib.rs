//! A map that panics in several ways, to see what is told of it.

use dualwright_sdk::{Cell, Change, Context, Description, Leg, Map, Outcome, export_map};
use dualwright_sdk::{KeyPair, LeavePolicy, LegDescription};

struct Trapping;

impl Map for Trapping {
    fn describe() -> Description {
        Description {
            name: "trapping".to_owned(),
            version: "1.0.0".to_owned(),
            about: "Panics.".to_owned(),
            finops_table: "Left".to_owned(),
            dataverse_table: "Right".to_owned(),
            key: vec![KeyPair { finops: "K".to_owned(), dataverse: "k".to_owned() }],
            legs: vec![LegDescription {
                leg: Leg::ToDataverse,
                reads: vec!["K".to_owned(), "A".to_owned()],
                writes: vec!["k".to_owned(), "a".to_owned()],
                filter: None,
                on_leave: LeavePolicy::Delete,
            }],
            two_way: Vec::new(),
            needs: Vec::new(),
        }
    }

    fn transform_one(_leg: Leg, _context: &Context, change: Change) -> Outcome {
        let Some(Cell::Text(text)) = change.cells.get(1) else { return Outcome::Upsert(change.cells) };
        match text.as_str() {
            "unwrap" => drop(unwrapped(text)),
            "index" => drop(indexed(&change.cells)),
            "panic" => panic!("the value is {text}"), // LINE panic
            _ => {}
        }
        Outcome::Upsert(change.cells)
    }
}

#[inline(never)]
fn unwrapped(text: &str) -> i64 {
    text.parse::<i64>().unwrap() // LINE unwrap
}

#[inline(never)]
fn indexed(cells: &[Cell]) -> Cell {
    let far = cells.len() * 7;
    cells[far].clone() // LINE index
}

export_map!(Trapping);

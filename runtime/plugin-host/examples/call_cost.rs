//! What a row costs on its way through a map: `call_cost [component.wasm]`.
//!
//! Without an argument an honest guest of 30 columns is used, which gives back what it gets: what remains is the cost
//! of the boundary. Build it with `--release`; figures of a debug build say nothing.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for a person at a terminal")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use dualwright_model::{Operation, Record, Value};
use dualwright_plugin_host::{Grants, GuestChange, Host, HostConfig, LegDescription};

const TIME_PER_SIZE: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1);
    let bytes = match &path {
        Some(path) => std::fs::read(path)?,
        None => support::wide_echo(30),
    };
    let host = Host::new(HostConfig::default())?;
    let begun = Instant::now();
    let plugin = host.load(path.as_deref().unwrap_or("built-in echo"), &bytes, &Grants::default())?;
    let leg = plugin.description().legs.first().ok_or("no leg")?;
    println!("{} {}", plugin.description().name, plugin.description().version);
    println!("{} bytes, loaded in {} ms", bytes.len(), begun.elapsed().as_millis());
    println!("leg {}: {} columns read, {} written", leg.leg, leg.reads.len(), leg.writes.len());
    println!("{:>6} {:>12} {:>12} {:>9}", "batch", "us a call", "ns a row", "calls");
    for rows in [1_u32, 10, 100, 1000] {
        let batch: Vec<GuestChange> = (0..rows).map(|row| change(leg, row)).collect();
        // Once to warm the caches up, and to see that the map does its work.
        let answers = plugin.transform(leg.leg, false, &batch).await;
        if let Some(Err(fault)) = answers.iter().find(|answer| answer.is_err()) {
            return Err(fault.message.clone().into());
        }
        let (begun, mut calls) = (Instant::now(), 0_u32);
        while begun.elapsed() < TIME_PER_SIZE {
            std::hint::black_box(plugin.transform(leg.leg, false, &batch).await);
            calls += 1;
        }
        let call = begun.elapsed() / calls;
        println!("{rows:>6} {:>12.1} {:>12} {calls:>9}", call.as_secs_f64() * 1e6, (call / rows).as_nanos());
    }
    Ok(())
}

/// Of every three columns two texts of some 17 bytes and an integer; every fifteenth is null.
fn change(leg: &LegDescription, row: u32) -> GuestChange {
    let mut record = Record::new();
    for (index, column) in leg.reads.iter().enumerate() {
        let value = match index {
            index if index % 15 == 14 => Value::Null,
            index if index % 3 == 2 => Value::Integer(i64::from(row)),
            index => Value::text(format!("value {index:>4} {row:>6}")),
        };
        record.set(column.clone(), value);
    }
    GuestChange { operation: Operation::Upsert, record }
}

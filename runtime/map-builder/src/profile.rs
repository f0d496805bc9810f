//! What a map spends where, and what its rows cost beside native code.

mod checks;
pub mod flame;
pub mod native;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use dualwright_model::{Leg, Operation, Record};
use dualwright_plugin_host::{FuelProfile, Grants, GuestChange, HostError, Limits, Plugin, fuel_profile};
use dualwright_table_map::compile::CompiledMap;

use crate::fixtures::Case;

/// Rows in a measured batch: as many as can be counted.
const ROWS: [usize; 3] = [100, 10, 1];
/// For how long each side of a comparison is timed.
const TIMED: Duration = Duration::from_millis(300);

/// One leg, measured.
#[derive(Clone, Debug)]
pub struct LegProfile {
    /// The direction.
    pub leg: Leg,
    /// How many rows the fuel was spent on.
    pub rows: usize,
    /// The fuel, stack by stack.
    pub fuel: FuelProfile,
    /// The functions, those that spent most themselves first.
    pub functions: Vec<FunctionShare>,
    /// What a row costs in time.
    pub cost: RowCost,
}

/// What one function spent, wherever it was called from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionShare {
    /// Its name.
    pub function: String,
    /// The fuel it spent itself.
    pub own: u64,
    /// The fuel it and what it called spent.
    pub with_callees: u64,
}

/// What a row costs in time, from the row that the runtime has to the answer that it needs; on this machine, now.
#[derive(Clone, Copy, Debug)]
pub struct RowCost {
    /// In the sandbox.
    pub sandbox: Duration,
    /// Natively.
    pub native: Duration,
    /// Whether natively the same map ran; otherwise rows were only copied, column by column.
    pub same_map: bool,
}

/// Measures every leg for which there are rows among the cases, with a hundred of them, or fewer where that takes too
/// long. Blocks the calling thread for seconds.
///
/// # Errors
/// When a component cannot be prepared for counting, or fails while it is counted.
pub async fn measure(
    plugin: &Plugin,
    bytes: &[u8],
    cases: &[Case],
    compiled: Option<&CompiledMap>,
    grants: &Grants,
    limits: &Limits,
) -> Result<Vec<LegProfile>, HostError> {
    let name = plugin.description().name.to_string();
    let counted =
        checks::after_calls(bytes).map_err(|reason| HostError::NotMeasured { name: name.clone(), reason })?;
    let mut profiles = Vec::new();
    for described in &plugin.description().legs {
        let leg = described.leg;
        let of_leg = |case: &&Case| case.leg == leg && case.operation == Operation::Upsert;
        let rows: Vec<&Record> = cases.iter().filter(of_leg).map(|case| &case.row).collect();
        if rows.is_empty() {
            continue;
        }
        let batch: Vec<GuestChange> = rows
            .into_iter()
            .cycle()
            .take(ROWS[0])
            .map(|record| GuestChange { operation: Operation::Upsert, record: record.clone() })
            .collect();
        let count = |rows: usize| {
            let batch = batch.get(..rows).unwrap_or(&batch);
            fuel_profile(&name, &counted, grants, limits, leg, batch).map(|fuel| (rows, fuel))
        };
        let [most, fewer, one] = ROWS;
        let (rows, fuel) = count(most).or_else(|_| count(fewer)).or_else(|_| count(one))?;
        let native = native::Native::of(described, compiled);
        let cost = cost(plugin, leg, &batch, &native).await;
        profiles.push(LegProfile { leg, rows, functions: functions(&fuel), fuel, cost });
    }
    Ok(profiles)
}

/// What each function spent.
fn functions(profile: &FuelProfile) -> Vec<FunctionShare> {
    let mut shares: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for stack in &profile.stacks {
        // One that calls itself is on the stack more than once, and spent it once.
        for function in stack.functions.iter().collect::<BTreeSet<_>>() {
            shares.entry(function).or_default().1 += stack.fuel;
        }
        if let Some(innermost) = stack.functions.last() {
            shares.entry(innermost).or_default().0 += stack.fuel;
        }
    }
    let mut functions: Vec<FunctionShare> = shares
        .into_iter()
        .map(|(function, (own, with_callees))| FunctionShare {
            function: function.to_owned(),
            own,
            with_callees,
        })
        .collect();
    functions.sort_by_key(|share| std::cmp::Reverse(share.own));
    functions
}

async fn cost(plugin: &Plugin, leg: Leg, batch: &[GuestChange], native: &native::Native) -> RowCost {
    let rows = u32::try_from(batch.len()).unwrap_or(u32::MAX).max(1);
    // Once unmeasured, for what is only done the first time.
    plugin.transform(leg, false, batch).await;
    let (began, mut calls) = (Instant::now(), 0_u32);
    while began.elapsed() < TIMED {
        std::hint::black_box(plugin.transform(leg, false, batch).await);
        calls += 1;
    }
    let sandbox = began.elapsed() / calls / rows;
    let (began, mut calls) = (Instant::now(), 0_u32);
    while began.elapsed() < TIMED {
        std::hint::black_box(native.transform(batch));
        calls += 1;
    }
    RowCost { sandbox, native: began.elapsed() / calls / rows, same_map: native.is_same_map() }
}

#[cfg(test)]
mod tests;

//! What was captured and how it ended, summed up for ever.

use std::collections::BTreeMap;

use dualwright_model::{Leg, MapName};
use rusqlite::{Connection, params};

use super::readers::unreadable;
use crate::{MapCounters, Resolution};

pub(super) const CAPTURED: &str = "captured";
pub(super) const PENDING: &str = "pending";
pub(super) const NEAR_MISSES: &str = "near-misses";

/// The stored word for a resolution.
pub(super) fn word(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Applied => "applied",
        Resolution::Unchanged => "unchanged",
        Resolution::Echo => "echo",
        Resolution::Skipped => "skipped",
        Resolution::Dead => "dead",
    }
}

const RESOLUTIONS: [Resolution; 5] =
    [Resolution::Applied, Resolution::Unchanged, Resolution::Echo, Resolution::Skipped, Resolution::Dead];

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a leg")]
struct NotALeg(String);

pub(super) fn leg_of(word: &str) -> rusqlite::Result<Leg> {
    Leg::ALL
        .into_iter()
        .find(|leg| leg.to_string() == word)
        .ok_or_else(|| unreadable(1, NotALeg(word.to_owned())))
}

pub(super) fn add(
    connection: &Connection,
    map: &MapName,
    leg: Leg,
    name: &str,
    count: u64,
) -> rusqlite::Result<()> {
    change(connection, map, leg, name, i64::try_from(count).unwrap_or(i64::MAX))
}

pub(super) fn subtract(
    connection: &Connection,
    map: &MapName,
    leg: Leg,
    name: &str,
    count: u64,
) -> rusqlite::Result<()> {
    change(connection, map, leg, name, -i64::try_from(count).unwrap_or(i64::MAX))
}

fn change(connection: &Connection, map: &MapName, leg: Leg, name: &str, by: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO counter (map, leg, name, value) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (map, leg, name) DO UPDATE SET value = value + excluded.value",
        )?
        .execute(params![map.as_str(), leg.to_string(), name, by])?;
    Ok(())
}

pub(super) fn read(connection: &Connection, map: &MapName) -> rusqlite::Result<BTreeMap<Leg, MapCounters>> {
    let mut select = connection.prepare_cached("SELECT leg, name, value FROM counter WHERE map = ?1")?;
    let mut counters: BTreeMap<Leg, MapCounters> = BTreeMap::new();
    let mut rows = select.query([map.as_str()])?;
    while let Some(row) = rows.next()? {
        let leg: String = row.get(0)?;
        let name: String = row.get(1)?;
        let value = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
        let counter = counters.entry(leg_of(&leg)?).or_default();
        match name.as_str() {
            CAPTURED => counter.captured = value,
            PENDING => counter.pending = value,
            NEAR_MISSES => counter.near_misses = value,
            name => {
                if let Some(resolution) = RESOLUTIONS.into_iter().find(|resolution| word(*resolution) == name)
                {
                    counter.resolved.insert(resolution, value);
                }
            }
        }
    }
    Ok(counters)
}

//! When links were forgotten.

use dualwright_model::{MapName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::Unlinked;
use crate::port::TOMBSTONE_DAYS;

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

pub(super) fn set(connection: &Connection, unlinked: &[Unlinked]) -> rusqlite::Result<()> {
    let Some(newest) = unlinked.iter().map(|one| one.at.as_micros()).max() else { return Ok(()) };
    let mut insert = connection.prepare_cached(
        "INSERT INTO tombstone (map, lane_key, at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (map, lane_key) DO UPDATE SET at = max(at, excluded.at)",
    )?;
    for one in unlinked {
        insert.execute(params![one.map.as_str(), one.lane_key, one.at.as_micros()])?;
    }
    let old = newest.saturating_sub(TOMBSTONE_DAYS * DAY_MICROS);
    connection.prepare_cached("DELETE FROM tombstone WHERE at < ?1")?.execute([old])?;
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    map: &MapName,
    lane_keys: &[String],
) -> rusqlite::Result<Vec<Option<Timestamp>>> {
    let mut select =
        connection.prepare_cached("SELECT at FROM tombstone WHERE map = ?1 AND lane_key = ?2")?;
    lane_keys
        .iter()
        .map(|lane_key| {
            let at: Option<i64> =
                select.query_row(params![map.as_str(), lane_key], |row| row.get(0)).optional()?;
            Ok(at.map(Timestamp::from_micros))
        })
        .collect()
}

//! Where each map stands.

use dualwright_model::{MapName, Timestamp};
use rusqlite::{Connection, params};

use crate::MapStateRecord;

pub(super) fn set(connection: &Connection, state: &MapStateRecord) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO map_state (map, state, since, reason) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![state.map.as_str(), state.state, state.since.as_micros(), state.reason])?;
    Ok(())
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<MapStateRecord>> {
    let mut select =
        connection.prepare_cached("SELECT map, state, since, reason FROM map_state ORDER BY map")?;
    let rows = select.query_map([], |row| {
        Ok(MapStateRecord {
            map: MapName::from(row.get::<_, String>(0)?),
            state: row.get(1)?,
            since: Timestamp::from_micros(row.get(2)?),
            reason: row.get(3)?,
        })
    })?;
    rows.collect()
}

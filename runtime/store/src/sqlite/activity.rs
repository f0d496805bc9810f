//! The activity log.

use dualwright_model::{MapName, Timestamp};
use rusqlite::{Connection, params};

use crate::Activity;

pub(super) fn add(connection: &Connection, line: &Activity) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO activity (at, map, kind, actor, message) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            line.at.as_micros(),
            line.map.as_ref().map(MapName::as_str),
            line.kind,
            line.actor,
            line.message
        ])?;
    Ok(())
}

pub(super) fn newest(
    connection: &Connection,
    map: Option<&MapName>,
    limit: usize,
) -> rusqlite::Result<Vec<Activity>> {
    // Two questions, so that each walks its own index backwards.
    let which = if map.is_some() { "map = ?1" } else { "?1 IS NULL" };
    let mut select = connection.prepare_cached(&format!(
        "SELECT at, map, kind, actor, message FROM activity WHERE {which} ORDER BY id DESC LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![map.map(MapName::as_str), limit], |row| {
        Ok(Activity {
            at: Timestamp::from_micros(row.get(0)?),
            map: row.get::<_, Option<String>>(1)?.map(MapName::from),
            kind: row.get(2)?,
            actor: row.get(3)?,
            message: row.get(4)?,
        })
    })?;
    rows.collect()
}

//! Positions of feeds.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{Checkpoint, FeedId};

pub(super) fn set(connection: &Connection, checkpoint: &Checkpoint) -> rusqlite::Result<()> {
    let (map, leg) = (checkpoint.feed.map.as_str(), checkpoint.feed.leg.to_string());
    let purpose = &checkpoint.feed.purpose;
    match &checkpoint.position {
        Some(position) => connection
            .prepare_cached(
                "INSERT OR REPLACE INTO checkpoint (map, leg, purpose, position) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![map, leg, purpose, position])?,
        None => connection
            .prepare_cached("DELETE FROM checkpoint WHERE map = ?1 AND leg = ?2 AND purpose = ?3")?
            .execute(params![map, leg, purpose])?,
    };
    Ok(())
}

pub(super) fn get(connection: &Connection, feed: &FeedId) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT position FROM checkpoint WHERE map = ?1 AND leg = ?2 AND purpose = ?3")?
        .query_row(params![feed.map.as_str(), feed.leg.to_string(), feed.purpose], |row| row.get(0))
        .optional()
}

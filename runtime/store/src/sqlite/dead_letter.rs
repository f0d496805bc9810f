//! Dead letters.

use dualwright_diagnostics::Class;
use dualwright_model::{Change, Digest, IntegrationKey, Leg, MapName, Record, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::readers::{unreadable, unwritable};
use crate::{DeadLetter, DeadLetterFilter, DeadLetterId, NewDeadLetter, NewEntry, Violation};

/// The stored form (I12).
#[derive(Serialize, Deserialize)]
struct Stored {
    leg: Leg,
    lane_key: String,
    key: IntegrationKey,
    change: Change,
    #[serde(default)]
    again: bool,
    class: Class,
    message: String,
    column: Option<String>,
    #[serde(default)]
    violations: Vec<Violation>,
    intended: Option<Record>,
    map_version: String,
    digest: Digest,
    at: Timestamp,
}

pub(super) fn add(connection: &Connection, letters: &[NewDeadLetter]) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO dead_letter (map, code, letter) VALUES (?1, ?2, ?3)")?;
    for letter in letters {
        let stored = Stored {
            leg: letter.entry.leg,
            lane_key: letter.entry.lane_key.clone(),
            key: letter.entry.key.clone(),
            change: letter.entry.change.clone(),
            again: letter.entry.again,
            class: letter.class,
            message: letter.message.clone(),
            column: letter.column.clone(),
            violations: letter.violations.clone(),
            intended: letter.intended.clone(),
            map_version: letter.map_version.clone(),
            digest: letter.digest.clone(),
            at: letter.at,
        };
        let body = serde_json::to_vec(&stored).map_err(unwritable)?;
        insert.execute(params![letter.entry.map.as_str(), letter.code, body])?;
    }
    Ok(())
}

pub(super) fn list(
    connection: &Connection,
    filter: &DeadLetterFilter,
    limit: usize,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut select = connection.prepare_cached(
        "SELECT id, map, code, letter FROM dead_letter \
         WHERE id > ?1 AND (?2 IS NULL OR map = ?2) AND (?3 IS NULL OR code = ?3) ORDER BY id LIMIT ?4",
    )?;
    let after = filter.after.map_or(0, |id| i64::try_from(id.0).unwrap_or(i64::MAX));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(
        params![after, filter.map.as_ref().map(MapName::as_str), filter.code, limit],
        |row| {
            let id: i64 = row.get(0)?;
            let letter = read(row.get(1)?, row.get(2)?, &row.get::<_, Vec<u8>>(3)?)?;
            Ok(DeadLetter { id: DeadLetterId(u64::try_from(id).unwrap_or(0)), letter })
        },
    )?;
    rows.collect()
}

/// Takes letters out; unknown numbers are passed over.
pub(super) fn take(connection: &Connection, ids: &[DeadLetterId]) -> rusqlite::Result<Vec<NewDeadLetter>> {
    let mut delete =
        connection.prepare_cached("DELETE FROM dead_letter WHERE id = ?1 RETURNING map, code, letter")?;
    let mut letters = Vec::new();
    for id in ids {
        let number = i64::try_from(id.0).unwrap_or(i64::MAX);
        let found = delete
            .query_row([number], |row| read(row.get(0)?, row.get(1)?, &row.get::<_, Vec<u8>>(2)?))
            .optional()?;
        letters.extend(found);
    }
    Ok(letters)
}

fn read(map: String, code: String, body: &[u8]) -> rusqlite::Result<NewDeadLetter> {
    let stored: Stored = serde_json::from_slice(body).map_err(|error| unreadable(3, error))?;
    let entry = NewEntry {
        map: MapName::from(map),
        leg: stored.leg,
        lane_key: stored.lane_key,
        key: stored.key,
        change: stored.change,
        again: stored.again,
    };
    Ok(NewDeadLetter {
        entry,
        class: stored.class,
        code,
        message: stored.message,
        column: stored.column,
        violations: stored.violations,
        intended: stored.intended,
        map_version: stored.map_version,
        digest: stored.digest,
        at: stored.at,
    })
}

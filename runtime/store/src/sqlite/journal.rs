//! The journal.

use std::collections::{BTreeMap, BTreeSet};

use dualwright_model::{Change, IntegrationKey, Leg, MapName};
use rusqlite::{Connection, OptionalExtension, params};

use super::readers::{unreadable, unwritable};
use super::{counter, recorded};
use crate::{Entry, EntryState, NewEntry, Resolution, Sequence, Wait};

pub(super) fn append(connection: &Connection, entries: &[NewEntry]) -> rusqlite::Result<Vec<Sequence>> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO journal (map, leg, lane_key, key, change, again) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut sequences = Vec::with_capacity(entries.len());
    let mut captured: BTreeMap<(&MapName, Leg), u64> = BTreeMap::new();
    for entry in entries {
        let key = serde_json::to_string(&entry.key).map_err(unwritable)?;
        let change = serde_json::to_vec(&entry.change).map_err(unwritable)?;
        let (map, leg) = (entry.map.as_str(), entry.leg.to_string());
        insert.execute(params![map, leg, entry.lane_key, key, change, entry.again])?;
        sequences.push(Sequence(u64::try_from(connection.last_insert_rowid()).unwrap_or(0)));
        *captured.entry((&entry.map, entry.leg)).or_default() += 1;
    }
    for ((map, leg), count) in captured {
        counter::add(connection, map, leg, counter::CAPTURED, count)?;
        counter::add(connection, map, leg, counter::PENDING, count)?;
    }
    Ok(sequences)
}

/// Takes entries out and counts how they ended; one that is gone already counts nothing (I4). The newest of them stay
/// among what is recorded.
pub(super) fn resolve(
    connection: &Connection,
    resolved: &[(Sequence, Resolution)],
    recorded: usize,
) -> rusqlite::Result<()> {
    let mut delete =
        connection.prepare_cached("DELETE FROM journal WHERE sequence = ?1 RETURNING map, leg")?;
    let mut counts: BTreeMap<(MapName, Leg, &'static str), u64> = BTreeMap::new();
    for (place, (sequence, resolution)) in resolved.iter().enumerate() {
        // Of a settlement that is larger than what is kept, the end.
        if *resolution != Resolution::Echo && resolved.len() - place <= recorded {
            recorded::keep(connection, number(*sequence))?;
        }
        let found = delete
            .query_row([number(*sequence)], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .optional()?;
        if let Some((map, leg)) = found {
            let key = (MapName::from(map), counter::leg_of(&leg)?, counter::word(*resolution));
            *counts.entry(key).or_default() += 1;
        }
    }
    let legs: BTreeSet<(&MapName, Leg)> = counts.keys().map(|(map, leg, _)| (map, *leg)).collect();
    for (map, leg) in legs.into_iter().filter(|_| recorded > 0) {
        recorded::prune(connection, map, leg, recorded)?;
    }
    for ((map, leg, word), count) in counts {
        counter::add(connection, &map, leg, word, count)?;
        counter::subtract(connection, &map, leg, counter::PENDING, count)?;
    }
    Ok(())
}

pub(super) fn postpone(connection: &Connection, waiting: &[(Sequence, Wait)]) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached("UPDATE journal SET wait = ?2 WHERE sequence = ?1")?;
    for (sequence, wait) in waiting {
        update.execute(params![number(*sequence), serde_json::to_string(wait).map_err(unwritable)?])?;
    }
    Ok(())
}

/// Replaces what entries say; one that is gone already stays gone.
pub(super) fn revise(connection: &Connection, revised: &[(Sequence, Change)]) -> rusqlite::Result<()> {
    let mut update =
        connection.prepare_cached("UPDATE journal SET change = ?2, revised = 1 WHERE sequence = ?1")?;
    for (sequence, change) in revised {
        update.execute(params![number(*sequence), serde_json::to_vec(change).map_err(unwritable)?])?;
    }
    Ok(())
}

pub(super) fn pending(
    connection: &Connection,
    map: &MapName,
    after: Sequence,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let mut select = connection.prepare_cached(
        "SELECT sequence, leg, lane_key, key, change, wait, revised, again FROM journal WHERE map = ?1 AND sequence > ?2 \
         ORDER BY sequence LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![map.as_str(), number(after), limit], |row| {
        let sequence: i64 = row.get(0)?;
        let leg: String = row.get(1)?;
        let key: String = row.get(3)?;
        let change: Vec<u8> = row.get(4)?;
        let wait: Option<String> = row.get(5)?;
        let key: IntegrationKey = serde_json::from_str(&key).map_err(|error| unreadable(3, error))?;
        let change = serde_json::from_slice(&change).map_err(|error| unreadable(4, error))?;
        let state = match wait {
            None => EntryState::Ready,
            Some(wait) => {
                EntryState::Waiting(serde_json::from_str(&wait).map_err(|error| unreadable(5, error))?)
            }
        };
        let entry = NewEntry {
            map: map.clone(),
            leg: counter::leg_of(&leg)?,
            lane_key: row.get(2)?,
            key,
            change,
            again: row.get(7)?,
        };
        let sequence = Sequence(u64::try_from(sequence).unwrap_or(0));
        Ok(Entry { sequence, entry, state, revised: row.get(6)? })
    })?;
    rows.collect()
}

fn number(sequence: Sequence) -> i64 {
    i64::try_from(sequence.0).unwrap_or(i64::MAX)
}

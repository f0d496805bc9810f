//! Record links.

use dualwright_model::{
    Digest, Fingerprint, IntegrationKey, MapName, RecordId, System, Timestamp, Value, Version,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::readers::{unreadable, unwritable};
use crate::{Link, LinkKey, LinkSide, Unlinked, Writer};

const COLUMNS: &str = "lane_key, key, finops_id, finops_version, finops_fingerprint, finops_key, finops_written_at, \
                       dataverse_id, dataverse_version, dataverse_fingerprint, dataverse_key, dataverse_written_at, \
                       map_version, digest, updated_at, finops_writer, dataverse_writer";

pub(super) fn set(connection: &Connection, links: &[Link]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(&format!(
        "INSERT OR REPLACE INTO link (map, {COLUMNS}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
    ))?;
    for link in links {
        let key = key_text(&link.key)?;
        let (finops, dataverse) = (&link.finops, &link.dataverse);
        insert.execute(params![
            link.map.as_str(),
            link.lane_key,
            key,
            finops.id.as_ref().map(|id| &id.0),
            finops.version.as_ref().map(|version| &version.0),
            finops.fingerprint.to_bytes(),
            serde_json::to_string(&finops.key).map_err(unwritable)?,
            finops.written_at.map(Timestamp::as_micros),
            dataverse.id.as_ref().map(|id| &id.0),
            dataverse.version.as_ref().map(|version| &version.0),
            dataverse.fingerprint.to_bytes(),
            serde_json::to_string(&dataverse.key).map_err(unwritable)?,
            dataverse.written_at.map(Timestamp::as_micros),
            link.map_version,
            link.digest.as_str(),
            link.updated_at.as_micros(),
            finops.writer.as_ref().map(writer_text),
            dataverse.writer.as_ref().map(writer_text),
        ])?;
    }
    Ok(())
}

pub(super) fn forget(connection: &Connection, unlinked: &[Unlinked]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM link WHERE map = ?1 AND lane_key = ?2")?;
    for one in unlinked {
        delete.execute(params![one.map.as_str(), one.lane_key])?;
    }
    Ok(())
}

/// Where two links share a name, the first in lane-key order answers. The plus keeps SQLite from walking all links of the
/// map in that order, which it takes for cheaper than the index of the name.
fn select_by(column: &str) -> String {
    format!("SELECT {COLUMNS} FROM link WHERE map = ?1 AND {column} = ?2 ORDER BY +lane_key LIMIT 1")
}

/// A page of links begins where the last one ended, and does not walk there from the first.
fn select_page(comparison: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM link WHERE map = ?1 AND lane_key {comparison} ?2 ORDER BY lane_key LIMIT ?3"
    )
}

pub(super) fn find(
    connection: &Connection,
    map: &MapName,
    keys: &[LinkKey],
) -> rusqlite::Result<Vec<Option<Link>>> {
    let mut by_lane = connection.prepare_cached(&select_by("lane_key"))?;
    let mut by_key = connection.prepare_cached(&select_by("key"))?;
    let mut by_finops = connection.prepare_cached(&select_by("finops_id"))?;
    let mut by_dataverse = connection.prepare_cached(&select_by("dataverse_id"))?;
    keys.iter()
        .map(|key| {
            let (statement, text) = match key {
                LinkKey::Lane(lane_key) => (&mut by_lane, lane_key.clone()),
                LinkKey::Key(key) => (&mut by_key, key_text(key)?),
                LinkKey::Id(System::Finops, id) => (&mut by_finops, id.0.clone()),
                LinkKey::Id(System::Dataverse, id) => (&mut by_dataverse, id.0.clone()),
            };
            statement.query_row(params![map.as_str(), text], |row| read(map, row)).optional()
        })
        .collect()
}

pub(super) fn after(
    connection: &Connection,
    map: &MapName,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<Link>> {
    let (comparison, from) = after.map_or((">=", ""), |after| (">", after));
    let mut select = connection.prepare_cached(&select_page(comparison))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![map.as_str(), from, limit], |row| read(map, row))?;
    rows.collect()
}

fn key_text(key: &IntegrationKey) -> rusqlite::Result<String> {
    serde_json::to_string(key).map_err(unwritable)
}

fn read(map: &MapName, row: &Row<'_>) -> rusqlite::Result<Link> {
    let key: String = row.get(1)?;
    Ok(Link {
        map: map.clone(),
        lane_key: row.get(0)?,
        key: serde_json::from_str(&key).map_err(|error| unreadable(1, error))?,
        finops: read_side(row, 2, 15)?,
        dataverse: read_side(row, 7, 16)?,
        map_version: row.get(12)?,
        digest: Digest::new(row.get::<_, String>(13)?),
        updated_at: Timestamp::from_micros(row.get(14)?),
    })
}

/// A digest holds no blank, a version may.
fn writer_text(writer: &Writer) -> String {
    format!("{} {}", writer.map_version, writer.digest)
}

fn read_writer(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Writer>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.as_deref().and_then(|text| text.rsplit_once(' ')).map(|(map_version, digest)| Writer {
        map_version: map_version.to_owned(),
        digest: Digest::new(digest),
    }))
}

fn read_side(row: &Row<'_>, first: usize, writer: usize) -> rusqlite::Result<LinkSide> {
    let fingerprint: Vec<u8> = row.get(first + 2)?;
    let key: String = row.get(first + 3)?;
    let key: Vec<Value> = serde_json::from_str(&key).map_err(|error| unreadable(first + 3, error))?;
    Ok(LinkSide {
        id: row.get::<_, Option<String>>(first)?.map(RecordId),
        version: row.get::<_, Option<String>>(first + 1)?.map(Version),
        fingerprint: Fingerprint::from_bytes(&fingerprint).map_err(|error| unreadable(first + 2, error))?,
        key,
        written_at: row.get::<_, Option<i64>>(first + 4)?.map(Timestamp::from_micros),
        writer: read_writer(row, writer)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{select_by, select_page};

    #[test]
    fn every_name_has_an_index_that_is_used() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection
            .execute_batch(concat!(
                include_str!("migrations/0001_initial.sql"),
                include_str!("migrations/0002_tombstones.sql"),
                include_str!("migrations/0003_writers.sql")
            ))
            .unwrap();
        let plan = |sql: &str| -> String {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let values = vec!["x"; plan.parameter_count()];
            plan.query_row(rusqlite::params_from_iter(values), |row| row.get(3)).unwrap()
        };
        for (column, index) in [
            ("lane_key", "sqlite_autoindex_link_1 (map=? AND lane_key=?)"),
            ("key", "link_by_key (map=? AND key=?)"),
            ("finops_id", "link_by_finops_id (map=? AND finops_id=?)"),
            ("dataverse_id", "link_by_dataverse_id (map=? AND dataverse_id=?)"),
        ] {
            let step = plan(&select_by(column));
            assert!(step.contains(index), "{column}: {step}");
        }
        for comparison in [">", ">="] {
            let step = plan(&select_page(comparison));
            assert!(step.contains("sqlite_autoindex_link_1 (map=? AND lane_key>?)"), "{step}");
        }
    }
}

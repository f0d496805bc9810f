//! Change tracking: `Prefer: odata.track-changes` and `$deltatoken`. After
//! `use-change-tracking-synchronize-data-external-systems.md`.
//!
//! A first read goes through all rows and ends with a delta link as of its *first* page: what was written while it ran
//! comes again with the next read, and nothing is missed. A later read has the rows written since first, by version,
//! and the deletions after them.

use std::sync::Arc;

use dualwright_model::Timestamp;
use dualwright_odata::query::Query;
use http::StatusCode;

use super::error::ApiError;
use super::model::{Entity, Model};
use super::print::{Annotations, View};
use super::query::{MOST_ROWS, page_size};
use super::request::{ReadRequest, json};
use crate::kernel::clock;
use crate::kernel::http::{Request, Response};
use crate::kernel::json::push_text;
use crate::kernel::rows::{Row, Snapshot};

/// The setting that counts how often all delta tokens were ended; a token of an earlier count has expired.
pub(super) const GENERATION: &str = "delta-generation";
/// How long a token is good for (`ExpireChangeTrackingInDays`).
const LIFETIME_MICROS: i64 = 7 * 86_400 * 1_000_000;

/// Reads changes.
pub(super) struct Delta {
    entity: Arc<Entity>,
    root: String,
    query: Query,
    view: View,
    page: usize,
    position: Position,
    /// `accounts/$count?$deltatoken=…` is not asked for: only rows are.
    preferred: bool,
}

/// Where a read stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// At the beginning of a first read.
    Start,
    /// Within a first read that began at version `start`: after the row of this sequence.
    Full { start: i64, after: i64 },
    /// At the beginning of the changes since a version.
    Since { version: i64, at: i64, generation: u64 },
    /// Within the changes up to version `until`: rows after this version.
    Rows { until: i64, after: i64 },
    /// Within the deletions, which began after version `since`.
    Deletions { until: i64, after: i64 },
}

impl Delta {
    /// Whether a request asks for changes.
    pub(super) fn is_asked(request: &Request, query: &Query) -> bool {
        query.delta_token.is_some()
            || request.preference("odata.track-changes").is_some()
            || query.skip_token.as_deref().is_some_and(|token| token.starts_with("changes-"))
    }

    pub(super) fn new(
        model: &Model,
        entity: &Arc<Entity>,
        request: &Request,
        root: String,
        query: Query,
    ) -> Result<Self, ApiError> {
        if !entity.table.change_tracking {
            let message = format!("Change tracking is not enabled for entity '{}'.", entity.logical_name);
            return Err(ApiError::argument(message));
        }
        let forbidden = [
            ("filter", query.filter.is_some()),
            ("orderby", !query.order_by.is_empty()),
            ("expand", !query.expand.is_empty()),
            ("top", query.top.is_some()),
        ];
        if let Some((option, _)) = forbidden.into_iter().find(|(_, given)| *given) {
            let message =
                format!("The \"${option}\" query parameter isn't supported when Change Tracking is enabled.");
            return Err(ApiError::bad_address(message));
        }
        let position = match (&query.skip_token, &query.delta_token) {
            (Some(token), _) => read_skip_token(token).ok_or_else(wrong_token)?,
            (None, Some(token)) => read_delta_token(token).ok_or_else(wrong_token)?,
            (None, None) => Position::Start,
        };
        let view = View::new(model, entity, &query, Annotations::of(request))?;
        let page = page_size(request)?.unwrap_or(MOST_ROWS);
        let preferred = request.preference("odata.track-changes").is_some();
        Ok(Self { entity: entity.clone(), root, query, view, page, position, preferred })
    }

    fn full(
        &self,
        snapshot: &Snapshot<'_>,
        model: &Model,
        start: i64,
        after: i64,
    ) -> Result<Response, ApiError> {
        let mut rows: Vec<Row> = Vec::new();
        snapshot.scan(&self.entity.table, after, |row| -> Result<bool, ApiError> {
            rows.push(row);
            Ok(rows.len() <= self.page)
        })?;
        let more = rows.len() > self.page;
        rows.truncate(self.page);
        let next = match rows.last() {
            Some(last) if more => Link::Next(Position::Full { start, after: last.sequence }),
            _ => Link::Delta(start),
        };
        self.answer(snapshot, model, &rows, &[], next, "")
    }

    /// The rest of the changes up to `until`: rows after version `rows`, deletions after version `deletions`.
    fn changes(
        &self,
        snapshot: &Snapshot<'_>,
        model: &Model,
        position: Position,
    ) -> Result<Response, ApiError> {
        let since = self.query.delta_token.as_deref().and_then(read_delta_token);
        let Some(Position::Since { version: since, .. }) = since else { return Err(wrong_token()) };
        let (until, rows_after, mut deletions_after) = match position {
            Position::Rows { until, after } => (until, Some(after), since),
            Position::Deletions { until, after } => (until, None, after),
            _ => (snapshot.latest_version()?, Some(since), since),
        };
        let mut rows = Vec::new();
        if let Some(after) = rows_after {
            rows = snapshot.changed_rows(&self.entity.table, after, until, self.page + 1)?;
            if rows.len() > self.page {
                rows.truncate(self.page);
                let after = rows.last().map_or(after, |row| row.version);
                let next = Link::Next(Position::Rows { until, after });
                return self.answer(snapshot, model, &rows, &[], next, "/$delta");
            }
        }
        let room = self.page - rows.len();
        let mut deletions = snapshot.deleted_rows(&self.entity.table, deletions_after, until, room + 1)?;
        let more = deletions.len() > room;
        deletions.truncate(room);
        deletions_after = deletions.last().map_or(deletions_after, |deleted| deleted.version);
        let mut gone = Vec::with_capacity(deletions.len());
        for deleted in deletions {
            // A row that was made again under the same id is not gone; it is among the rows.
            if !snapshot.exists(&self.entity.table, &deleted.id)? {
                gone.push(deleted.id);
            }
        }
        let next = if more {
            Link::Next(Position::Deletions { until, after: deletions_after })
        } else {
            Link::Delta(until)
        };
        self.answer(snapshot, model, &rows, &gone, next, "/$delta")
    }

    fn answer(
        &self,
        snapshot: &Snapshot<'_>,
        model: &Model,
        rows: &[Row],
        gone: &[String],
        link: Link,
        suffix: &str,
    ) -> Result<Response, ApiError> {
        let mut body = String::with_capacity(512 + rows.len() * 512);
        body.push_str("{\"@odata.context\":");
        push_text(&mut body, &self.view.context(&self.root, suffix));
        let (name, query) = match link {
            Link::Next(position) => {
                ("nextLink", Query { skip_token: Some(write_skip_token(position)), ..self.query.clone() })
            }
            Link::Delta(version) => {
                let token = Some(write_delta_token(version, current_generation(snapshot)?));
                ("deltaLink", Query { skip_token: None, delta_token: token, ..self.query.clone() })
            }
        };
        body.push_str(&format!(",\"@odata.{name}\":"));
        push_text(&mut body, &format!("{}/{}?{query}", self.root, self.entity.table.name));
        body.push_str(",\"value\":[");
        let mut first = true;
        for row in rows {
            if !std::mem::take(&mut first) {
                body.push(',');
            }
            self.view.object(&mut body, snapshot, model, row)?;
        }
        for id in gone {
            if !std::mem::take(&mut first) {
                body.push(',');
            }
            body.push_str("{\"@odata.context\":");
            let context = format!("{}/$metadata#{}/$deletedEntity", self.root, self.entity.table.name);
            push_text(&mut body, &context);
            body.push_str(",\"id\":");
            push_text(&mut body, id);
            body.push_str(",\"reason\":\"deleted\"}");
        }
        body.push_str("]}");
        let response = json(StatusCode::OK, body);
        Ok(if self.preferred {
            response.header("preference-applied", "odata.track-changes")
        } else {
            response
        })
    }
}

enum Link {
    Next(Position),
    Delta(i64),
}

impl ReadRequest for Delta {
    fn run(&self, snapshot: &Snapshot<'_>, model: &Model) -> Result<Response, ApiError> {
        match self.position {
            Position::Start => self.full(snapshot, model, snapshot.latest_version()?, 0),
            Position::Full { start, after } => self.full(snapshot, model, start, after),
            Position::Since { version, at, generation } => {
                let too_old = clock::now().as_micros().saturating_sub(at) > LIFETIME_MICROS;
                // A version from the future belongs to another database.
                if too_old
                    || generation != current_generation(snapshot)?
                    || version > snapshot.latest_version()?
                {
                    return Err(ApiError::expired());
                }
                self.changes(snapshot, model, self.position)
            }
            position => self.changes(snapshot, model, position),
        }
    }
}

/// How often all delta tokens were ended so far.
pub(super) fn current_generation(snapshot: &Snapshot<'_>) -> Result<u64, ApiError> {
    Ok(snapshot.setting(GENERATION)?.and_then(|count| count.parse().ok()).unwrap_or(0))
}

/// `919042!08/22/2017 08:10:44`, as the documentation shows it; after tokens were ended, with how often.
fn write_delta_token(version: i64, generation: u64) -> String {
    let now = clock::now_seconds().to_string();
    let digits: Vec<&str> = now.split(['-', 'T', ':', 'Z', '.']).collect();
    match digits.as_slice() {
        [year, month, day, hour, minute, second, ..] => {
            let ended = if generation > 0 { format!("!{generation}") } else { String::new() };
            format!("{version}!{month}/{day}/{year} {hour}:{minute}:{second}{ended}")
        }
        _ => format!("{version}!"),
    }
}

fn read_delta_token(token: &str) -> Option<Position> {
    let (version, at) = token.split_once('!')?;
    let (at, generation) = at.split_once('!').unwrap_or((at, "0"));
    let (day, time) = at.split_once(' ')?;
    let parts: Vec<&str> = day.split('/').collect();
    let [month, day, year] = parts.as_slice() else { return None };
    let at = Timestamp::parse(&format!("{year}-{month}-{day}T{time}Z")).ok()?;
    Some(Position::Since {
        version: version.parse().ok()?,
        at: at.as_micros(),
        generation: generation.parse().ok()?,
    })
}

fn write_skip_token(position: Position) -> String {
    match position {
        Position::Full { start, after } => format!("changes-full-{start}-{after}"),
        Position::Rows { until, after } => format!("changes-rows-{until}-{after}"),
        Position::Deletions { until, after } => format!("changes-deletions-{until}-{after}"),
        Position::Start | Position::Since { .. } => String::new(),
    }
}

fn read_skip_token(token: &str) -> Option<Position> {
    let parts: Vec<&str> = token.split('-').collect();
    let ["changes", kind, bound, after] = parts.as_slice() else { return None };
    let (bound, after) = (bound.parse().ok()?, after.parse().ok()?);
    match *kind {
        "full" => Some(Position::Full { start: bound, after }),
        "rows" => Some(Position::Rows { until: bound, after }),
        "deletions" => Some(Position::Deletions { until: bound, after }),
        _ => None,
    }
}

fn wrong_token() -> ApiError {
    ApiError::bad_address("The token is not one that this service gave.")
}

#[cfg(test)]
mod tests {
    use super::{Position, read_delta_token, read_skip_token, write_delta_token, write_skip_token};

    #[test]
    fn tokens_are_read_back() {
        let Some(Position::Since { version: 919_042, at, generation: 0 }) =
            read_delta_token("919042!08/22/2017 08:10:44")
        else {
            panic!("the documented token is not read");
        };
        assert_eq!(at, 1_503_389_444_000_000);
        let again = read_delta_token(&write_delta_token(7, 2));
        assert!(matches!(again, Some(Position::Since { version: 7, generation: 2, .. })));
        for position in [
            Position::Full { start: 3, after: 4 },
            Position::Rows { until: 9, after: 5 },
            Position::Deletions { until: 9, after: 5 },
        ] {
            assert_eq!(read_skip_token(&write_skip_token(position)), Some(position));
        }
        for token in ["", "!", "x!08/22/2017 08:10:44", "1!08/22 08:10", "1!99/99/2017 08:10:44", "1"] {
            assert_eq!(read_delta_token(token), None);
        }
        for token in ["", "changes-full-1", "changes-x-1-2", "changes-rows-a-b", "changes-rows--1-2"] {
            assert_eq!(read_skip_token(token), None);
        }
    }
}

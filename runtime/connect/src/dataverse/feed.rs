//! The change feed: delta links (learn.microsoft.com:
//! power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems).
//!
//! The first read gives every row, page by page, and ends in a delta link; each later read of a delta link gives the
//! rows that changed since, as they are now, then the deleted ones, and ends in the next delta link. Dataverse supports
//! no filter and no expansion on such reads, so lookups are read on their own.
//!
//! A position is `delta`, `next` or `first`, a fingerprint of the columns, and the link's path. The link carries the columns it
//! was made for: a feed whose selection has changed since must begin anew, or the new columns would never be seen for
//! rows that do not change. It says so as an expired feed.

use dualwright_model::{Change, Operation, Record, RecordId};

use super::environment::Environment;
use super::error::feed_expired;
use super::row::{Plan, Row};
use super::scan::{page_request, upsert};
use crate::{ChangePage, ChangePosition, ConnectError, Selection, clock};

const TRACK: &str = "odata.track-changes";

/// A position, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Position<'a> {
    kind: Kind,
    columns: &'a str,
    path: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A further page of the first read. It is asked for as the first page was: nothing says that the link remembers.
    First,
    /// A further page of changes.
    Next,
    /// The next answer.
    Delta,
}

impl<'a> Position<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let kind = match parts.next()? {
            "first" => Kind::First,
            "next" => Kind::Next,
            "delta" => Kind::Delta,
            _ => return None,
        };
        Some(Self { kind, columns: parts.next()?, path: parts.next()? })
    }

    fn print(&self) -> ChangePosition {
        let kind = match self.kind {
            Kind::First => "first",
            Kind::Next => "next",
            Kind::Delta => "delta",
        };
        ChangePosition(format!("{kind} {} {}", self.columns, self.path))
    }
}

/// A short word for a set of columns, the same in every run.
fn columns_mark(plan: &Plan) -> String {
    let select = dualwright_model::Value::Text(plan.select());
    format!("{:016x}", dualwright_model::hash_value(&select))
}

impl Environment {
    pub(super) async fn changes(
        &self,
        selection: &Selection,
        since: Option<&ChangePosition>,
        page_size: usize,
    ) -> Result<ChangePage, ConnectError> {
        let plan = self.plan(selection).await?;
        let mark = columns_mark(&plan);
        let expired = || ConnectError::FeedExpired {
            system: self.client.system().to_owned(),
            table: selection.table.as_str().to_owned(),
        };
        let (asked, path) = match since {
            None => (Kind::First, format!("{}?$select={}", plan.table.name(), plan.select())),
            Some(position) => match Position::parse(&position.0) {
                Some(position) if position.columns == mark => (position.kind, position.path.to_owned()),
                _ => return Err(expired()),
            },
        };
        let tracking = (asked == Kind::First).then_some(TRACK);
        let observed_at = clock::now();
        let request = page_request(path, page_size, plan.annotations(), tracking);
        let answer = self.client.send(request).await?;
        if !answer.status.is_success() {
            let failure = self.client.failure(&answer);
            return Err(if feed_expired(&answer) && since.is_some() { expired() } else { failure });
        }
        let page = self.page(&answer)?;
        let (kind, link) = match (&page.next_link, &page.delta_link) {
            (Some(link), _) if asked == Kind::First => (Kind::First, link),
            (Some(link), _) => (Kind::Next, link),
            (None, Some(link)) => (Kind::Delta, link),
            (None, None) if !plan.table.schema.tracks_changes => {
                let what = format!("changes of {}: change tracking is not enabled", plan.table.name());
                return Err(ConnectError::Unknown { system: self.client.system().to_owned(), what });
            }
            (None, None) => return Err(self.client.protocol("a tracked answer without a delta link")),
        };
        let path = self.client.path_of(link)?;
        let next = Position { kind, columns: &mark, path: &path }.print();
        let changes = self.read_changes(&plan, page.value, observed_at, asked != Kind::First).await?;
        Ok(ChangePage { changes, next, more: kind != Kind::Delta })
    }

    async fn read_changes(
        &self,
        plan: &Plan,
        rows: Vec<Row>,
        observed_at: dualwright_model::Timestamp,
        are_changes: bool,
    ) -> Result<Vec<Change>, ConnectError> {
        let mut order = Vec::with_capacity(rows.len());
        let mut living = Vec::with_capacity(rows.len());
        for row in rows {
            order.push(row.deleted_id());
            if matches!(order.last(), Some(None)) {
                living.push(row);
            }
        }
        let mut images = self.images(plan, &living).await?.into_iter();
        let mut changes = Vec::with_capacity(order.len());
        for deleted in order {
            match deleted {
                Some(id) => changes.push(deletion(id, observed_at)),
                None => changes.extend(images.next().map(|image| upsert(image, observed_at))),
            }
        }
        if are_changes {
            let ids = changes.iter().map(|change| change.id.0.as_str());
            self.memory.changed(&plan.table.schema.logical_name, ids);
        }
        Ok(changes)
    }
}

fn deletion(id: String, observed_at: dualwright_model::Timestamp) -> Change {
    Change {
        operation: Operation::Delete,
        id: RecordId(id),
        version: None,
        record: Record::new(),
        modified_at: None,
        observed_at,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Position};

    #[test]
    fn a_position_survives_its_text_and_garbage_is_none() {
        let position = Position { kind: Kind::Delta, columns: "00ff", path: "/api/accounts?$deltatoken=1 2" };
        assert_eq!(Position::parse(&position.print().0), Some(position));
        for text in ["", "delta", "delta 00ff", "other 00ff /x", "/api/accounts"] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }
}

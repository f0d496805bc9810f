//! Rules on reading.

use std::collections::BTreeMap;

use dualwright_model::{Change, Operation, RecordId, Value};

use super::{Outcome, Trial, expect, fresh_name};
use crate::{ChangePosition, ConnectError, ReadKey, ScanPosition};

/// More pages than any environment fit for this has.
const MOST_PAGES: usize = 10_000;

impl Trial<'_> {
    pub(super) async fn access(&self) -> Outcome {
        let told = self.connector.check_access().await.map_err(|error| error.to_string())?;
        expect(!told.is_empty(), || "nothing was told".to_owned())
    }

    pub(super) async fn description(&self) -> Outcome {
        let selection = &self.fixture.selection;
        let paths: Vec<_> = selection.columns.iter().chain(&selection.key).cloned().collect();
        let schema =
            self.connector.describe(&selection.table, &paths).await.map_err(|error| error.to_string())?;
        for path in &paths {
            expect(schema.column(path.as_str()).is_some(), || format!("{path} is not described"))?;
        }
        expect(schema.name == selection.table, || format!("the table is called {}", schema.name))?;
        expect(!schema.keys.is_empty(), || "the table has no key".to_owned())?;
        let unknown = self.connector.describe(&"conformance_no_such_table".into(), &[]).await;
        expect(matches!(unknown, Err(ConnectError::Unknown { .. })), || format!("unknown: {unknown:?}"))
    }

    pub(super) async fn absent_rows(&self) -> Outcome {
        let (there, absent) = (fresh_name(), fresh_name());
        let row = self.made(&there).await?;
        let nobody = RecordId(uuid::Uuid::new_v4().to_string());
        let keys = [
            ReadKey::Key((self.fixture.key)(&absent)),
            ReadKey::Key((self.fixture.key)(&there.to_lowercase())),
            ReadKey::Id(nobody),
        ];
        let rows =
            self.connector.read(&self.fixture.selection, &keys).await.map_err(|error| error.to_string())?;
        let found: Vec<_> = rows.iter().map(|row| row.as_ref().map(|row| &row.id)).collect();
        expect(found == [None, Some(&row.id), None], || format!("found {found:?}"))
    }

    pub(super) async fn scan(&self) -> Outcome {
        let mut wanted = BTreeMap::new();
        for number in 0..5 {
            let name = fresh_name();
            self.written(self.creation_of(&name, self.cells("scanned", number))).await?;
            wanted.insert(self.row(&name).await?.id, Value::Decimal(number.into()));
        }
        let mut position: Option<ScanPosition> = None;
        let mut seen: BTreeMap<RecordId, usize> = BTreeMap::new();
        for _ in 0..MOST_PAGES {
            let page = self.connector.scan(&self.fixture.selection, position.as_ref(), 2).await;
            let page = page.map_err(|error| error.to_string())?;
            expect(page.changes.len() <= 2, || format!("a page of {} rows", page.changes.len()))?;
            for change in page.changes {
                if let Some(number) = wanted.get(&change.id) {
                    let found = change.record.get(self.number());
                    expect(found == number, || format!("{found:?} where {number:?} was written"))?;
                }
                *seen.entry(change.id).or_default() += 1;
            }
            // The position is kept as text between two pages, and may be read by another process.
            position = page.next.map(|next| ScanPosition(next.0));
            if position.is_none() {
                break;
            }
        }
        expect(position.is_none(), || "the scan does not end".to_owned())?;
        expect(seen.values().all(|times| *times == 1), || "a row came twice".to_owned())?;
        expect(wanted.keys().all(|id| seen.contains_key(id)), || "a row did not come".to_owned())
    }

    pub(super) async fn feed(&self) -> Outcome {
        if !self.connector.has_change_feed() {
            return Ok(());
        }
        let (changed, deleted, created) = (fresh_name(), fresh_name(), fresh_name());
        let row = self.made(&changed).await?;
        let gone = self.made(&deleted).await?;
        let (first, position) = self.changes_since(None).await?;
        let has = |changes: &[Change], id: &RecordId| changes.iter().any(|change| change.id == *id);
        expect(has(&first, &row.id) && has(&first, &gone.id), || "the first read misses rows".to_owned())?;
        let (nothing, position) = self.changes_since(Some(position)).await?;
        expect(!has(&nothing, &row.id), || "an unchanged row is told of".to_owned())?;

        self.written(self.update_of(&changed, &row, &[(self.text(), Value::text("once"))])).await?;
        let row = self.row(&changed).await?;
        self.written(self.update_of(&changed, &row, &[(self.text(), Value::text("twice"))])).await?;
        let new = self.made(&created).await?;
        self.written(self.deletion_of(&deleted, &gone.id)).await?;
        let (told, position) = self.changes_since(Some(position)).await?;
        let last = |id: &RecordId| told.iter().rev().find(|change| change.id == *id);
        let change = last(&row.id).ok_or("the changed row is not told of")?;
        expect(change.record.get(self.text()) == &Value::text("twice"), || {
            format!("told {:?}", change.record)
        })?;
        expect(change.version.is_some(), || "a change without its version".to_owned())?;
        let creation =
            told.iter().position(|change| change.id == new.id).ok_or("the new row is not told of")?;
        let update = told.iter().rposition(|change| change.id == row.id).unwrap_or(usize::MAX);
        expect(update < creation, || "changes do not come in order".to_owned())?;
        let deletion = last(&gone.id).ok_or("the deletion is not told of")?;
        let empty = deletion.operation == Operation::Delete && deletion.record.is_empty();
        expect(empty, || format!("the deletion is told as {deletion:?}"))?;
        let (again, _) = self.changes_since(Some(position)).await?;
        expect(!has(&again, &row.id) && !has(&again, &gone.id), || "changes are told twice".to_owned())
    }

    pub(super) async fn expired_feed(&self) -> Outcome {
        if !self.connector.has_change_feed() {
            let answer = self.connector.changes(&self.fixture.selection, None, 10).await;
            return expect(matches!(answer, Err(ConnectError::Unknown { .. })), || format!("{answer:?}"));
        }
        let position = ChangePosition("nonsense".to_owned());
        let answer = self.connector.changes(&self.fixture.selection, Some(&position), 10).await;
        expect(matches!(answer, Err(ConnectError::FeedExpired { .. })), || format!("{answer:?}"))
    }

    pub(super) fn unsigned_push(&self) -> Outcome {
        let headers = http::HeaderMap::new();
        for query in ["", "code=wrong"] {
            let answer = self.connector.parse_nudge(&headers, query, b"{}", "right");
            let refused = matches!(answer, Err(ConnectError::Unauthorized { .. }));
            expect(refused, || format!("{answer:?}"))?;
        }
        Ok(())
    }

    /// All changes since a position, and the position after them.
    async fn changes_since(
        &self,
        mut since: Option<ChangePosition>,
    ) -> Result<(Vec<Change>, ChangePosition), String> {
        let mut changes = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.connector.changes(&self.fixture.selection, since.as_ref(), 3).await;
            let page = page.map_err(|error| error.to_string())?;
            changes.extend(page.changes);
            if !page.more {
                return Ok((changes, page.next));
            }
            since = Some(page.next);
        }
        Err("the feed does not end".to_owned())
    }
}

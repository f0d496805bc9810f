//! What is remembered of related rows, so that a page of a thousand customers does not ask a thousand times for the
//! same payment term.
//!
//! Two things are remembered: columns of related rows by their id (reading a lookup path), and ids of rows by their
//! key (writing one). Only what was found is remembered, never that something was missing. An entry ends when it is
//! older than its life, or as soon as we hear that its row changed: by a write of ours, answered or not, or in a change
//! feed of its table. What others change in a table that nobody watches can thus be seen late, by at most that life.
//! There are never more entries than configured; when they are too many, old ones go first, then all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dualwright_model::{ColumnPath, Value};
use tokio::time::Instant;

/// The key of one row as it was asked for, by which its id is remembered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TargetKey {
    /// The table's logical name.
    pub(super) table: String,
    /// Column names, and the canonical values looked for.
    pub(super) conditions: Vec<(String, String)>,
}

/// A column of a related row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RelatedKey {
    /// The table's logical name.
    pub(super) table: String,
    /// The row.
    pub(super) id: String,
    /// The column, or a path further on.
    pub(super) column: ColumnPath,
}

pub(super) struct Memory {
    life: Duration,
    most: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    related: HashMap<RelatedKey, (Instant, Value)>,
    targets: HashMap<TargetKey, (Instant, String)>,
    /// When we last heard that a row changed, by table and id.
    changed: HashMap<(String, String), Instant>,
}

impl Inner {
    fn good(&self, life: Duration, read_at: Instant, table: &str, id: &str) -> bool {
        let changed = self.changed.get(&(table.to_owned(), id.to_owned()));
        read_at.elapsed() < life && changed.is_none_or(|changed| *changed < read_at)
    }

    fn make_room(&mut self, life: Duration, most: usize) {
        if self.related.len() + self.targets.len() < most && self.changed.len() < most {
            return;
        }
        self.related.retain(|_, (read_at, _)| read_at.elapsed() < life);
        self.targets.retain(|_, (read_at, _)| read_at.elapsed() < life);
        // A mark matters only to entries older than it, and those have all ended by then.
        self.changed.retain(|_, changed| changed.elapsed() < life);
        if self.related.len() + self.targets.len() >= most / 4 * 3 || self.changed.len() >= most / 4 * 3 {
            *self = Self::default();
        }
    }
}

impl Memory {
    pub(super) fn new(life: Duration, most: usize) -> Self {
        Self { life, most: most.max(16), inner: Mutex::default() }
    }

    pub(super) fn related(&self, key: &RelatedKey) -> Option<Value> {
        let inner = self.lock();
        let (read_at, value) = inner.related.get(key)?;
        inner.good(self.life, *read_at, &key.table, &key.id).then(|| value.clone())
    }

    /// Remembers a column as it was read by a request sent at `read_at`.
    pub(super) fn keep_related(&self, key: RelatedKey, read_at: Instant, value: Value) {
        let mut inner = self.lock();
        inner.make_room(self.life, self.most);
        inner.related.insert(key, (read_at, value));
    }

    pub(super) fn target(&self, key: &TargetKey) -> Option<String> {
        let inner = self.lock();
        let (read_at, id) = inner.targets.get(key)?;
        inner.good(self.life, *read_at, &key.table, id).then(|| id.clone())
    }

    /// Remembers an id as it was found by a request sent at `read_at`.
    pub(super) fn keep_target(&self, key: TargetKey, read_at: Instant, id: String) {
        let mut inner = self.lock();
        inner.make_room(self.life, self.most);
        inner.targets.insert(key, (read_at, id));
    }

    /// Rows of a table changed, or may have: what is remembered of them has ended.
    pub(super) fn changed<'a>(&self, table: &str, ids: impl IntoIterator<Item = &'a str>) {
        let now = Instant::now();
        let mut inner = self.lock();
        for id in ids {
            inner.make_room(self.life, self.most);
            inner.changed.insert((table.to_owned(), id.to_owned()), now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dualwright_model::Value;
    use tokio::time::{Instant, advance};

    use super::{Memory, RelatedKey, TargetKey};

    fn related(id: &str) -> RelatedKey {
        RelatedKey { table: "term".into(), id: id.into(), column: "name".into() }
    }

    #[tokio::test(start_paused = true)]
    async fn entries_end_with_age_and_with_a_change_of_their_row() {
        let memory = Memory::new(Duration::from_secs(60), 100);
        let target = TargetKey { table: "term".into(), conditions: vec![("name".into(), "net30".into())] };
        memory.keep_related(related("a"), Instant::now(), Value::text("Net30"));
        memory.keep_related(related("b"), Instant::now(), Value::text("Net60"));
        memory.keep_target(target.clone(), Instant::now(), "a".into());
        advance(Duration::from_secs(1)).await;
        assert_eq!(memory.related(&related("a")), Some(Value::text("Net30")));
        memory.changed("term", ["a"]);
        assert_eq!(memory.related(&related("a")), None);
        assert_eq!(memory.target(&target), None);
        assert_eq!(memory.related(&related("b")), Some(Value::text("Net60")));
        advance(Duration::from_secs(60)).await;
        assert_eq!(memory.related(&related("b")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_before_a_change_is_not_believed_after_it() {
        let memory = Memory::new(Duration::from_secs(60), 100);
        let asked_at = Instant::now();
        advance(Duration::from_secs(1)).await;
        memory.changed("term", ["a"]);
        memory.keep_related(related("a"), asked_at, Value::text("old"));
        assert_eq!(memory.related(&related("a")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_grows_beyond_its_bound() {
        let memory = Memory::new(Duration::from_secs(60), 100);
        for number in 0..1000 {
            memory.keep_related(related(&number.to_string()), Instant::now(), Value::Null);
            memory.changed("term", [number.to_string().as_str()]);
        }
        let inner = memory.lock();
        assert!(inner.related.len() <= 100 && inner.changed.len() <= 100);
    }
}

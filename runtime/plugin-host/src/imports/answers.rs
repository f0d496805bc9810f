//! What lookups were answered, kept for a short while.
//!
//! Every loaded component has a store of its own, so an answer never reaches a component that was not granted the
//! question. That there is no such record is an answer too; that a system was not there is none.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dualwright_model::Value;

use crate::services::LookupQuestion;

/// What an entry weighs beside its texts, in bytes; every cell and name counts as one more.
const ENTRY_BYTES: usize = 256;
const CELL_BYTES: usize = 64;

/// The record's cells, or that there is no such record.
pub(crate) type Found = Option<Arc<[Value]>>;

/// Answers by question; what was not asked for longest goes first when there is no room.
#[derive(Debug)]
pub(crate) struct Answers {
    room: usize,
    keep: Duration,
    weight: usize,
    uses: u64,
    entries: HashMap<Arc<LookupQuestion>, Entry>,
    by_use: BTreeMap<u64, Arc<LookupQuestion>>,
}

#[derive(Debug)]
struct Entry {
    found: Found,
    at: Instant,
    weight: usize,
    used: u64,
}

impl Answers {
    pub(crate) fn new(room: usize, keep: Duration) -> Self {
        Self { room, keep, weight: 0, uses: 0, entries: HashMap::new(), by_use: BTreeMap::new() }
    }

    /// An answer that is still true enough: given during this batch, so that a batch which is tried again sees the same,
    /// or a short while ago.
    pub(crate) fn get(
        &mut self,
        question: &LookupQuestion,
        now: Instant,
        batch_began: Instant,
    ) -> Option<Found> {
        let (key, entry) = self.entries.get_key_value(question)?;
        let age = now.saturating_duration_since(entry.at);
        if age > self.keep && entry.at < batch_began {
            let key = Arc::clone(key);
            self.forget(&key);
            return None;
        }
        self.uses += 1;
        let used = self.uses;
        let entry = self.entries.get_mut(question)?;
        if let Some(key) = self.by_use.remove(&entry.used) {
            self.by_use.insert(used, key);
        }
        entry.used = used;
        Some(entry.found.clone())
    }

    pub(crate) fn put(&mut self, question: LookupQuestion, found: Found, now: Instant) {
        self.forget(&question);
        let weight = weight(&question, found.as_deref());
        if weight > self.room {
            return;
        }
        self.uses += 1;
        self.weight += weight;
        let question = Arc::new(question);
        self.by_use.insert(self.uses, Arc::clone(&question));
        self.entries.insert(question, Entry { found, at: now, weight, used: self.uses });
        while self.weight > self.room {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, question: &LookupQuestion) {
        if let Some(entry) = self.entries.remove(question) {
            self.weight = self.weight.saturating_sub(entry.weight);
            self.by_use.remove(&entry.used);
        }
    }
}

fn weight(question: &LookupQuestion, found: Option<&[Value]>) -> usize {
    let key = question.key.iter().map(|(column, value)| column.as_str().len() + cell(value));
    let names = question.columns.iter().map(|column| column.as_str().len() + CELL_BYTES);
    let cells = found.unwrap_or_default().iter().map(cell);
    // The question is kept once and pointed to twice.
    ENTRY_BYTES + key.chain(names).chain(cells).sum::<usize>()
}

fn cell(value: &Value) -> usize {
    CELL_BYTES
        + match value {
            Value::Text(text) => text.len(),
            Value::Decimal(number) => number.as_str().len(),
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use dualwright_model::{System, TableName, Value};

    use super::{Answers, Found};
    use crate::services::LookupQuestion;

    const KEEP: Duration = Duration::from_secs(5);

    fn question(key: &str, columns: &[&str]) -> LookupQuestion {
        LookupQuestion {
            system: System::Dataverse,
            table: TableName::new("accounts"),
            key: vec![("accountnumber".into(), Value::text(key))],
            columns: columns.iter().map(|column| (*column).into()).collect(),
        }
    }

    fn found(text: &str) -> Found {
        Some(Arc::from([Value::text(text)]))
    }

    #[test]
    fn answers_and_misses_are_kept_by_the_whole_question() {
        let mut answers = Answers::new(1 << 20, KEEP);
        let now = Instant::now();
        answers.put(question("1", &["name"]), found("One"), now);
        answers.put(question("2", &["name"]), None, now);
        assert_eq!(answers.get(&question("1", &["name"]), now, now), Some(found("One")));
        assert_eq!(answers.get(&question("2", &["name"]), now, now), Some(None));
        assert_eq!(answers.get(&question("3", &["name"]), now, now), None);
        assert_eq!(answers.get(&question("1", &["name", "creditlimit"]), now, now), None);
    }

    #[test]
    fn they_grow_old_but_not_within_their_batch() {
        let mut answers = Answers::new(1 << 20, KEEP);
        let began = Instant::now();
        answers.put(question("1", &["name"]), found("One"), began);
        let late = began + KEEP + Duration::from_secs(1);
        assert_eq!(answers.get(&question("1", &["name"]), late, began), Some(found("One")));
        assert_eq!(answers.get(&question("1", &["name"]), late, late), None);
        assert_eq!(answers.get(&question("1", &["name"]), late, began), None, "it was thrown away");
    }

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let now = Instant::now();
        let mut answers = Answers::new(1500, KEEP);
        answers.put(question("1", &["name"]), found("One"), now);
        answers.put(question("2", &["name"]), found("Two"), now);
        assert!(answers.get(&question("1", &["name"]), now, now).is_some());
        for key in ["3", "4"] {
            answers.put(question(key, &["name"]), found(key), now);
            assert!(answers.weight <= 1500);
            answers.get(&question("1", &["name"]), now, now);
        }
        assert!(answers.get(&question("1", &["name"]), now, now).is_some());
        assert!(answers.get(&question("2", &["name"]), now, now).is_none());
        answers.put(question("5", &["name"]), found(&"x".repeat(2000)), now);
        assert!(answers.get(&question("5", &["name"]), now, now).is_none(), "too large to keep");
        assert_eq!(answers.entries.len(), answers.by_use.len());
    }
}

//! The battery that every connector passes against a live endpoint, emulator or real.
//!
//! Each rule is a function of its own, so that a failure names the rule. A rule makes its own rows, under keys that no
//! earlier run used, and leaves them behind: run it against an environment that may have such rows.

mod reading;
mod writing;

use dualwright_model::{ColumnPath, Record, RecordId, TableName, Value, Version};

use crate::{Connector, Existing, Precondition, ReadKey, Selection, Write, WriteOutcome, WriteTarget};

/// A table to try the rules on, and what a rule must know of it.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// What is read and written. `columns` holds all the columns named below.
    pub selection: Selection,
    /// The key values for a row of this name (at most ten letters and digits), in the order of the key.
    pub key: fn(&str) -> Vec<Value>,
    /// Cells that a new row needs besides its key and those named below.
    pub required: Vec<(ColumnPath, Value)>,
    /// A text column that may be empty.
    pub text: ColumnPath,
    /// What that column reads as when it is empty: null in Dataverse, empty text in F&O.
    pub empty_text: Value,
    /// A column of exact numbers.
    pub number: ColumnPath,
    /// A lookup path, where the system resolves them: the path, a value that exists, and one that does not, with the
    /// table it would be in.
    pub lookup: Option<LookupFixture>,
}

/// A lookup to try.
#[derive(Clone, Debug)]
pub struct LookupFixture {
    /// The path.
    pub path: ColumnPath,
    /// The value of a related row that exists.
    pub present: Value,
    /// A value that no related row has.
    pub absent: Value,
    /// The related table.
    pub table: TableName,
}

/// A rule that the connector, or the system behind it, does not keep.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{rule}: {found}")]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// What was found instead.
    pub found: String,
}

/// Tries every rule in turn.
///
/// # Errors
/// All rules that are not kept.
pub async fn run(connector: &dyn Connector, fixture: &Fixture) -> Result<(), Vec<Violation>> {
    let trial = Trial { connector, fixture };
    let mut violations = Vec::new();
    let mut note = |rule: &'static str, outcome: Outcome| {
        tracing::debug!(rule, kept = outcome.is_ok(), "conformance");
        violations.extend(outcome.err().map(|found| Violation { rule, found }));
    };
    note("signing in is answered", trial.access().await);
    note("a table is described, an unknown one is unknown", trial.description().await);
    note("a row is created once", trial.creation().await);
    note("a write under an old version is refused", trial.version_conflict().await);
    note("a partial write leaves other cells alone", trial.partial_write().await);
    note("null, empty and zero are kept apart", trial.null_empty_zero().await);
    note("a lookup without a target is told and nothing written", trial.missing_lookup().await);
    note("a second deletion finds nothing", trial.double_deletion().await);
    note("each write of a batch has its own outcome", trial.mixed_batch().await);
    note("a scan goes on where it stopped and misses nothing", trial.scan().await);
    note("absent rows are read as absent, in place", trial.absent_rows().await);
    note("a change feed tells of changes and deletions", trial.feed().await);
    note("an invalid feed position has expired", trial.expired_feed().await);
    note("a push without its secret is refused", trial.unsigned_push());
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

type Outcome = Result<(), String>;

struct Trial<'a> {
    connector: &'a dyn Connector,
    fixture: &'a Fixture,
}

/// Fails with what was found.
fn expect(holds: bool, found: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(found()) }
}

/// A name that no other run has.
fn fresh_name() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("CF{}", id.get(..8).unwrap_or_default().to_uppercase())
}

impl Trial<'_> {
    fn text(&self) -> &str {
        self.fixture.text.as_str()
    }

    fn number(&self) -> &str {
        self.fixture.number.as_str()
    }

    /// A new row's cells.
    fn cells(&self, text: &str, number: i64) -> Record {
        let mut cells: Record = self.fixture.required.iter().cloned().collect();
        cells.set(self.fixture.text.clone(), Value::text(text));
        cells.set(self.fixture.number.clone(), Value::Decimal(number.into()));
        cells
    }

    fn creation_of(&self, name: &str, cells: Record) -> Write {
        Write {
            target: WriteTarget::Key((self.fixture.key)(name)),
            cells,
            delete: false,
            precondition: Precondition::Absent,
        }
    }

    fn update_of(&self, name: &str, row: &Existing, cells: &[(&str, Value)]) -> Write {
        Write {
            target: self.target(name, &row.id),
            cells: cells.iter().map(|(path, value)| (ColumnPath::from(*path), value.clone())).collect(),
            delete: false,
            precondition: row.version.clone().map_or(Precondition::Exists, Precondition::Version),
        }
    }

    fn deletion_of(&self, name: &str, id: &RecordId) -> Write {
        Write {
            target: self.target(name, id),
            cells: Record::new(),
            delete: true,
            precondition: Precondition::Exists,
        }
    }

    fn target(&self, name: &str, id: &RecordId) -> WriteTarget {
        WriteTarget::Id { id: id.clone(), key: (self.fixture.key)(name) }
    }

    async fn apply(&self, writes: &[Write]) -> Result<Vec<WriteOutcome>, String> {
        let outcomes =
            self.connector.apply(&self.fixture.selection, writes).await.map_err(|error| error.to_string())?;
        expect(outcomes.len() == writes.len(), || format!("{} outcomes", outcomes.len()))?;
        Ok(outcomes)
    }

    async fn apply_one(&self, write: Write) -> Result<WriteOutcome, String> {
        self.apply(&[write]).await?.into_iter().next().ok_or_else(|| "no outcome".to_owned())
    }

    async fn written(&self, write: Write) -> Outcome {
        let outcome = self.apply_one(write).await?;
        expect(matches!(outcome, WriteOutcome::Written(_)), || format!("{outcome:?}"))
    }

    /// Makes a row and reads it back.
    async fn made(&self, name: &str) -> Result<Existing, String> {
        self.written(self.creation_of(name, self.cells("first", 12))).await?;
        self.row(name).await
    }

    async fn row(&self, name: &str) -> Result<Existing, String> {
        self.find(name).await?.ok_or_else(|| "the row is not there".to_owned())
    }

    async fn find(&self, name: &str) -> Result<Option<Existing>, String> {
        let keys = [ReadKey::Key((self.fixture.key)(name))];
        let rows =
            self.connector.read(&self.fixture.selection, &keys).await.map_err(|error| error.to_string())?;
        rows.into_iter().next().ok_or_else(|| "no answer for the key".to_owned())
    }

    /// The row's version, which every rule on versions needs.
    fn version(row: &Existing) -> Result<Version, String> {
        row.version.clone().ok_or_else(|| "the row has no version".to_owned())
    }
}

/// Whether a cell holds this.
fn holds(row: &Existing, column: &str, value: &Value) -> Outcome {
    let found = row.record.get(column);
    expect(found == value, || format!("{column} is {found:?} where {value:?} was written"))
}

//! The store: one thread that writes, in transactions that group what waits; several connections that read.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::kernel::connection::{self, TableStatements};
use crate::kernel::error::StoreError;
use crate::kernel::rows::Snapshot;
use crate::kernel::schema::Schema;
use crate::kernel::transaction::Transaction;

/// How long a transaction may collect further requests: long enough to share a commit, too short to be felt.
const GROUP_FOR: Duration = Duration::from_millis(5);

/// How many reads run at once; the rest wait.
const READERS: usize = 8;

type Acknowledge = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Job = Box<dyn FnOnce(&mut Transaction<'_>) -> (bool, Acknowledge) + Send>;

/// A handle on the emulator's file; cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    schema: Arc<Schema>,
    statements: Arc<HashMap<String, TableStatements>>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
    readers: Mutex<Vec<Connection>>,
    reading: Semaphore,
    events: Arc<Notify>,
}

impl Store {
    /// Opens the file, making it when absent, and starts the writer.
    ///
    /// # Errors
    /// When the file cannot be opened or does not fit the schema.
    pub fn open(path: &Path, schema: Arc<Schema>) -> Result<Self, StoreError> {
        let mut connection = connection::open(path)?;
        connection::prepare(&mut connection, &schema)?;
        let statements = Arc::new(connection::statements(&schema));
        let events = Arc::new(Notify::new());
        let (jobs, queue) = mpsc::channel();
        let writer = {
            let (schema, statements, events) = (schema.clone(), statements.clone(), events.clone());
            std::thread::Builder::new()
                .name("emulator-writer".into())
                .spawn(move || write_loop(&connection, &schema, &statements, &queue, &events))
                .map_err(|error| StoreError::Sqlite(error.to_string()))?
        };
        let shared = Shared {
            path: path.to_owned(),
            schema,
            statements,
            jobs: Mutex::new(Some(jobs)),
            writer: Mutex::new(Some(writer)),
            readers: Mutex::new(Vec::new()),
            reading: Semaphore::new(READERS),
            events,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The schema the store was opened with.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.shared.schema
    }

    /// Signalled when a committed transaction has stored events.
    pub(super) fn events_stored(&self) -> Arc<Notify> {
        self.shared.events.clone()
    }

    /// Runs `job` in a write transaction, all or nothing: when it answers an error, nothing of it stays. Answers only
    /// after the commit. Jobs run one after the other, in the order of their calls; several may share one commit.
    /// The job must not wait for anything: everything else that writes waits for it.
    ///
    /// # Errors
    /// What the job fails with, or that the database failed.
    pub async fn write<T, E>(
        &self,
        job: impl FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            let result = job(transaction);
            let keep = result.is_ok();
            let acknowledge: Acknowledge = Box::new(move |committed| {
                let result = match (result, committed) {
                    (Ok(_), Err(error)) => Err(E::from(error)),
                    (result, _) => result,
                };
                // Nobody waits any more when the client has gone; the write stands all the same.
                let _ = answer.send(result);
            });
            (keep, acknowledge)
        });
        let sent = {
            let jobs = self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok())
        };
        if !sent {
            return Err(StoreError::Closed.into());
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Runs `job` on a view of the file as of now, off the async threads.
    ///
    /// # Errors
    /// What the job fails with, or that the database failed.
    pub async fn read<T, E>(
        &self,
        job: impl FnOnce(&Snapshot<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let shared = self.shared.clone();
        let _permit = self.shared.reading.acquire().await.map_err(|_| StoreError::Closed)?;
        let result = tokio::task::spawn_blocking(move || {
            let connection = shared.reader()?;
            let result = {
                let transaction = connection.unchecked_transaction().map_err(StoreError::from)?;
                let snapshot = Snapshot {
                    connection: &transaction,
                    schema: &shared.schema,
                    statements: &shared.statements,
                };
                job(&snapshot)
            };
            shared.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        });
        result.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Ends the writer after what was already asked of it, and closes the file.
    pub async fn close(&self) {
        let shared = self.shared.clone();
        let closed = tokio::task::spawn_blocking(move || {
            drop(shared.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
            let writer = shared.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(writer) = writer
                && writer.join().is_err()
            {
                tracing::error!("the emulator's writer ended badly");
            }
            shared.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        });
        if closed.await.is_err() {
            tracing::error!("the emulator's file was not closed in order");
        }
    }
}

impl Shared {
    fn reader(&self) -> Result<Connection, StoreError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connection::open(&self.path), Ok)
    }
}

fn write_loop(
    connection: &Connection,
    schema: &Schema,
    statements: &HashMap<String, TableStatements>,
    queue: &mpsc::Receiver<Job>,
    events: &Notify,
) {
    while let Ok(first) = queue.recv() {
        let snapshot = Snapshot { connection, schema, statements };
        let (acknowledgements, outcome) = match snapshot.latest_version() {
            Ok(version) => write_group(Transaction { snapshot, version, events: 0 }, first, queue),
            Err(error) => (Vec::new(), Err(error)),
        };
        if matches!(outcome, Ok(1..)) {
            events.notify_one();
        }
        if let Err(error) = &outcome {
            tracing::error!(%error, "a write to the emulator's file failed");
        }
        let committed = outcome.map(|_| ());
        for acknowledge in acknowledgements {
            acknowledge(committed.clone());
        }
    }
}

/// One transaction of as many jobs as wait. Answers how many events it stored.
fn write_group(
    mut transaction: Transaction<'_>,
    first: Job,
    queue: &mpsc::Receiver<Job>,
) -> (Vec<Acknowledge>, Result<usize, StoreError>) {
    let mut acknowledgements = Vec::new();
    if let Err(error) = transaction.execute("BEGIN IMMEDIATE") {
        return (acknowledgements, Err(error));
    }
    let began = Instant::now();
    let mut next = Some(first);
    while let Some(job) = next {
        let mut acknowledge = None;
        let ran = catch_unwind(AssertUnwindSafe(|| {
            transaction.step(|transaction| {
                let (keep, done) = job(transaction);
                acknowledge = Some(done);
                if keep { Ok(()) } else { Err(Refused(None)) }
            })
        }));
        match ran {
            Ok(Ok(()) | Err(Refused(None))) => {}
            Ok(Err(Refused(Some(error)))) => {
                let _ = transaction.execute("ROLLBACK");
                acknowledgements.extend(acknowledge);
                return (acknowledgements, Err(error));
            }
            // The step's savepoint is still open; undo it. Whoever asked learns that there is no answer.
            Err(_) => {
                let undone = transaction
                    .execute("ROLLBACK TO step")
                    .and_then(|()| transaction.execute("RELEASE step"));
                if undone.is_err() {
                    let _ = transaction.execute("ROLLBACK");
                    return (acknowledgements, Err(StoreError::Closed));
                }
            }
        }
        acknowledgements.extend(acknowledge);
        next = if began.elapsed() < GROUP_FOR { queue.try_recv().ok() } else { None };
    }
    if let Err(error) = transaction.execute("COMMIT") {
        let _ = transaction.execute("ROLLBACK");
        return (acknowledgements, Err(error));
    }
    (acknowledgements, Ok(transaction.events))
}

/// Why a step is undone: the job asked for it, or the database failed.
struct Refused(Option<StoreError>);

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self(Some(error))
    }
}

//! The one writer. Everything that queues up while a commit runs is committed together next time: the cost of reaching
//! the disk is shared by all who wait for it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{Sequence, StoreError};

/// Requests committed together at most: bounds the time a commit holds others up.
const GROUP_MAX: usize = 64;

type Work = Box<dyn FnOnce(&Connection) -> rusqlite::Result<Reply> + Send>;

struct Job {
    work: Work,
    reply: oneshot::Sender<Result<Reply, StoreError>>,
}

/// What a write answers.
pub(super) enum Reply {
    Nothing,
    Sequences(Vec<Sequence>),
    Count(usize),
}

impl Reply {
    pub(super) fn into_sequences(self) -> Vec<Sequence> {
        match self {
            Self::Sequences(sequences) => sequences,
            Self::Nothing | Self::Count(_) => Vec::new(),
        }
    }

    pub(super) fn into_count(self) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Nothing | Self::Sequences(_) => 0,
        }
    }
}

pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, place: String) -> Self {
        let (jobs, queue) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_all(&connection, &place, &queue))
            .ok();
        Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(thread) }
    }

    /// Runs `work` in a transaction; answers once that is durable.
    pub(super) async fn write(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<Reply> + Send + 'static,
    ) -> Result<Reply, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { work: Box::new(work), reply };
        let sent = match &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(jobs) => jobs.send(job).is_ok(),
            None => false,
        };
        if !sent {
            return Err(StoreError::Closed);
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn write_all(connection: &Connection, place: &str, queue: &Receiver<Job>) {
    let mut poisoned: Option<String> = None;
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(job) = queue.try_recv()
        {
            group.push(job);
        }
        let failed = |reason: &str| StoreError::Failed { place: place.to_owned(), reason: reason.to_owned() };
        if let Some(reason) = &poisoned {
            group.into_iter().for_each(|job| drop(job.reply.send(Err(failed(reason)))));
            continue;
        }
        match commit_group(connection, group) {
            Ok(answers) => {
                for (reply, result) in answers {
                    let _ = reply.send(result.map_err(|error| failed(&error.to_string())));
                }
            }
            Err(Broken { replies, error, unknown: false }) => {
                replies.into_iter().for_each(|reply| drop(reply.send(Err(failed(&error.to_string())))));
            }
            Err(Broken { replies, error, unknown: true }) => {
                // What reached the disk is unknown: nothing may be written on top of it until the file is opened anew.
                let reason = format!("a commit failed ({error}); free the disk or mend it, then start again");
                tracing::error!(place, %error, "the store can no longer be written");
                for reply in replies {
                    let _ = reply.send(Err(failed(&reason)));
                }
                poisoned = Some(reason);
            }
        }
    }
}

type Answer = (oneshot::Sender<Result<Reply, StoreError>>, rusqlite::Result<Reply>);
type Replies = Vec<oneshot::Sender<Result<Reply, StoreError>>>;

/// Why a group was not committed, and who waits for it.
struct Broken {
    replies: Replies,
    error: rusqlite::Error,
    /// Whether something may have reached the disk.
    unknown: bool,
}

fn commit_group(connection: &Connection, group: Vec<Job>) -> Result<Vec<Answer>, Broken> {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        // Somebody else holds the file, perhaps a person's tool: nothing was written, so this may be tried again.
        let replies = group.into_iter().map(|job| job.reply).collect();
        return Err(Broken { replies, error, unknown: false });
    }
    let mut answers: Vec<Answer> = Vec::with_capacity(group.len());
    let mut jobs = group.into_iter();
    let mut broken = None;
    for job in jobs.by_ref() {
        // Each request has its own savepoint: one that fails takes nobody with it.
        let result = connection
            .execute_batch("SAVEPOINT request")
            .and_then(|()| (job.work)(connection))
            .and_then(|reply| connection.execute_batch("RELEASE request").map(|()| reply));
        if result.is_err() {
            broken = connection.execute_batch("ROLLBACK TO request; RELEASE request").err();
        }
        answers.push((job.reply, result));
        if broken.is_some() {
            break;
        }
    }
    let committed = match broken {
        Some(error) => Err(error),
        None => connection.execute_batch("COMMIT"),
    };
    match committed {
        Ok(()) => Ok(answers),
        Err(error) => {
            let _ = connection.execute_batch("ROLLBACK");
            let replies =
                answers.into_iter().map(|(reply, _)| reply).chain(jobs.map(|job| job.reply)).collect();
            Err(Broken { replies, error, unknown: true })
        }
    }
}

#[cfg(test)]
mod tests;

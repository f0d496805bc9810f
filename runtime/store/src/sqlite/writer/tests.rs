use std::sync::mpsc::channel;

use rusqlite::Connection;

use super::{Reply, Writer};
use crate::StoreError;

/// A table, and another whose rows are checked against it when the transaction commits.
fn connection() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "PRAGMA foreign_keys = ON; CREATE TABLE parent (id INTEGER PRIMARY KEY); \
             CREATE TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);",
        )
        .unwrap();
    connection
}

fn insert(connection: &Connection, id: i64) -> rusqlite::Result<Reply> {
    connection.execute("INSERT INTO parent VALUES (?1)", [id]).map(Reply::Count)
}

async fn count(writer: &Writer) -> usize {
    let count = writer.write(|connection| {
        let count: i64 = connection.query_row("SELECT count(*) FROM parent", [], |row| row.get(0))?;
        Ok(Reply::Count(usize::try_from(count).unwrap()))
    });
    count.await.unwrap().into_count()
}

#[tokio::test]
async fn a_bad_request_fails_alone_in_its_group() {
    let writer = std::sync::Arc::new(Writer::start(connection(), "store.sqlite".into()));
    // Holds the writer up, so that all that follows is one group.
    let (go, wait) = channel::<()>();
    let holding = std::sync::Arc::clone(&writer);
    let held = tokio::spawn(async move {
        holding
            .write(move |connection| wait.recv().map_or(Ok(Reply::Nothing), |()| insert(connection, 1)))
            .await
    });
    let requests: Vec<_> = [2, 3, 2, 4]
        .into_iter()
        .map(|id| {
            let writer = std::sync::Arc::clone(&writer);
            tokio::spawn(async move {
                // A thousand more than it has a right to, so that a half-done request would show.
                writer
                    .write(move |connection| {
                        insert(connection, 1000 + id).and_then(|_| insert(connection, id))
                    })
                    .await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    held.await.unwrap().unwrap();
    let mut failed = 0;
    for request in requests {
        match request.await.unwrap() {
            Ok(_) => {}
            Err(StoreError::Failed { place, .. }) if place == "store.sqlite" => failed += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(failed, 1, "only the one that asks for a number twice");
    assert_eq!(count(&writer).await, 7);
}

#[tokio::test]
async fn half_a_request_is_never_there() {
    let writer = Writer::start(connection(), "store.sqlite".into());
    writer.write(|connection| insert(connection, 1)).await.unwrap();
    let half = writer.write(|connection| insert(connection, 2).and_then(|_| insert(connection, 1)));
    assert!(half.await.is_err());
    assert_eq!(count(&writer).await, 1);
}

#[tokio::test]
async fn after_a_failed_commit_nothing_is_written_any_more() {
    let writer = Writer::start(connection(), "store.sqlite".into());
    let orphan =
        |connection: &Connection| connection.execute("INSERT INTO child VALUES (7)", []).map(Reply::Count);
    let error = writer.write(orphan).await.err().unwrap();
    assert!(error.to_string().contains("store.sqlite") && error.to_string().contains("commit"), "{error}");
    let later = writer.write(|connection| insert(connection, 1)).await.err().unwrap();
    assert!(later.to_string().contains("start again"), "{later}");
}

#[tokio::test]
async fn a_file_that_is_busy_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("busy.sqlite");
    let ours = Connection::open(&path).unwrap();
    ours.execute_batch("CREATE TABLE parent (id INTEGER PRIMARY KEY)").unwrap();
    ours.busy_timeout(std::time::Duration::ZERO).unwrap();
    let theirs = Connection::open(&path).unwrap();
    theirs.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writer = Writer::start(ours, "busy.sqlite".into());
    assert!(writer.write(|connection| insert(connection, 1)).await.is_err());
    theirs.execute_batch("ROLLBACK").unwrap();
    writer.write(|connection| insert(connection, 1)).await.unwrap();
    assert_eq!(count(&writer).await, 1);
}

#[tokio::test]
async fn a_closed_writer_says_so() {
    let writer = Writer::start(connection(), "store.sqlite".into());
    writer.close();
    assert!(matches!(writer.write(|connection| insert(connection, 1)).await, Err(StoreError::Closed)));
}

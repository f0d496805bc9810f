use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, Receiver, schema_folder, start_in};

const FOLDER: &str = "DUALWRIGHT_EMULATOR_FOLDER";

/// Runs this very test as another process, which serves the file in the folder until it is killed.
fn serve(folder: &TempDir) -> Child {
    let _ = std::fs::remove_file(folder.path().join("address"));
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::what_was_acknowledged_survives_a_kill", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

async fn sign_in(folder: &TempDir) -> Client {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Ok(url) = std::fs::read_to_string(folder.path().join("address")) {
            return Client::sign_in(&url, "dualwright").await;
        }
        assert!(Instant::now() < deadline, "the other process does not start");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn serve_until_killed(folder: String) {
    let options = dualwright_emulators::Options {
        schema_folder: Some(format!("{folder}/schema").into()),
        ..dualwright_emulators::Options::new(format!("{folder}/dataverse.sqlite"))
    };
    let running = dualwright_emulators::dataverse::start(options).await.unwrap();
    // Written aside and renamed, so that it is never seen half.
    std::fs::write(format!("{folder}/address.new"), running.url()).unwrap();
    std::fs::rename(format!("{folder}/address.new"), format!("{folder}/address")).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return serve_until_killed(folder).await;
    }
    let folder = schema_folder();
    let receiver = Receiver::start(0).await;
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let mut process = serve(&folder);
        let client = sign_in(&folder).await;
        if round == 0 {
            crate::webhooks::register(&client, &receiver.url(), "Create", "account", 1, "").await;
        }
        let answered = Arc::new(AtomicUsize::new(0));
        let writers = (0..4).map(|_| {
            let (client, answered) = (client.clone(), answered.clone());
            tokio::spawn(async move {
                let mut ids = Vec::new();
                while let Ok(answer) = client.try_send("POST", "accounts", &[], r#"{"name":"A"}"#).await {
                    ids.push(answer.id());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                ids
            })
        });
        let writers: Vec<_> = writers.collect();
        // In the middle of things: some requests are answered, others under way.
        while answered.load(Ordering::Relaxed) < 60 {
            tokio::task::yield_now().await;
        }
        process.kill().unwrap();
        process.wait().unwrap();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
    }
    assert!(!acknowledged.is_empty());
    let last = start_in(folder, Duration::from_secs(3600), 0).await;
    for id in &acknowledged {
        last.client.get(&format!("accounts({id})")).await;
    }
    let total = last.client.get("accounts/$count").await.as_i64().unwrap();
    let writes = last.client.writes().await;
    let created: Vec<&Value> = writes.iter().filter(|write| write["table"] == "accounts").collect();
    if total < 5000 {
        assert_eq!(json!(created.len()), json!(total), "one entry a row");
    }
    let wanted: std::collections::BTreeSet<String> = acknowledged.into_iter().collect();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let calls = receiver.all();
        let told: std::collections::BTreeSet<String> =
            calls.iter().map(|call| call.body["PrimaryEntityId"].as_str().unwrap().to_owned()).collect();
        if wanted.is_subset(&told) {
            break;
        }
        assert!(Instant::now() < deadline, "events are missing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    last.running.shutdown().await;
}

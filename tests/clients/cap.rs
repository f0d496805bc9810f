//! An OData v4 server that others wrote: SAP CAP with SQLite, with tables named as ours expect them.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::install::{self, folder};
use crate::script;

const PATIENCE: Duration = Duration::from_secs(120);

/// A running server. It ends with this.
pub(crate) struct Cap {
    pub(crate) url: String,
    _process: Child,
    _copies: tempfile::TempDir,
}

/// Starts the server; `None`, and loudly, where it cannot be installed.
pub(crate) async fn start() -> Option<Cap> {
    let installed = match install::node().await {
        Ok(installed) => installed,
        Err(why) => {
            install::skipped("our connectors against SAP CAP", &why);
            return None;
        }
    };
    let copies = script::copy(&folder().join("cap"), &installed.packages);
    let mut command = Command::new(&installed.interpreter);
    command.arg("server.mjs").current_dir(copies.path());
    // It ends when this pipe does, however this ends.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let url = tokio::time::timeout(PATIENCE, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let document: Option<Value> = serde_json::from_str(&line).ok();
            if let Some(url) = document.as_ref().and_then(|document| document["url"].as_str()) {
                return url.to_owned();
            }
        }
        panic!("SAP CAP ended before it was up");
    });
    let url = url.await.expect("SAP CAP does not come up");
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Some(Cap { url, _process: process, _copies: copies })
}

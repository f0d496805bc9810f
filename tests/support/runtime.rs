//! `dualwright run` as a process of its own, on a configuration of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::binary::binary;
use crate::emulator::secret;
use crate::process::{Process, tail};
use crate::{Pair, RUNTIME, System, service, wait_until};

/// What a system sends back with each push.
const NUDGE_SECRET: &str = "nudge-secret";

/// The program under test. It comes back with the same journal at the same address after it was killed.
pub struct Runtime {
    folder: PathBuf,
    address: String,
    process: Option<Process>,
    http: reqwest::Client,
}

impl Runtime {
    /// Writes the configuration and reserves an address; does not start yet.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn new(pair: &Pair, maps: &[PathBuf]) -> anyhow::Result<Self> {
        Self::with(pair, maps, "")
    }

    /// The same with further lines of configuration, such as a `[sync]` table.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn with(pair: &Pair, maps: &[PathBuf], more: &str) -> anyhow::Result<Self> {
        let folder = pair.folder().join("runtime");
        std::fs::create_dir_all(&folder)?;
        // A fixed port, for F&O is told once where its events go. Nobody else is given it while we hold it; afterwards
        // the system goes round all others first.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = format!("http://127.0.0.1:{port}");
        let mut config = format!(
            "[store]\npath = \"store.sqlite\"\n[control]\nlisten = \"127.0.0.1:{port}\"\n\
             nudge-secret = {{ env = \"TEST_NUDGE_SECRET\" }}\n{more}\n"
        );
        for system in [System::Finops, System::Dataverse] {
            let (name, url) = (system.word(), pair.emulator(system).url());
            config.push_str(&format!(
                "[{name}]\nurl = \"{url}\"\ntenant = \"local\"\ntoken-url = \"{url}/local/oauth2/v2.0/token\"\n\
                 client-id = \"{RUNTIME}\"\nclient-secret = {{ env = \"TEST_RUNTIME_SECRET\" }}\n"
            ));
        }
        for map in maps {
            config.push_str(&format!("[[map]]\nfile = {}\n", toml::Value::String(map.display().to_string())));
        }
        std::fs::write(folder.join("dualwright.toml"), config)?;
        Ok(Self { folder, address, process: None, http: service::client()? })
    }

    /// Has F&O send the data events of these maps' tables here. In the real product a person does this in the business
    /// events catalogue.
    ///
    /// # Errors
    /// When a map cannot be read or the emulator refuses.
    pub async fn switch_data_events_on(&self, pair: &Pair, maps: &[PathBuf]) -> anyhow::Result<()> {
        let tables: Result<Vec<String>, _> =
            maps.iter().map(|map| crate::table(map, System::Finops)).collect();
        self.have_data_events_of(pair, &tables?).await
    }

    /// Has F&O send the data events of these tables here, and of no others.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn have_data_events_of(&self, pair: &Pair, tables: &[String]) -> anyhow::Result<()> {
        let endpoint = format!("{}/nudges/finops?code={NUDGE_SECRET}", self.address);
        let url = format!("{}/emulator/data-events", pair.finops.url());
        let answer =
            self.http.post(url).json(&json!({ "endpoint": endpoint, "tables": tables })).send().await?;
        ensure!(answer.status().is_success(), "no data events: {}", answer.text().await?);
        Ok(())
    }

    /// Starts it, and does not wait until it is up.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(binary()?);
        command
            .args(["run", "--json", "--config"])
            .arg(self.folder.join("dualwright.toml"))
            .env("TEST_RUNTIME_SECRET", secret(RUNTIME))
            .env("TEST_NUDGE_SECRET", NUDGE_SECRET);
        self.process = Some(Process::start(&mut command, &self.log())?);
        Ok(())
    }

    /// Waits until it says that it is up.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn wait_until_up(&self) -> anyhow::Result<()> {
        self.process.as_ref().context("the runtime was not started")?.document().map(|_| ())
    }

    /// Kills it with SIGKILL.
    ///
    /// # Errors
    /// When it was not started.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().context("the runtime was not started")?.kill()
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When it was not started.
    pub fn runs(&mut self) -> anyhow::Result<bool> {
        self.process.as_mut().context("the runtime was not started")?.runs()
    }

    /// The number of its process, for whoever watches its memory.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// The address of its own HTTP.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it logs.
    pub fn log(&self) -> PathBuf {
        self.folder.join("runtime.log")
    }

    /// The end of what it logged, for the message of a test that fails.
    pub fn log_tail(&self) -> String {
        tail(&self.log())
    }

    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.join("dualwright.toml")
    }

    /// Where its journal is.
    pub fn store(&self) -> PathBuf {
        self.folder.join("store.sqlite")
    }

    /// An answer of its own HTTP.
    ///
    /// # Errors
    /// When it does not answer, or with an error.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.address)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// What its own HTTP answers to a request that asks for something to be done.
    ///
    /// # Errors
    /// When it does not answer, or with an error.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.http.post(format!("{}{path}", self.address)).json(body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path} was answered with {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Waits until every map runs and nothing is left in the journal.
    ///
    /// # Errors
    /// When that does not happen in time; the message tells how the maps stand and what was logged.
    pub async fn wait_until_quiet(&self, patience: Duration) -> anyhow::Result<()> {
        let outcome = wait_until(patience, async || {
            let maps = self.get("/v1/maps").await?;
            ensure!(is_quiet(&maps), "the maps stand so: {maps:#}");
            Ok(())
        });
        outcome
            .await
            .with_context(|| format!("the runtime is not quiet; its log ends with\n{}", self.log_tail()))
    }

    /// The dead letters, in words.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn dead_letters(&self) -> anyhow::Result<Vec<Value>> {
        let answer = self.get("/v1/dead-letters").await?;
        Ok(answer.get("dead_letters").and_then(Value::as_array).cloned().unwrap_or_default())
    }
}

fn is_quiet(maps: &Value) -> bool {
    let maps = maps.get("maps").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let quiet = |map: &Value| {
        let legs = map.get("legs").and_then(Value::as_object);
        let pending = |leg: &Value| leg.get("pending").and_then(Value::as_u64);
        map.get("state").and_then(Value::as_str) == Some("running")
            && legs.is_some_and(|legs| legs.values().all(|leg| pending(leg) == Some(0)))
    };
    !maps.is_empty() && maps.iter().all(quiet)
}

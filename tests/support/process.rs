//! A process of our own that prints a line of JSON when it is up, logs into a file, and can be killed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

/// How long a process may take to say that it is up: a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    /// What it said when it came up, once it was asked.
    said: OnceLock<Value>,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it logs is appended to a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let errors = File::options().create(true).append(true).open(log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("{command:?} cannot be started"))?;
        let output = child.stdout.take().context("the process has no output")?;
        let (sender, lines) = channel();
        // Reads to the end, so that the process never meets a closed pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Ok(Self { child, lines, said: OnceLock::new(), log: log.to_path_buf() })
    }

    /// Waits for the line of JSON that it prints when it is up.
    pub(crate) fn document(&self) -> anyhow::Result<&Value> {
        if let Some(said) = self.said.get() {
            return Ok(said);
        }
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                let said =
                    serde_json::from_str(&line).with_context(|| format!("not a line of JSON: {line}"))?;
                Ok(self.said.get_or_init(|| said))
            }
            Err(_) => bail!("the process did not come up; its log ends with\n{}", tail(&self.log)),
        }
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// SIGKILL: it gets no chance to do anything more.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n")
}

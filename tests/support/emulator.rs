//! Both systems, each in a process of its own, so that each can be killed alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use tempfile::TempDir;

use crate::binary::binary;
use crate::process::Process;
use crate::{PERSON, RUNTIME, Service, System};

/// A local F&O and a local Dataverse on files of their own, which go when this goes (`KEEP_TEST_FOLDERS=1` keeps them).
pub struct Pair {
    /// F&O.
    pub finops: Emulator,
    /// Dataverse.
    pub dataverse: Emulator,
    folder: TempDir,
}

/// One local system. It comes back with the same rows at the same address after it was killed.
pub struct Emulator {
    system: System,
    folder: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Pair {
    /// Starts both.
    ///
    /// # Errors
    /// When the command cannot be built or started.
    pub fn start() -> anyhow::Result<Self> {
        let mut folder = tempfile::tempdir()?;
        if std::env::var_os("KEEP_TEST_FOLDERS").is_some() {
            folder.disable_cleanup(true);
            say(&format!("everything is kept in {}", folder.path().display()));
        }
        let finops = Emulator::start(System::Finops, folder.path())?;
        let dataverse = Emulator::start(System::Dataverse, folder.path())?;
        Ok(Self { finops, dataverse, folder })
    }

    /// One of the two.
    pub fn emulator(&self, system: System) -> &Emulator {
        match system {
            System::Finops => &self.finops,
            System::Dataverse => &self.dataverse,
        }
    }

    /// One of the two, to kill or start.
    pub fn emulator_mut(&mut self, system: System) -> &mut Emulator {
        match system {
            System::Finops => &mut self.finops,
            System::Dataverse => &mut self.dataverse,
        }
    }

    /// A person, signed in to one system.
    ///
    /// # Errors
    /// When the system does not let them in.
    pub async fn person(&self, system: System) -> anyhow::Result<Service> {
        Service::sign_in(system, &self.emulator(system).url(), PERSON).await
    }

    /// A folder for whatever belongs to this pair.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Emulator {
    /// Starts one system on files in a folder of its own in `folder`.
    ///
    /// # Errors
    /// When the command cannot be built or started.
    pub fn start(system: System, folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.join(system.word());
        std::fs::create_dir_all(&folder)?;
        let mut emulator = Self { system, folder, port: 0, process: None };
        emulator.start_again()?;
        Ok(emulator)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it with SIGKILL.
    ///
    /// # Errors
    /// When it is not there to be killed.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().context("the emulator does not run")?.kill()
    }

    /// Starts it at its former address, with its former rows.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        // The command always runs both systems; the other one of this process is left alone.
        let port = |system| if system == self.system { self.port } else { 0 };
        let mut command = Command::new(binary()?);
        command
            .args(["emulate", "--json", "--data"])
            .arg(&self.folder)
            .arg(format!("--finops-port={}", port(System::Finops)))
            .arg(format!("--dataverse-port={}", port(System::Dataverse)));
        let process = Process::start(&mut command, &self.folder.join("emulator.log"))?;
        let document = process.document()?;
        let url = document.get(self.system.word()).and_then(|side| side.get("url")?.as_str());
        let port = url.and_then(|url| url.rsplit(':').next()?.parse().ok());
        self.port = port.with_context(|| format!("no address in {document}"))?;
        self.process = Some(process);
        Ok(())
    }
}

/// The secret of a client of the emulators.
pub fn secret(client: &str) -> String {
    debug_assert!([PERSON, RUNTIME].contains(&client));
    format!("{client}-secret")
}

#[allow(clippy::print_stderr, reason = "for whoever asked to keep the files of a test")]
fn say(line: &str) {
    eprintln!("{line}");
}

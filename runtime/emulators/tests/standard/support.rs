//! Both emulators with the tables that travel inside the program.

use std::path::PathBuf;

use dualwright_emulators::load::{Columns, LoadError, LoadReport, LoadSystem, LoadTarget, csv};
use dualwright_emulators::{Options, Running, dataverse, finops};
use tempfile::TempDir;

use crate::shared::Client;

pub struct Emulator {
    pub running: Running,
    pub folder: TempDir,
    pub client: Client,
    system: LoadSystem,
}

pub async fn finops() -> Emulator {
    start(LoadSystem::Finops).await
}

pub async fn dataverse() -> Emulator {
    start(LoadSystem::Dataverse).await
}

async fn start(system: LoadSystem) -> Emulator {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("emulator.sqlite"));
    let running = match system {
        LoadSystem::Finops => finops::start(options).await.unwrap(),
        LoadSystem::Dataverse => dataverse::start(options).await.unwrap(),
    };
    let client = Client::sign_in(&running.url(), "dualwright").await;
    Emulator { running, folder, client, system }
}

impl Emulator {
    pub fn target(&self) -> LoadTarget {
        let url = self.running.url();
        LoadTarget {
            system: self.system,
            token_url: format!("{url}/local/oauth2/v2.0/token"),
            url,
            client_id: "someone".into(),
            client_secret: "someone-secret".into(),
        }
    }

    pub fn file(&self, text: &str) -> PathBuf {
        let file = self.folder.path().join("rows.csv");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// Loads this text into a table.
    pub async fn load(&self, table: &str, text: &str, columns: &Columns) -> Result<LoadReport, LoadError> {
        csv(&self.target(), table, &self.file(text), columns).await
    }

    /// Adds a fault to the script.
    pub async fn fault(&self, fault: &str) {
        self.client.post("/emulator/faults", &format!("[{fault}]")).await.expect(204);
    }
}

/// Renames and constants.
pub fn columns(renames: &[(&str, &str)], constants: &[(&str, &str)]) -> Columns {
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect()
    };
    Columns { renames: owned(renames), constants: owned(constants) }
}

//! The demo's stage: both emulators on files of their own, and a configuration that points at them.

use std::path::{Path, PathBuf};

use dualwright_emulators::{Options, Running, dataverse, finops};
use uuid::Uuid;

use super::compare::{Account, unreachable};
use crate::Failure;
use crate::commands::emulate::{database, failure};

/// Any tenant will do for an emulator.
const TENANT: &str = "demo";
/// The program under demonstration.
const RUNTIME: (&str, &str) = ("dualwright", "dualwright-secret");
/// The person who changes records.
const PERSON: (&str, &str) = ("someone", "someone-secret");

/// Both systems, and where their files are.
pub(crate) struct Stage {
    folder: PathBuf,
    /// Whether the folder goes when the demo ends.
    passing: bool,
    finops: Running,
    dataverse: Running,
    nudge_secret: String,
}

impl Stage {
    /// Starts both emulators; without a folder, in one that goes when the demo ends.
    pub(crate) async fn open(data: Option<&Path>) -> Result<Self, Failure> {
        let folder = match data {
            Some(folder) => folder.to_path_buf(),
            None => std::env::temp_dir().join(format!("dualwright-demo-{}", Uuid::new_v4())),
        };
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::runtime("cannot make the folder for the demo").at(folder.display()).because(error)
        })?;
        // The configuration refers to files beside it, wherever the demo was started from.
        let folder = folder.canonicalize().map_err(|error| {
            Failure::runtime("cannot find the folder of the demo").at(folder.display()).because(error)
        })?;
        let finops = finops::start(Options::new(database(&folder, "finops"))).await.map_err(failure)?;
        let dataverse =
            dataverse::start(Options::new(database(&folder, "dataverse"))).await.map_err(failure)?;
        Ok(Self {
            folder,
            passing: data.is_none(),
            finops,
            dataverse,
            nudge_secret: Uuid::new_v4().to_string(),
        })
    }

    /// F&O, as the person who changes records reaches it.
    pub(crate) fn finops(&self) -> Account {
        account(self.finops.url())
    }

    /// Dataverse, as the person who changes records reaches it.
    pub(crate) fn dataverse(&self) -> Account {
        account(self.dataverse.url())
    }

    /// The client id of the program under demonstration.
    pub(crate) fn runtime_client(&self) -> &'static str {
        RUNTIME.0
    }

    /// Where the files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the configuration that `dualwright run` would be given, and answers where it is.
    pub(crate) fn write_config(&self, maps: &[PathBuf]) -> Result<PathBuf, Failure> {
        self.write("runtime.secret", RUNTIME.1)?;
        self.write("nudge.secret", &self.nudge_secret)?;
        let mut text = String::from("# Written by `dualwright demo` for its two emulators.\n");
        for (name, url) in [("finops", self.finops.url()), ("dataverse", self.dataverse.url())] {
            text.push_str(&format!(
                "\n[{name}]\nurl = \"{url}\"\ntenant = \"{TENANT}\"\n\
                 token-url = \"{url}/{TENANT}/oauth2/v2.0/token\"\nclient-id = \"{}\"\n\
                 client-secret = {{ file = \"runtime.secret\" }}\n",
                RUNTIME.0
            ));
        }
        text.push_str("\n[control]\nlisten = \"127.0.0.1:0\"\nnudge-secret = { file = \"nudge.secret\" }\n");
        for map in maps {
            text.push_str(&format!("\n[[map]]\nfile = {}\n", toml::Value::String(map.display().to_string())));
        }
        self.write("dualwright.toml", &text)
    }

    /// Switches F&O's data events on. In the real product a person does this in the business events catalogue.
    pub(crate) async fn switch_data_events_on(
        &self,
        runtime: &str,
        tables: &[String],
    ) -> Result<(), Failure> {
        let address = format!("{}/emulator/data-events", self.finops.url());
        let endpoint = format!("{runtime}/nudges/finops?code={}", self.nudge_secret);
        let body = serde_json::json!({ "endpoint": endpoint, "tables": tables });
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|error| Failure::runtime("cannot make an HTTP client").because(error))?;
        let answer =
            client.post(&address).json(&body).send().await.map_err(|error| unreachable(&address, error))?;
        answer.error_for_status().map_err(|error| {
            Failure::runtime("the data events were not switched on").because(error.without_url())
        })?;
        Ok(())
    }

    /// Stops both emulators; removes the files when nobody asked to keep them.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        tokio::join!(self.finops.shutdown(), self.dataverse.shutdown());
        if self.passing {
            std::fs::remove_dir_all(&self.folder).map_err(|error| {
                Failure::runtime("cannot remove the demo's files").at(self.folder.display()).because(error)
            })?;
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).map_err(|error| {
            Failure::runtime("cannot write a file of the demo").at(path.display()).because(error)
        })?;
        Ok(path)
    }
}

fn account(url: String) -> Account {
    Account {
        url,
        tenant: TENANT.to_owned(),
        client_id: PERSON.0.to_owned(),
        client_secret: PERSON.1.to_owned(),
    }
}

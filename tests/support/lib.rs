//! What tests of the whole share: the command in processes of its own that can be killed, a client for both systems, an
//! oracle that compares them, and checks over what was written.
//!
//! Nothing here uses the runtime's code: the oracle reads map files, tables and schemas by a few lines of its own, so that a
//! mistake of the runtime cannot hide in it. A test of the whole looks like this:
//!
//! ```no_run
//! # async fn story() -> anyhow::Result<()> {
//! use support::{Pair, Runtime, System, agreement};
//! let maps = support::catalogue(&["company/legal-entities-companies"]);
//! let mut pair = Pair::start()?;
//! let finops = pair.person(System::Finops).await?;
//! finops.create("LegalEntities", &serde_json::json!({"LegalEntityId": "USMF", "Name": "Contoso"})).await?;
//! let mut runtime = Runtime::new(&pair, &maps)?;
//! runtime.start()?;
//! agreement::wait(&pair, &maps, std::time::Duration::from_secs(60)).await?;
//! runtime.kill()?;
//! # Ok(())
//! # }
//! ```

pub mod agreement;
mod binary;
mod cell;
mod emulator;
mod facts;
mod filter;
mod process;
mod row;
mod runtime;
mod schema;
mod secure;
mod service;
mod turn;
mod wait;
pub mod write_log;

use std::path::{Path, PathBuf};

pub use binary::command;
pub use cell::Cell;
pub use emulator::{Emulator, Pair, secret};
pub use row::Row;
pub use runtime::Runtime;
pub use secure::SecurePair;
pub use service::{Answer, Service};
pub use turn::Turn;
pub use wait::{Deadline, wait_until};

/// The client id of the program under test.
pub const RUNTIME: &str = "dualwright";
/// The client id of people and other programs.
pub const PERSON: &str = "someone";

/// One of the two kinds of system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// Dynamics 365 Finance and Operations.
    Finops,
    /// Dataverse.
    Dataverse,
}

impl System {
    /// Its name in configurations and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Finops => "finops",
            Self::Dataverse => "dataverse",
        }
    }
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Map files of the catalogue, by area and name: `pre-party/customers-accounts`.
pub fn catalogue(names: &[&str]) -> Vec<PathBuf> {
    let folder = repository().join("plugins/catalogue");
    names.iter().map(|name| folder.join(format!("{name}.toml"))).collect()
}

/// The table of one system that a map is about.
///
/// # Errors
/// When the map file cannot be read.
pub fn table(map: &Path, system: System) -> anyhow::Result<String> {
    let facts = facts::Facts::read(map)?;
    Ok(match system {
        System::Finops => facts.finops.table,
        System::Dataverse => facts.dataverse.table,
    })
}

//! Local Dataverse and Finance and Operations servers for development, tests and the demo.
//!
//! Each is a real HTTP server on loopback with its own SQLite file. They speak the documented protocols of the two
//! systems as far as dual-write touches them, and know nothing of the runtime that talks to them. What is not
//! part of the real systems lives under `/emulator/` and needs no token:
//!
//! | request | what it does |
//! |---|---|
//! | `GET /emulator/health` | says that it is up, and which emulator it is |
//! | `GET /emulator/writes?after=N&limit=M` | the write log: every row written by a client, in commit order ([`kernel::write_log`]) |
//! | `POST`, `DELETE`, `GET /emulator/faults` | adds to, clears or tells of the script of faults ([`kernel::faults`]) |
//! | `POST`, `DELETE`, `GET /emulator/quota` | sets or lifts service-protection limits ([`kernel::quota::Limits`]), or tells what each client did under them ([`kernel::quota::Tally`]) |
//! | `POST /emulator/expire-changes` | Dataverse: ends every delta token given so far |
//! | `POST`, `DELETE /emulator/data-events` | Finance and Operations: where the data events of which tables go |
//! | `POST /emulator/company` | Finance and Operations: the default company of a client |
//!
//! Rows, the write log and events to deliver are committed together; what was acknowledged survives the death of the
//! process at any moment.

pub mod dataverse;
pub mod finops;
pub mod kernel;
pub mod load;
mod schema_list;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use kernel::error::EmulatorError;
pub use kernel::https::Https;
pub use kernel::server::Running;

/// A program that may sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// The application id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl Client {
    /// A client with this id and secret.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }
}

impl std::fmt::Debug for Client {
    /// Shows the id only (I11).
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How an emulator is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The SQLite file that holds everything; made when absent.
    pub database: PathBuf,
    /// Where to listen. Only loopback addresses are accepted; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Who may sign in.
    pub clients: Vec<Client>,
    /// How long an access token is good for.
    pub token_lifetime: Duration,
    /// A folder of schema files to use instead of those that travel inside the program. Where it has a folder
    /// `dataverse` or `finops`, that one is read.
    pub schema_folder: Option<PathBuf>,
    /// The certificate to serve `https` with; plain HTTP without one.
    pub https: Option<Https>,
}

impl Options {
    /// The defaults with this database file: a free port, the clients `dualwright` and `someone`, tokens for an hour.
    pub fn new(database: impl Into<PathBuf>) -> Self {
        Self { database: database.into(), ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            database: PathBuf::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clients: vec![
                Client::new("dualwright", "dualwright-secret"),
                Client::new("someone", "someone-secret"),
            ],
            token_lifetime: Duration::from_secs(3599),
            schema_folder: None,
            https: None,
        }
    }
}

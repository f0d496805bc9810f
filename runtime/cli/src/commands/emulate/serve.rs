//! `dualwright emulate` itself: both systems, until told to stop.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_emulators::{EmulatorError, Https, Options, Running, dataverse, finops};
use serde::Serialize;

use crate::signal::StopSignals;
use crate::{Failure, Output};

/// Both systems, each on its own file.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The folder of their files, made when absent; what is in it is kept.
    #[arg(long, default_value = "dualwright-emulators", value_name = "DIR")]
    data: PathBuf,
    /// The port of F&O; 0 takes a free one.
    #[arg(long, default_value_t = 7301, value_name = "PORT")]
    finops_port: u16,
    /// The port of Dataverse; 0 takes a free one.
    #[arg(long, default_value_t = 7302, value_name = "PORT")]
    dataverse_port: u16,
    /// Where to listen: an address of this machine that nobody else reaches.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    address: IpAddr,
    /// Serve https, with a certificate made on this machine and kept beside the files: many tools speak nothing else.
    #[arg(long)]
    https: bool,
    /// A folder with schema files to use instead of the built-in tables.
    #[arg(long, value_name = "DIR")]
    schema: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document {
    event: &'static str,
    finops: Address,
    dataverse: Address,
    clients: Vec<Credential>,
    /// The authority that clients must trust, in PEM; absent without https.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_authority: Option<PathBuf>,
}

#[derive(Serialize)]
struct Address {
    url: String,
    token_url: String,
    database: PathBuf,
}

#[derive(Serialize)]
struct Credential {
    client_id: String,
    client_secret: String,
}

impl Serve {
    pub(super) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let mut signals = StopSignals::listen()?;
        std::fs::create_dir_all(&self.data).map_err(|error| {
            Failure::runtime("cannot make the folder for the emulators' files")
                .at(self.data.display())
                .because(error)
        })?;
        let https = self.https.then(|| Https::open(&self.data, self.address)).transpose().map_err(failure)?;
        let finops_options = self.options("finops", self.finops_port, https.as_ref());
        let dataverse_options = self.options("dataverse", self.dataverse_port, https.as_ref());
        let finops = finops::start(finops_options.clone()).await.map_err(failure)?;
        let dataverse = dataverse::start(dataverse_options.clone()).await.map_err(failure)?;
        describe(output, (&finops, &finops_options), (&dataverse, &dataverse_options))?;
        signals.stopped().await;
        tokio::join!(finops.shutdown(), dataverse.shutdown());
        Ok(Exit::Done)
    }

    fn options(&self, name: &str, port: u16, https: Option<&Https>) -> Options {
        let mut options = Options::new(database(&self.data, name));
        options.listen = SocketAddr::from((self.address, port));
        options.https = https.cloned();
        options.schema_folder.clone_from(&self.schema);
        options
    }
}

/// The file of one emulator.
pub(crate) fn database(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.sqlite"))
}

/// Why an emulator did not start.
pub(crate) fn failure(error: EmulatorError) -> Failure {
    let failure = Failure::runtime("an emulator cannot start");
    match &error {
        EmulatorError::NotLoopback { .. } | EmulatorError::Schema { .. } => {
            Failure::usage("an emulator cannot start").because(error)
        }
        EmulatorError::Listen { .. } => failure
            .because(error)
            .hint("is it running already? --finops-port 0 and --dataverse-port 0 take free ports"),
        _ => failure.because(error),
    }
}

fn describe(
    output: &Output,
    finops: (&Running, &Options),
    dataverse: (&Running, &Options),
) -> Result<(), Failure> {
    let address = |(running, options): (&Running, &Options)| Address {
        url: running.url(),
        token_url: format!("{}/local/oauth2/v2.0/token", running.url()),
        database: options.database.clone(),
    };
    let clients = finops
        .1
        .clients
        .iter()
        .map(|client| Credential { client_id: client.id.clone(), client_secret: client.secret.clone() });
    let document = Document {
        event: "started",
        finops: address(finops),
        dataverse: address(dataverse),
        clients: clients.collect(),
        certificate_authority: finops.1.https.as_ref().map(Https::authority),
    };
    output.line("Two emulators, for development only. Ctrl-C stops them; their files are kept.");
    output.line("");
    output.line(format!("  F&O        {}   {}", document.finops.url, document.finops.database.display()));
    output.line(format!(
        "  Dataverse  {}   {}",
        document.dataverse.url,
        document.dataverse.database.display()
    ));
    for client in &document.clients {
        output.line(format!(
            "  sign in    client {} with secret {}, any tenant",
            client.client_id, client.client_secret
        ));
    }
    output.line("");
    if let Some(authority) = &document.certificate_authority {
        output.line("Tools trust the certificate when these are set:");
        for variable in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE"] {
            output.line(format!("  export {variable}='{}'", authority.display()));
        }
        output.line("");
    }
    output.line("Try it:");
    for line in example(&document.dataverse.url) {
        output.line(format!("  {line}"));
    }
    output.document(&document)
}

/// Commands that read a table by hand.
pub(crate) fn example(dataverse: &str) -> [String; 3] {
    [
        format!("TOKEN=$(curl -s {dataverse}/local/oauth2/v2.0/token -d grant_type=client_credentials \\"),
        format!(
            "  -d client_id=someone -d client_secret=someone-secret -d scope={dataverse}/.default | \
             sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')"
        ),
        format!("curl -s -H \"Authorization: Bearer $TOKEN\" {dataverse}/api/data/v9.2/accounts"),
    ]
}

//! `dualwright run`: the service.

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::BuildOptions;
use serde::Serialize;

use crate::assembly::{Runtime, connect, load_all};
use crate::config::Config;
use crate::signal::StopSignals;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Ends on SIGTERM or Ctrl-C, after the batches under way. What is not done then is in the journal.

Example:
  DUALWRIGHT_LOG=info dualwright run --config dualwright.toml --log-format json";

/// Keeps two systems saying the same thing, until told to stop.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Run {
    /// The configuration; `dualwright init` writes one.
    #[arg(long, default_value = "dualwright.toml", value_name = "FILE")]
    config: PathBuf,
}

#[derive(Serialize)]
struct Started {
    event: &'static str,
    address: String,
    maps: usize,
}

impl Run {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let mut signals = StopSignals::listen()?;
        let config = Config::load(&self.config)?;
        let pair = connect(&config)?;
        let start = async {
            let mut maps = load_all(&config, &pair, &BuildOptions::default()).await?;
            let count = maps.maps.len();
            let runtime = Runtime::start(&config, pair, &mut maps).await?;
            Ok::<_, Failure>((count, runtime))
        };
        let (maps, runtime) = tokio::select! {
            started = start => started?,
            // Nothing is under way yet that would have to end first.
            _ = signals.stopped() => return Ok(Exit::Done),
        };
        let address = format!("http://{}", runtime.address);
        output.line(format!("running {maps} maps; status at {address}/v1/maps"));
        output.document(&Started { event: "started", address, maps })?;
        let ended = tokio::select! {
            signal = signals.stopped() => {
                tracing::info!(signal, "stopping");
                Ok(Exit::Done)
            }
            failure = runtime.gave_up() => Err(failure),
        };
        runtime.shutdown().await;
        ended
    }
}

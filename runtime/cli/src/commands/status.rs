//! `dualwright status`: how the maps of a running runtime stand; pause and resume.

use clap::Args;
use dualwright_diagnostics::Exit;
use serde_json::{Value, json};

use crate::operator::Address;
use crate::output::table;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Examples:
  dualwright status
  dualwright status --pause customers-accounts    changes go on being captured, and wait
  dualwright status --resume customers-accounts";

/// Show how the maps of a running runtime stand, or pause and resume one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Status {
    /// Hold the changes of this map back.
    #[arg(long, value_name = "MAP", conflicts_with = "resume")]
    pause: Option<String>,
    /// Let the changes of this map go.
    #[arg(long, value_name = "MAP")]
    resume: Option<String>,
    #[command(flatten)]
    address: Address,
}

impl Status {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let runtime = self.address.open()?;
        let asked = [("pause", self.pause), ("resume", self.resume)];
        for (verb, map) in asked.into_iter().filter_map(|(verb, map)| Some((verb, map?))) {
            let answer = runtime.post(&format!("/v1/maps/{map}/{verb}"), &json!({})).await?;
            output.line(format!("{map} is {}", answer["state"].as_str().unwrap_or("?")));
        }
        let status = runtime.get("/v1/maps", &[]).await?;
        output.document(&status)?;
        let mut shown =
            table(&["map", "version", "state", "leg", "applied", "pending", "dead", "echoes", "near misses"]);
        for map in status["maps"].as_array().map_or(&[][..], Vec::as_slice) {
            let text = |name: &str| map[name].as_str().unwrap_or_default().to_owned();
            let legs = map["legs"].as_object().filter(|legs| !legs.is_empty());
            if legs.is_none() {
                // Nothing has come its way yet; that it is there, and how it stands, is worth a line all the same.
                shown.add_row([text("map"), text("version"), text("state"), "-".to_owned()]);
            }
            for (leg, counters) in legs.into_iter().flatten() {
                let count = |name: &str| counters.get(name).map(Value::to_string).unwrap_or_default();
                shown.add_row([
                    text("map"),
                    text("version"),
                    text("state"),
                    leg.clone(),
                    count("applied"),
                    count("pending"),
                    count("dead"),
                    count("echoes"),
                    count("near_misses"),
                ]);
            }
        }
        output.line(shown.to_string());
        Ok(Exit::Done)
    }
}

//! `dualwright plugin install FILE|DIR|URL …`: components from wherever they are into a running runtime.

mod download;
mod source;

use clap::Args;
use dualwright_diagnostics::Exit;
use serde_json::{Value, json};

use super::{list, short, text};
use crate::operator::{Address, Operator};
use crate::output::table;
use crate::{Failure, Output};
use source::{Component, Source};

const EXAMPLE: &str = "\
A signature is taken from FILE.sig beside FILE, or URL.sig beside URL, where there is one.
One source: exit code 0 when it is installed, or was before; otherwise that of the reason. Several, or a
folder: a table, and the exit code of the first that is not installed.

Examples:
  dualwright plugin install customers-accounts-1.1.0.wasm
  dualwright plugin install release/                          every .wasm in it
  dualwright plugin install https://example.com/maps/customers-accounts-1.1.0.wasm";

/// How much is read where a runtime does not say how much it takes.
const USUAL_MAX_BYTES: u64 = 32 << 20;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Install {
    /// A component, as `dualwright map build` makes it; a folder of them; or the https address of one.
    #[arg(required = true, value_name = "FILE|DIR|URL")]
    sources: Vec<String>,
    #[command(flatten)]
    address: Address,
}

impl Install {
    pub(super) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let sources = self.sources.iter().map(|text| Source::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let runtime = self.address.open()?;
        let limit = runtime.get("/v1/plugins", &[]).await?["max_bytes"].as_u64().unwrap_or(USUAL_MAX_BYTES);
        let single = sources.len() == 1 && !sources.iter().any(Source::is_folder);
        let mut components = Vec::new();
        for source in sources {
            components.extend(source.components()?);
        }
        if single && let Some(component) = components.first() {
            let answer = send(&runtime, component, limit).await?;
            output.document(&answer)?;
            output.line(told(&answer));
            return Ok(Exit::Done);
        }
        several(&runtime, &components, limit, output).await
    }
}

async fn send(runtime: &Operator, component: &Component, limit: u64) -> Result<Value, Failure> {
    let (bytes, signature) = component.read(limit).await?;
    runtime.put_component(&component.name(), bytes, signature.as_deref()).await
}

/// What became of one component, in words.
fn told(answer: &Value) -> String {
    let plugin = &answer["plugin"];
    let (name, version) = (name(plugin), text(plugin, "version"));
    let known = if answer["already"] == true { " (it was here before)" } else { "" };
    let signed = plugin["signed_by"].as_str().map(|key| format!(", signed by {key}")).unwrap_or_default();
    format!(
        "installed {name} {version} as {}{signed}{known}; `dualwright plugin activate {name} {version}` puts it to work",
        short(&text(plugin, "digest")),
    )
}

/// One after the other: what is wrong with one says nothing about the next.
async fn several(
    runtime: &Operator,
    components: &[Component],
    limit: u64,
    output: &Output,
) -> Result<Exit, Failure> {
    let (mut results, mut exit) = (Vec::new(), Exit::Done);
    for component in components {
        let result = match send(runtime, component, limit).await {
            Ok(answer) => {
                let plugin = &answer["plugin"];
                let outcome = if answer["already"] == true { "already" } else { "installed" };
                json!({
                    "file": component.name(), "outcome": outcome, "name": name(plugin), "version": plugin["version"],
                    "digest": plugin["digest"], "signed_by": plugin["signed_by"],
                })
            }
            Err(failure) => {
                exit = if exit == Exit::Done { failure.exit() } else { exit };
                json!({
                    "file": component.name(), "outcome": "not installed", "reason": failure.reason(),
                    "next": failure.next(), "exit_code": failure.exit().code(),
                })
            }
        };
        results.push(result);
    }
    let answer = json!({ "results": results });
    output.document(&answer)?;
    let mut shown = table(&["file", "outcome", "name", "version", "digest"]);
    for result in list(&answer["results"]) {
        let digest = short(&text(result, "digest"));
        let [file, outcome, name, version] =
            ["file", "outcome", "name", "version"].map(|column| text(result, column));
        shown.add_row([file, outcome, name, version, digest]);
    }
    output.line(shown.to_string());
    for result in list(&answer["results"]).iter().filter(|result| result["reason"].is_string()) {
        output.line(format!("{}: {}", text(result, "file"), text(result, "reason")));
        for next in list(&result["next"]).iter().filter_map(Value::as_str) {
            output.line(format!("  next: {next}"));
        }
    }
    Ok(exit)
}

fn name(plugin: &Value) -> String {
    let name = text(plugin, "name");
    if name.is_empty() { text(plugin, "map") } else { name }
}

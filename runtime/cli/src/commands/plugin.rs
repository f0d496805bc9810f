//! `dualwright plugin …`: versions of maps, and of what is stacked on them, in a running runtime.

mod install;
mod sign;

use clap::{Args, Subcommand};
use dualwright_diagnostics::Exit;
use serde_json::{Value, json};

use super::sample::told;
use crate::operator::{Address, Operator};
use crate::output::table;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Examples:
  dualwright plugin install customers-accounts-1.1.0.wasm   checked and kept; nothing runs otherwise yet
  dualwright plugin shadow customers-accounts 1.1.0         runs beside the live version, writes nothing
  dualwright plugin activate customers-accounts 1.1.0       from the next batch on
  dualwright plugin rollback customers-accounts
  dualwright plugin reapply customers-accounts --version 1.1.0
                                                            what it wrote goes through the live version";
const LIST_EXAMPLE: &str = "Example:\n  dualwright plugin list";
const VERSION_EXAMPLE: &str = "\
A version is what `plugin list` shows: 1.1.0, or the first digits of a digest.

Example:
  dualwright plugin activate customers-accounts 1.1.0";
const REAPPLY_EXAMPLE: &str = "\
A version is what `plugin list` shows: 1.1.0, or the first digits of a digest. `reapply MAP VERSION` means the same.
Records that another version wrote since are left alone.

Example:
  dualwright plugin reapply customers-accounts --version 1.1.0";
const MAP_EXAMPLE: &str = "Example:\n  dualwright plugin history customers-accounts";
const SHADOW_EXAMPLE: &str = "\
Examples:
  dualwright plugin shadow customers-accounts 1.1.0 --sample 500
  dualwright plugin shadow customers-accounts            what it found so far
  dualwright plugin shadow customers-accounts --end";
const QUARANTINE_EXAMPLE: &str = "\
Example:
  dualwright plugin quarantine customers-accounts 1.1.0 --reason \"cuts phone numbers short\"";

/// Install, try, activate and take back versions of maps, validators and extensions while changes flow.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Plugin {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every installed version, and every file that was refused.
    List(List),
    /// Check components and keep them. They do not run yet.
    Install(install::Install),
    /// Put an installed version to work, from the next batch on.
    Activate(Version),
    /// Put the version before to work again.
    Rollback(OfMap),
    /// Take a version out. Where it was live, the version before takes over.
    Quarantine(Quarantine),
    /// Let a quarantined version run again.
    Release(Version),
    /// Run a version beside the live one and compare, writing nothing.
    Shadow(Shadow),
    /// Send every record that a version wrote last through the live one again.
    Reapply(Reapply),
    /// Tell what happened to a map's versions, who decided it, and on what evidence.
    History(OfMap),
    /// Make a key that signs components.
    Keygen(sign::Keygen),
    /// Sign components, for those who take signed ones only.
    Sign(sign::Sign),
}

#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLE)]
struct List {
    #[command(flatten)]
    address: Address,
}

#[derive(Debug, Args)]
#[command(after_help = VERSION_EXAMPLE)]
struct Version {
    /// The map, validator or extension.
    map: String,
    /// Its version, or the first digits of the component's digest.
    #[arg(value_name = "VERSION")]
    which: String,
    #[command(flatten)]
    address: Address,
}

#[derive(Debug, Args)]
#[command(after_help = REAPPLY_EXAMPLE, disable_version_flag = true)]
#[group(id = "which-version", required = true, multiple = false, args = ["named", "which"])]
struct Reapply {
    /// The map, validator or extension.
    map: String,
    /// The version whose records are sent again, or the first digits of the component's digest.
    #[arg(long = "version", value_name = "VERSION")]
    named: Option<String>,
    /// The same, without the name of the option.
    #[arg(value_name = "VERSION", hide = true)]
    which: Option<String>,
    #[command(flatten)]
    address: Address,
}

#[derive(Debug, Args)]
#[command(after_help = MAP_EXAMPLE)]
struct OfMap {
    /// The map.
    map: String,
    #[command(flatten)]
    address: Address,
}

#[derive(Debug, Args)]
#[command(after_help = QUARANTINE_EXAMPLE)]
struct Quarantine {
    /// The map.
    map: String,
    /// Its version, or the first digits of the component's digest.
    #[arg(value_name = "VERSION")]
    which: String,
    /// Why, for those who will ask.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    address: Address,
}

#[derive(Debug, Args)]
#[command(after_help = SHADOW_EXAMPLE)]
struct Shadow {
    /// The map.
    map: String,
    /// The version to try; without one, what the present candidate found so far.
    #[arg(value_name = "VERSION")]
    which: Option<String>,
    /// So many rows of each direction to begin with: changes as they were captured, and rows read now where fewer are kept.
    #[arg(long, default_value_t = 100, value_name = "ROWS")]
    sample: usize,
    /// Take the candidate away.
    #[arg(long, conflicts_with = "which")]
    end: bool,
    #[command(flatten)]
    address: Address,
}

impl Plugin {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        match self.action {
            Action::List(list) => show_list(&list.address.open()?, output).await?,
            Action::Install(install) => return install.run(output).await,
            Action::Keygen(keygen) => return keygen.run(output),
            Action::Sign(sign) => return sign.run(output),
            Action::Activate(which) => which.ask("activate", output).await?,
            Action::Release(which) => which.ask("release", output).await?,
            Action::Reapply(reapply) => reapply.version().ask("reapply", output).await?,
            Action::Rollback(of) => {
                let answer =
                    of.address.open()?.post(&format!("/v1/maps/{}/rollback", of.map), &json!({})).await?;
                tell(&answer, output)?;
            }
            Action::Quarantine(which) => {
                let body = json!({ "version": which.which, "reason": which.reason });
                let path = format!("/v1/maps/{}/quarantine", which.map);
                tell(&which.address.open()?.post(&path, &body).await?, output)?;
            }
            Action::Shadow(shadow) => shadow.run(output).await?,
            Action::History(of) => show_history(&of, output).await?,
        }
        Ok(Exit::Done)
    }
}

impl Version {
    async fn ask(self, verb: &str, output: &Output) -> Result<(), Failure> {
        let path = format!("/v1/maps/{}/{verb}", self.map);
        tell(&self.address.open()?.post(&path, &json!({ "version": self.which })).await?, output)
    }
}

impl Reapply {
    fn version(self) -> Version {
        // The command line has exactly one of them.
        let which = self.named.or(self.which).unwrap_or_default();
        Version { map: self.map, which, address: self.address }
    }
}

impl Shadow {
    async fn run(self, output: &Output) -> Result<(), Failure> {
        let runtime = self.address.open()?;
        let path = format!("/v1/maps/{}/shadow", self.map);
        let answer = match &self.which {
            _ if self.end => runtime.delete(&path).await?,
            Some(version) => {
                runtime.post(&path, &json!({ "version": version, "sample": self.sample })).await?
            }
            None => runtime.get(&path, &[]).await?,
        };
        output.document(&answer)?;
        let report = &answer["report"];
        if report.is_null() {
            output.line(format!("no candidate runs beside {}", self.map));
            return Ok(());
        }
        output.line(format!(
            "{} of {} rows alike, {} faults, {} rows passed over ({})",
            report["same"],
            report["rows"],
            report["faults"],
            report["passed_over"],
            told(report)
        ));
        let mut shown = table(&["column", "rows", "live", "candidate"]);
        for (column, difference) in report["differences"].as_object().into_iter().flatten() {
            for (place, sample) in list(&difference["samples"]).iter().enumerate() {
                let first = place == 0;
                let column = if first { column.clone() } else { String::new() };
                let rows = if first { difference["rows"].to_string() } else { String::new() };
                shown.add_row([column, rows, text(sample, "live"), text(sample, "candidate")]);
            }
        }
        if shown.row_count() > 0 {
            output.line(shown.to_string());
        }
        Ok(())
    }
}

async fn show_list(runtime: &Operator, output: &Output) -> Result<(), Failure> {
    let answer = runtime.get("/v1/plugins", &[]).await?;
    output.document(&answer)?;
    let mut shown = table(&["name", "role", "map", "version", "state", "digest", "installed", "by"]);
    for plugin in list(&answer["plugins"]) {
        shown.add_row([
            text(plugin, "name"),
            text(plugin, "role"),
            text(plugin, "map"),
            text(plugin, "version"),
            text(plugin, "state"),
            short(&text(plugin, "digest")),
            text(plugin, "at"),
            text(plugin, "actor"),
        ]);
    }
    output.line(shown.to_string());
    for refused in list(&answer["refused"]) {
        output.line(format!(
            "refused {} ({}): {} {}",
            text(refused, "file"),
            short(&text(refused, "digest")),
            text(refused, "reason"),
            text(refused, "next")
        ));
    }
    Ok(())
}

async fn show_history(of: &OfMap, output: &Output) -> Result<(), Failure> {
    let answer = of.address.open()?.get(&format!("/v1/maps/{}/history", of.map), &[]).await?;
    output.document(&answer)?;
    for entry in list(&answer["history"]) {
        output.line(format!("{} {}: {}", text(entry, "at"), text(entry, "actor"), act(&entry["act"])));
    }
    Ok(())
}

/// `{"activated": {"from": "…", "to": "…"}}` in words.
fn act(act: &Value) -> String {
    let Some((word, facts)) = act.as_object().and_then(|members| members.iter().next()) else {
        return act.to_string();
    };
    let of = |name: &str| facts[name].as_str().map(short);
    let mut words = vec![word.replace('-', " ")];
    words.extend(facts["version"].as_str().map(str::to_owned));
    words.extend(of("digest").or_else(|| of("to")));
    words.extend(of("from").map(|from| format!("in the place of {from}")));
    words.extend(facts["evidence"]["text"].as_str().map(|text| format!("because: {text}")));
    words.extend(fared("undone", facts).map(|fared| format!("(it: {fared};")));
    words.extend(fared("before", facts).map(|fared| format!("the version before: {fared})")));
    words.join(" ")
}

/// How a version had fared, of the evidence's counters.
fn fared(which: &str, facts: &Value) -> Option<String> {
    let of = |what: &str| facts["evidence"]["counters"][format!("{which}-{what}")].as_u64();
    let (rows, faults, rejects) = (of("rows")?, of("faults")?, of("rejects")?);
    let each = of("micros")?.checked_div(rows).map_or_else(String::new, |each| format!(", {each} µs a row"));
    Some(format!("{rows} rows, {faults} failed, {rejects} refused{each}"))
}

/// What a change of versions came to.
fn tell(answer: &Value, output: &Output) -> Result<(), Failure> {
    output.document(answer)?;
    let map = text(answer, "map");
    output.line(if let Some(rows) = answer["rows"].as_u64() {
        format!("{rows} rows of {map} go through the live version again")
    } else if answer["plugin"].is_object() {
        format!("{} {} may run again", text(&answer["plugin"], "name"), text(&answer["plugin"], "version"))
    } else if answer["changed"] == false {
        format!("{map} goes on as it was")
    } else if answer["to"].is_null() {
        format!("{map} has no sound version left and is paused; its changes are captured and wait")
    } else {
        format!("{map} runs {} instead of {}", short(&text(answer, "to")), short(&text(answer, "from")))
    });
    Ok(())
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

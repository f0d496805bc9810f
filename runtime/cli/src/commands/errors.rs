//! `dualwright errors`: what could not be applied; try again, or let it be.

use clap::{Args, Subcommand};
use dualwright_diagnostics::Exit;
use serde_json::{Value, json};

use crate::operator::{Address, Operator};
use crate::output::table;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Examples:
  dualwright errors list --map customers-accounts
  dualwright errors retry 17 18      after the cause is mended
  dualwright errors retry --all --code lookup-missing
  dualwright errors skip 17          the record stays as it is on both sides";
const LIST_EXAMPLE: &str = "\
Example:
  dualwright errors list --map customers-accounts --code lookup-missing";
const CHOSEN_EXAMPLE: &str = "\
Examples:
  dualwright errors retry 17 18
  dualwright errors skip --all --map customers-accounts";

/// See what could not be applied; try it again, or let it be.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Errors {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List dead letters with their reasons.
    List(List),
    /// Send records through the map again, as it is now.
    Retry(Chosen),
    /// Give records up: both sides stay as they are.
    Skip(Chosen),
}

#[derive(Debug, Args)]
struct Which {
    /// Of this map only.
    #[arg(long)]
    map: Option<String>,
    /// With this code only: lookup-missing, rejected, trap, …
    #[arg(long)]
    code: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLE)]
struct List {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    address: Address,
}

#[derive(Debug, Args)]
#[command(after_help = CHOSEN_EXAMPLE)]
struct Chosen {
    /// The numbers that `errors list` shows.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<u64>,
    /// All of them; of one map or code only with --map and --code.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    address: Address,
}

impl Errors {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        match self.action {
            Action::List(list) => list.run(output).await,
            Action::Retry(chosen) => chosen.run(output, "retry", "retried").await,
            Action::Skip(chosen) => chosen.run(output, "skip", "skipped").await,
        }
    }
}

impl List {
    async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let letters = fetch(&self.address.open()?, &self.which).await?;
        output.document(&json!({ "dead_letters": letters }))?;
        if letters.is_empty() {
            output.line("nothing failed");
            return Ok(Exit::Done);
        }
        let mut shown = table(&["id", "map", "leg", "key", "code", "reason"]);
        for letter in &letters {
            let cell = |name: &str| letter[name].as_str().unwrap_or_default().to_owned();
            let id = letter["id"].to_string();
            shown.add_row([id, cell("map"), cell("leg"), cell("key"), cell("code"), reason(letter)]);
        }
        output.line(shown.to_string());
        output.line(format!(
            "{} dead letters; `dualwright errors retry ID` once the cause is mended",
            letters.len()
        ));
        Ok(Exit::Done)
    }
}

impl Chosen {
    async fn run(self, output: &Output, action: &str, done: &str) -> Result<Exit, Failure> {
        let runtime = self.address.open()?;
        let ids = if self.all {
            fetch(&runtime, &self.which).await?.iter().filter_map(|letter| letter["id"].as_u64()).collect()
        } else {
            self.ids
        };
        let answer = runtime.post(&format!("/v1/dead-letters/{action}"), &json!({ "ids": ids })).await?;
        output.document(&answer)?;
        let count = answer[done].as_u64().unwrap_or(0);
        output.line(format!("{done} {count} of {} dead letters", ids.len()));
        Ok(Exit::Done)
    }
}

/// Why a record could not be applied: each reason for which it was refused, on a line of its own.
fn reason(letter: &Value) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let violations = letter["violations"].as_array().map(Vec::as_slice).unwrap_or_default();
    if violations.is_empty() {
        return text(letter, "message").lines().next().unwrap_or_default().to_owned();
    }
    let lines = violations.iter().map(|one| {
        let first = text(one, "message").lines().next().unwrap_or_default().to_owned();
        match one["field"].as_str() {
            Some(field) => format!("{field}: {first} [{}]", text(one, "code")),
            None => format!("{first} [{}]", text(one, "code")),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// All letters, page by page.
async fn fetch(runtime: &Operator, which: &Which) -> Result<Vec<Value>, Failure> {
    let mut letters = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query: Vec<(&str, &str)> = Vec::new();
        query.extend(which.map.as_deref().map(|map| ("map", map)));
        query.extend(which.code.as_deref().map(|code| ("code", code)));
        query.extend(after.as_deref().map(|after| ("after", after)));
        let mut page = runtime.get("/v1/dead-letters", &query).await?;
        if let Some(found) = page["dead_letters"].as_array_mut() {
            letters.append(found);
        }
        match page["next_after"].as_u64() {
            Some(next) => after = Some(next.to_string()),
            None => return Ok(letters),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::reason;

    #[test]
    fn every_violation_is_shown() {
        let letter = json!({
            "message": "it is over the limit; it is late",
            "violations": [
                { "field": "CreditLimit", "code": "range", "message": "it is over the limit" },
                { "field": null, "code": "late", "message": "it is late" },
            ],
        });
        assert_eq!(reason(&letter), "CreditLimit: it is over the limit [range]\nit is late [late]");
        assert_eq!(reason(&json!({ "message": "it trapped\n   0: f", "violations": [] })), "it trapped");
    }
}

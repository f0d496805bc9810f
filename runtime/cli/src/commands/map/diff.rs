//! `dualwright map diff`: what differs between maps, versions, or whole environments.

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::diff::{Difference, Known, Way, compare};
use serde::Serialize;

use crate::{Failure, Output};

mod operand;

use operand::Operand;

const EXAMPLE: &str = "\
What can be compared, each with each:
  a map file, a project's folder or a component (.wasm)
  a folder of maps
  a configuration (dualwright.toml): all maps that it runs
  an installed version: NAME@1.1.0, or the first digits of its digest; --config says of which runtime
  dual-write's own maps: a definition, rows or a solution in a file, or the address of a Dataverse environment, which is
  read with the credential of --config

Two single maps are compared whatever their names are; of several, those of one name, else those of the same tables.
Map files are compared as they are written, built maps by the table inside them, other components by what they describe:
the columns that they read and write.

Exit codes:
  0  the same
  1  different
  2  trouble: something could not be read; 3 when an environment could not be reached

Examples:
  dualwright map diff customer-groups.toml customer-groups@1.0.0
  dualwright map diff plugins/catalogue maps --json
  dualwright map diff https://contoso-test.crm.dynamics.com https://contoso.crm.dynamics.com";

/// Tells what differs between maps, versions or whole environments, field by field.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Diff {
    /// What was.
    #[arg(value_name = "A")]
    before: String,
    /// What is.
    #[arg(value_name = "B")]
    after: String,
    /// The configuration with the credential of Dataverse environments, and with the store of installed versions.
    #[arg(long, default_value = "dualwright.toml", value_name = "FILE")]
    config: PathBuf,
}

/// Two maps side by side.
#[derive(Serialize)]
struct Pair {
    before: String,
    after: String,
    compared: Way,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Document<'a> {
    same: bool,
    maps: &'a [Pair],
    only_before: &'a [String],
    only_after: &'a [String],
}

impl Diff {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        // 1 means «different» here, so no trouble may end in it.
        self.compared(output).await.map_err(|failure| {
            if failure.exit() == Exit::Runtime { failure.ending_in(Exit::Usage) } else { failure }
        })
    }

    async fn compared(&self, output: &Output) -> Result<Exit, Failure> {
        let before = Operand::open(&self.before, &self.config, output).await?;
        let after = Operand::open(&self.after, &self.config, output).await?;
        let (matched, only_before, only_after) = matched(before, after);
        let mut pairs = Vec::new();
        for (before, after) in matched {
            let (compared, differences) = compare(&before, &after);
            if compared == Way::Unknown {
                return Err(Failure::usage(
                    "these two cannot be compared: one is only known as it is written, the \
                    other only by what it describes",
                )
                .at(format!("{} and {}", before.name, after.name))
                .hint("compare map files, or mend the one that cannot be built"));
            }
            pairs.push(Pair { before: before.name, after: after.name, compared, differences });
        }
        let differ = pairs.iter().filter(|pair| !pair.differences.is_empty()).count();
        let same = differ == 0 && only_before.is_empty() && only_after.is_empty();
        for pair in pairs.iter().filter(|pair| !pair.differences.is_empty()) {
            tell(pair, output);
        }
        for (side, names) in [(&self.before, &only_before), (&self.after, &only_after)] {
            for name in names {
                output.line(format!("only in {side}: {name}"));
            }
        }
        let count = pairs.len();
        output.line(match (same, count) {
            (true, 1) => "the same".to_owned(),
            (true, _) => format!("{count} maps, all the same"),
            (false, 1) if only_before.is_empty() && only_after.is_empty() => "different".to_owned(),
            (false, _) => format!(
                "{differ} of {count} maps differ; {} only in {}, {} only in {}",
                only_before.len(),
                self.before,
                only_after.len(),
                self.after
            ),
        });
        output.document(&Document {
            same,
            maps: &pairs,
            only_before: &only_before,
            only_after: &only_after,
        })?;
        Ok(if same { Exit::Done } else { Exit::Runtime })
    }
}

/// Which maps belong together, and the names of those that are on one side only.
fn matched(before: Operand, after: Operand) -> (Vec<(Known, Known)>, Vec<String>, Vec<String>) {
    if let (Operand::One(before), Operand::One(after)) = (&before, &after) {
        return (vec![(before.as_ref().clone(), after.as_ref().clone())], Vec::new(), Vec::new());
    }
    let (mut left, mut right) = (before.maps(), after.maps());
    let mut pairs = Vec::new();
    for same in [same_name, same_tables] {
        for map in std::mem::take(&mut left) {
            match right.iter().position(|other| same(&map, other)) {
                Some(index) => pairs.push((map, right.remove(index))),
                None => left.push(map),
            }
        }
    }
    pairs.sort_by(|one, other| one.0.name.cmp(&other.0.name));
    let names = |maps: Vec<Known>| maps.into_iter().map(|map| map.name).collect();
    (pairs, names(left), names(right))
}

fn same_name(one: &Known, other: &Known) -> bool {
    one.name == other.name
}

fn same_tables(one: &Known, other: &Known) -> bool {
    let lower = |map: &Known| (map.tables.0.to_lowercase(), map.tables.1.to_lowercase());
    lower(one) == lower(other)
}

fn tell(pair: &Pair, output: &Output) {
    let how = match pair.compared {
        Way::Written => "as written",
        Way::Built => "as built",
        Way::Described | Way::Unknown => "as described: which columns, not what is done with them",
    };
    let names = if pair.before == pair.after {
        pair.before.clone()
    } else {
        format!("{} and {}", pair.before, pair.after)
    };
    output.line(format!("{names} ({how})"));
    let mut subject = "";
    for difference in &pair.differences {
        let (before, after) = (difference.before.as_deref(), difference.after.as_deref());
        if difference.word.is_empty() {
            let (sign, words) = if after.is_some() { ("+", after) } else { ("-", before) };
            let words = words.filter(|words| !words.is_empty()).map(|words| format!(" ({words})"));
            output.line(format!("  {sign} {}{}", difference.subject, words.unwrap_or_default()));
            continue;
        }
        if subject != difference.subject {
            output.line(format!("  ~ {}", difference.subject));
            subject = &difference.subject;
        }
        let (before, after) = (before.unwrap_or("nothing"), after.unwrap_or("nothing"));
        output.line(format!("      {}: {before} ⇒ {after}", difference.word));
    }
}

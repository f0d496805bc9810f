//! `--profile`: where the fuel went, as text and as flame graphs, and what a row costs beside native code.

use std::path::Path;

use dualwright_map_builder::profile::{LegProfile, RowCost, flame};
use dualwright_map_builder::project::Project;
use serde::Serialize;

use crate::Failure;
use crate::commands::map::build::write_whole;

/// How many functions are listed.
const FUNCTIONS: usize = 12;

/// One leg, for programs.
#[derive(Serialize)]
pub(super) struct ProfileDocument {
    leg: String,
    rows: usize,
    fuel: u64,
    functions: Vec<FunctionDocument>,
    sandbox_nanoseconds_per_row: u64,
    native_nanoseconds_per_row: u64,
    native: &'static str,
    flame_graph: String,
}

#[derive(Serialize)]
struct FunctionDocument {
    function: String,
    own: u64,
    with_callees: u64,
}

/// Draws the flame graph of a leg; answers where it is. Without a folder, beside the map.
pub(super) fn draw(
    folder: Option<&Path>,
    project: &Project,
    map: &str,
    profile: &LegProfile,
) -> Result<String, Failure> {
    let beside = project.output();
    let folder = folder.or_else(|| beside.parent()).unwrap_or(Path::new(""));
    let path = folder.join(format!("{map}.{}.svg", profile.leg));
    let title = format!("{map}, {}: {} fuel for {} rows", profile.leg, profile.fuel.fuel, profile.rows);
    let drawn = flame::svg(&title, &profile.fuel);
    write_whole(&path, drawn.as_bytes()).map_err(|error| {
        Failure::runtime("cannot write the flame graph")
            .at(path.display())
            .because(error)
            .hint("name a folder that exists and that you may write to: --profile=FOLDER")
    })?;
    Ok(path.display().to_string())
}

/// What a person reads about a leg.
pub(super) fn lines(profile: &LegProfile, drawing: &str) -> Vec<String> {
    let all = profile.fuel.fuel;
    let rows = u64::try_from(profile.rows).unwrap_or(u64::MAX).max(1);
    let mut lines = vec![
        format!("{}: {} fuel a row ({} rows in one call)", profile.leg, all / rows, profile.rows),
        "       own   with callees  function".to_owned(),
    ];
    for share in profile.functions.iter().take(FUNCTIONS) {
        let (own, with_callees) = (percent(share.own, all), percent(share.with_callees, all));
        lines.push(format!("  {own} %       {with_callees} %  {}", share.function));
    }
    let rest: u64 = profile.functions.iter().skip(FUNCTIONS).map(|share| share.own).sum();
    if let Some(more) = profile.functions.len().checked_sub(FUNCTIONS).filter(|more| *more > 0) {
        lines.push(format!("  {} %                {more} more functions", percent(rest, all)));
    }
    if profile.fuel.is_nameless() {
        lines.push(
            "the component does not name its functions: build it with its name section kept".to_owned(),
        );
    }
    lines.push(cost(&profile.cost));
    lines.push(format!("flame graph: {drawing}"));
    lines
}

fn cost(cost: &RowCost) -> String {
    let (sandbox, native) = (cost.sandbox.as_nanos(), cost.native.as_nanos().max(1));
    let times = tenths(sandbox * 10 / native);
    let beside = baseline(cost);
    format!("a row costs {sandbox} ns in the sandbox and {native} ns as {beside}: {times} times as much")
}

/// What native code did with the rows.
fn baseline(cost: &RowCost) -> &'static str {
    if cost.same_map { "the same map in native Rust" } else { "a native copy of its cells, column by column" }
}

/// The same for programs.
pub(super) fn document(profile: &LegProfile, drawing: String) -> ProfileDocument {
    let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    ProfileDocument {
        leg: profile.leg.to_string(),
        rows: profile.rows,
        fuel: profile.fuel.fuel,
        functions: profile
            .functions
            .iter()
            .map(|share| FunctionDocument {
                function: share.function.clone(),
                own: share.own,
                with_callees: share.with_callees,
            })
            .collect(),
        sandbox_nanoseconds_per_row: nanoseconds(profile.cost.sandbox),
        native_nanoseconds_per_row: nanoseconds(profile.cost.native),
        native: baseline(&profile.cost),
        flame_graph: drawing,
    }
}

/// A share in percent with one digit behind the point, six characters wide.
fn percent(part: u64, all: u64) -> String {
    let permille = u128::from(part) * 1000 / u128::from(all.max(1));
    format!("{:>6}", tenths(permille))
}

fn tenths(number: u128) -> String {
    format!("{}.{}", number / 10, number % 10)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dualwright_map_builder::profile::{FunctionShare, LegProfile, RowCost};
    use dualwright_model::Leg;
    use dualwright_plugin_host::{FuelProfile, FuelStack};

    use super::lines;

    #[test]
    fn shares_are_said_with_their_functions_and_add_up() {
        let stack = |function: &str, fuel| FuelStack { functions: vec![function.to_owned()], fuel };
        let share =
            |function: &str, own| FunctionShare { function: function.to_owned(), own, with_callees: own };
        let profile = LegProfile {
            leg: Leg::ToDataverse,
            rows: 10,
            fuel: FuelProfile { fuel: 1000, stacks: vec![stack("map", 875), stack("allocate", 125)] },
            functions: vec![share("map", 875), share("allocate", 125)],
            cost: RowCost {
                sandbox: Duration::from_nanos(2500),
                native: Duration::from_nanos(1000),
                same_map: false,
            },
        };
        assert_eq!(
            lines(&profile, "groups.to-dataverse.svg"),
            [
                "to-dataverse: 100 fuel a row (10 rows in one call)",
                "       own   with callees  function",
                "    87.5 %         87.5 %  map",
                "    12.5 %         12.5 %  allocate",
                "a row costs 2500 ns in the sandbox and 1000 ns as a native copy of its cells, column by column: 2.5 \
                 times as much",
                "flame graph: groups.to-dataverse.svg",
            ]
        );
    }
}

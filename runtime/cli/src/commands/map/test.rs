//! `dualwright map test`: fixtures, the round-trip law and the limits, in the sandbox the map will live in.

mod profile;
mod report;

use std::path::PathBuf;

use clap::Args;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::fixtures::{self, Actual, Case, CaseResult, FixtureError, FixtureFile};
use dualwright_map_builder::profile::measure;
use dualwright_map_builder::project::{Built, Project};
use dualwright_map_builder::round_trip::Effort;
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress, limits, round_trip};
use dualwright_plugin_host::{Grants, Host, Loaded, Stack};

use super::workshop::{build_project, load, no_project, sandbox};
use crate::assembly::{host_failure, misfit_failure};
use crate::{Failure, Output};
use report::Report;

const EXAMPLE: &str = "\
Fixtures are TOML files in fixtures/ beside the map (or in fixtures/NAME/ for NAME.toml and NAME.wasm). The exit code is 0 when
everything came out as expected, and 2 when something did not.

Example:
  dualwright map test                             in a project
  dualwright map test customer-groups.toml --filter deleted
  dualwright map test . --profile=/tmp            says where the time goes, and draws it
  dualwright map test . --update                  records what the map does now as what is expected
  dualwright map test . --on customers.toml       a validator or an extension, on the map that it is made for";

/// Runs a map's fixtures, the round-trip law and the limits in the real sandbox.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Test {
    /// A project's folder, a map file, or a component.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Only cases and fields whose names hold this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Record what came out as what is expected, where they differ.
    #[arg(long)]
    update: bool,
    /// Where the values of the round-trip law begin.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How many values to generate for each two-way field and direction.
    #[arg(long, value_name = "COUNT", default_value_t = 48)]
    values: usize,
    /// The map that a validator or an extension is stacked on: a project's folder, a map file, or a component.
    #[arg(long, value_name = "PATH")]
    on: Option<PathBuf>,
    /// Say where the fuel goes and what a row costs beside native code, and draw flame graphs (SVG): into this folder,
    /// or beside the map.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true)]
    profile: Option<Option<PathBuf>>,
}

impl Test {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let project = Project::find(&self.path).map_err(|error| no_project(&error))?;
        // The fixtures first: their author should not wait for a compiler to hear of a typing error.
        let files = fixtures::read_folder(&project.fixtures).map_err(|error| unreadable(&error))?;
        let outside = fixtures::read_outside(&project.fixtures).map_err(|error| unreadable(&error))?;
        let notes = *output;
        let options = BuildOptions {
            progress: BuildProgress::new(move |line| notes.note(line)),
            ..BuildOptions::default()
        };
        let built = build_project(&project, &options).await?;
        let host = sandbox(Some(outside.services))?;
        let loaded = load(&host, &project, built.bytes.clone(), outside.grants.clone()).await?;
        let (stack, base) = self.stack(&host, loaded, &options).await?;
        let mut report = Report::new(*output, stack.description());
        for file in &files {
            self.run_file(file, &stack, &mut report).await?;
        }
        let all: Vec<Case> = files.iter().flat_map(|file| file.cases.clone()).collect();
        if all.is_empty() {
            report.no_fixtures(&project.fixtures);
        }
        let compiled = base.as_ref().unwrap_or(&built).map.as_ref().map(|map| &map.compiled);
        let effort = Effort { seed: self.seed, values: self.values };
        // The law is the map's own: what is stacked on it may refuse what is generated.
        if base.is_none() {
            let fields: Vec<_> = round_trip::check(&stack, &all, compiled, effort)
                .await
                .into_iter()
                .filter(|field| self.wants(&format!("{} ↔ {}", field.finops, field.dataverse)))
                .collect();
            report.fields(&fields, self.seed);
        }
        if self.filter.is_none() {
            report.limits(&limits::check(&stack, &all, host.limits()).await);
        }
        if let Some(folder) = &self.profile {
            let plugin = stack.base();
            let measured =
                measure(plugin, &built.bytes, &all, compiled, &outside.grants, host.limits()).await;
            let measured = measured.map_err(|error| host_failure(&error, project.path()))?;
            for leg in &measured {
                let name = plugin.description().name.as_str();
                let drawing = profile::draw(folder.as_deref(), &project, name, leg)?;
                report.profile(&profile::lines(leg, &drawing), profile::document(leg, drawing));
            }
        }
        report.end()
    }

    /// What is tested: the map itself, or the map that is named with what is stacked on it, and how that map was built.
    async fn stack(
        &self,
        host: &Host,
        loaded: Loaded,
        options: &BuildOptions,
    ) -> Result<(Stack, Option<Built>), Failure> {
        let layer = match (loaded, &self.on) {
            (Loaded::Map(map), None) => return Ok((Stack::from(map), None)),
            (Loaded::Map(_), Some(_)) => {
                return Err(Failure::usage("this is a map: nothing has to be named that it is stacked on")
                    .at(self.path.display())
                    .hint("leave --on out"));
            }
            (Loaded::Layer(layer), _) => layer,
        };
        let said = layer.description();
        let Some(path) = &self.on else {
            return Err(Failure::usage(format!(
                "{} is stacked on the map {}: it is tested there",
                said.name, said.map
            ))
            .at(self.path.display())
            .hint(format!("name the map: dualwright map test {} --on MAP", self.path.display())));
        };
        if self.profile.is_some() {
            return Err(Failure::usage("only maps have profiles").hint("leave --profile out"));
        }
        let project = Project::find(path).map_err(|error| no_project(&error))?;
        let built = build_project(&project, options).await?;
        let Loaded::Map(base) = load(host, &project, built.bytes.clone(), Grants::default()).await? else {
            return Err(Failure::usage("this is no map, but what is stacked on one").at(path.display()));
        };
        let file = path.display().to_string();
        let stack = Stack::new(base, vec![layer]).map_err(|misfits| misfit_failure(&misfits, &file))?;
        Ok((stack, Some(built)))
    }

    fn wants(&self, name: &str) -> bool {
        self.filter.as_deref().is_none_or(|filter| name.to_lowercase().contains(&filter.to_lowercase()))
    }

    async fn run_file(&self, file: &FixtureFile, stack: &Stack, report: &mut Report) -> Result<(), Failure> {
        // Whole batches always, whatever is shown: a batch without its neighbours would be another test.
        let results = fixtures::run(stack, &file.cases).await;
        let shown = || file.cases.iter().zip(&results).filter(|(case, _)| self.wants(&case.name));
        let mut recorded = Vec::new();
        if self.update {
            recorded =
                shown().filter(|(_, result)| can_record(result)).map(|(case, _)| case.name.clone()).collect();
            self.record(file, &results, &recorded)?;
        }
        report.file(file);
        for (case, result) in shown() {
            report.case(file, case, result, recorded.contains(&case.name));
        }
        Ok(())
    }

    fn record(&self, file: &FixtureFile, results: &[CaseResult], names: &[String]) -> Result<(), Failure> {
        if names.is_empty() {
            return Ok(());
        }
        let outcomes: Vec<Option<Actual>> = file
            .cases
            .iter()
            .zip(results)
            .map(|(case, result)| names.contains(&case.name).then(|| result.actual.clone()))
            .collect();
        let text = fixtures::update(file, &outcomes)
            .map_err(|error| Failure::usage("the expectations were not recorded").because(error))?;
        super::build::write_whole(&file.path, text.as_bytes()).map_err(|error| {
            Failure::runtime("cannot write the fixtures").at(file.path.display()).because(error)
        })
    }
}

/// Whether a case came out differently, with an answer that may be expected.
fn can_record(result: &CaseResult) -> bool {
    !result.is_good() && result.problem.is_none() && matches!(result.actual, Actual::Answer(_))
}

fn unreadable(error: &FixtureError) -> Failure {
    match error {
        FixtureError::Wrong { path, line, message } => Failure::usage(format!("a fixture is wrong: {message}"))
            .at(format!("{}:{line}", path.display()))
            .hint("dualwright map test --help says where fixtures are; the README of a new project, how they are written"),
        error => Failure::usage("the fixtures cannot be read").because(error),
    }
}

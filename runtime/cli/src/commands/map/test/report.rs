//! What a test run says, in colour where a person looks at a terminal.

use std::io::IsTerminal;
use std::path::Path;

use dualwright_diagnostics::Exit;
use dualwright_map_builder::fixtures::{Case, CaseResult, DiffLine, FixtureFile};
use dualwright_map_builder::limits::LimitReport;
use dualwright_map_builder::round_trip::FieldReport;
use dualwright_plugin_host::Description;
use serde::Serialize;

use super::profile::ProfileDocument;
use crate::{Failure, Output};

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const FAINT: &str = "2";

/// Collects what came out, and tells it on the way.
pub(super) struct Report {
    output: Output,
    colour: bool,
    document: Document,
}

#[derive(Serialize)]
struct Document {
    map: String,
    version: String,
    good: bool,
    passed: usize,
    failed: usize,
    recorded: usize,
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<ProfileDocument>,
}

/// One thing that did not come out as it should.
#[derive(Serialize)]
struct Finding {
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    lines: Vec<String>,
}

impl Report {
    pub(super) fn new(output: Output, description: &Description) -> Self {
        let colour =
            std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        output.line(format!("{} {}", description.name, description.version));
        let document = Document {
            map: description.name.to_string(),
            version: description.version.clone(),
            good: true,
            passed: 0,
            failed: 0,
            recorded: 0,
            findings: Vec::new(),
            profiles: Vec::new(),
        };
        Self { output, colour, document }
    }

    pub(super) fn file(&self, file: &FixtureFile) {
        self.output.line(format!("\n{}", file.path.display()));
    }

    pub(super) fn no_fixtures(&mut self, folder: &Path) {
        let lines = vec![
            format!("there is no fixture in {}", folder.display()),
            "without one, nothing shows what the map does with a row".to_owned(),
        ];
        self.output.line("");
        self.failed("fixture", "no fixtures".to_owned(), None, lines);
    }

    pub(super) fn case(&mut self, file: &FixtureFile, case: &Case, result: &CaseResult, recorded: bool) {
        if recorded {
            self.document.recorded += 1;
            self.output.line(format!("  {}  {}", self.paint(YELLOW, "rec "), case.name));
            return;
        }
        if result.is_good() {
            return self.passed(&case.name, "");
        }
        let place = format!("{}:{}", file.path.display(), case.line);
        let mut lines = Vec::new();
        if let Some(problem) = &result.problem {
            lines.push(problem.clone());
        } else if case.expect.is_none() {
            lines.push("nothing is expected yet; --update records what came out".to_owned());
        }
        lines.extend(result.diff.iter().map(|line| match line {
            DiffLine::Same(text) => format!("  {text}"),
            DiffLine::Missing(text) => format!("- {text}"),
            DiffLine::Extra(text) => format!("+ {text}"),
        }));
        self.failed("fixture", case.name.clone(), Some(place), lines);
    }

    pub(super) fn fields(&mut self, fields: &[FieldReport], seed: u64) {
        if fields.is_empty() {
            return;
        }
        self.output.line(format!("\nround trip (seed {seed})"));
        for field in fields {
            let name = format!("{} ↔ {}", field.finops, field.dataverse);
            if field.is_good() {
                self.passed(&name, &format!("{} values", field.tried));
                continue;
            }
            let lines = match &field.broken {
                None => vec![
                    "no value went out: the map refused all that were tried".to_owned(),
                    "give a fixture for each leg in which the field has a value that the map takes"
                        .to_owned(),
                ],
                Some(broken) => {
                    let (from, column) = match broken.leg {
                        dualwright_model::Leg::ToDataverse => ("F&O", &field.finops),
                        dualwright_model::Leg::ToFinops => ("Dataverse", &field.dataverse),
                    };
                    let others: Vec<String> = broken
                        .row
                        .iter()
                        .filter(|(other, _)| *other != column)
                        .map(|(other, value)| {
                            format!("{other} = {}", dualwright_map_builder::fixtures::show(value))
                        })
                        .collect();
                    let mut lines =
                        vec![format!("from {from}: {column} = {}", broken.value), broken.what.clone()];
                    if !others.is_empty() {
                        lines.push(format!("in the row {}", others.join(", ")));
                    }
                    lines.push(format!("again with: --seed {seed} --filter {column}"));
                    lines
                }
            };
            self.failed("round-trip", name, None, lines);
        }
    }

    pub(super) fn limits(&mut self, attempts: &[LimitReport]) {
        if attempts.is_empty() {
            return;
        }
        self.output.line("\nlimits");
        for attempt in attempts {
            let name = format!("{}: {}", attempt.leg, attempt.what);
            match &attempt.fault {
                None => self.passed(&name, ""),
                Some(fault) => {
                    let lines = fault.lines().map(str::to_owned).collect();
                    self.failed("limits", name, None, lines);
                }
            }
        }
    }

    /// Where a leg's fuel went.
    pub(super) fn profile(&mut self, lines: &[String], document: ProfileDocument) {
        if self.document.profiles.is_empty() {
            self.output.line("\nprofile");
        }
        for line in lines {
            self.output.line(format!("  {line}"));
        }
        self.document.profiles.push(document);
    }

    /// The sum.
    pub(super) fn end(mut self) -> Result<Exit, Failure> {
        self.document.good = self.document.failed == 0;
        let Document { passed, failed, recorded, .. } = self.document;
        let mut sum = format!("{passed} passed");
        if recorded > 0 {
            sum.push_str(&format!(", {recorded} recorded"));
        }
        let failed_words = format!("{failed} failed");
        let failed_words = if failed > 0 { self.paint(RED, &failed_words) } else { failed_words };
        self.output.line(format!("\n{sum}, {failed_words}"));
        if passed + failed + recorded == 0 {
            return Err(Failure::usage("nothing was tested")
                .hint("no case and no two-way field has the filter's text"));
        }
        self.output.document(&self.document)?;
        Ok(if self.document.good { Exit::Done } else { Exit::Usage })
    }

    fn passed(&mut self, name: &str, more: &str) {
        self.document.passed += 1;
        let more = if more.is_empty() { String::new() } else { format!("  {}", self.paint(FAINT, more)) };
        self.output.line(format!("  {}  {name}{more}", self.paint(GREEN, "ok  ")));
    }

    fn failed(&mut self, kind: &'static str, name: String, place: Option<String>, lines: Vec<String>) {
        self.document.failed += 1;
        self.output.line(format!("  {}  {name}", self.paint(RED, "FAIL")));
        if let Some(place) = &place {
            self.output.line(format!("          {}", self.paint(FAINT, &format!("at {place}"))));
        }
        for line in &lines {
            let painted = match line.chars().next() {
                Some('-') => self.paint(RED, line),
                Some('+') => self.paint(GREEN, line),
                _ => line.clone(),
            };
            self.output.line(format!("          {painted}"));
        }
        self.document.findings.push(Finding { kind, name, place, lines });
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

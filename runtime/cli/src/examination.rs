//! What is wrong with a configuration and its maps, found out without writing anything: for `doctor` and `map check`.

mod clock;
mod fit;
mod grants;
mod pushes;
mod reach;

use dualwright_diagnostics::Exit;
use serde::Serialize;

use crate::Output;
use crate::output::table;

pub(crate) use clock::check_clocks;
pub(crate) use fit::{check_map, check_together};
pub(crate) use grants::check_grants;
pub(crate) use pushes::check_pushes;
pub(crate) use reach::check_access;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// It will not run, or rows will fail.
    Error,
    /// It will run, and somebody should know.
    Warning,
    /// As it should be.
    Good,
}

/// One thing found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// `finops`, `dataverse`, a map, or a part of the configuration.
    pub(crate) place: String,
    /// A stable word for programs.
    pub(crate) code: String,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// What exit code an error of this kind ends in.
    #[serde(skip)]
    pub(crate) exit: Exit,
}

impl Finding {
    pub(crate) fn good(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Good, place, "good", message)
    }

    pub(crate) fn error(place: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, code, message)
    }

    pub(crate) fn warning(place: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, code, message)
    }

    fn new(severity: Severity, place: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self {
            severity,
            place: place.into(),
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            exit: Exit::Usage,
        }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

#[derive(Serialize)]
struct Document<'a> {
    good: bool,
    findings: &'a [Finding],
}

/// Tells everything that was found, worst first, and what the command ends in.
pub(crate) fn tell(mut findings: Vec<Finding>, output: &Output) -> Result<Exit, crate::Failure> {
    findings.sort_by_key(|finding| finding.severity);
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    // What could not be reached comes first: half of the other findings may only follow from it.
    let exit = errors.map(|finding| finding.exit).max().unwrap_or(Exit::Done);
    let mut rows = table(&["", "where", "what", "how to mend it"]);
    for finding in &findings {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Good => "ok",
        };
        rows.add_row([word, &finding.place, &finding.message, finding.hint.as_deref().unwrap_or_default()]);
    }
    output.line(rows.to_string());
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    output.line(format!("{errors} errors, {warnings} warnings"));
    output.document(&Document { good: exit == Exit::Done, findings: &findings })?;
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use dualwright_diagnostics::Exit;

    use super::{Finding, tell};
    use crate::Output;

    #[test]
    fn the_exit_code_is_that_of_the_deepest_cause() {
        let check = |findings: Vec<Finding>| tell(findings, &Output::new(true)).unwrap();
        let unreachable = Finding::error("finops", "unavailable", "no answer").exit(Exit::Environment);
        let misfit = Finding::error("m", "unknown-column", "no such column");
        assert_eq!(
            check(vec![Finding::good("finops", "fine"), Finding::warning("m", "w", "hm")]),
            Exit::Done
        );
        assert_eq!(check(vec![misfit.clone()]), Exit::Usage);
        assert_eq!(check(vec![misfit, unreachable]), Exit::Environment);
    }
}

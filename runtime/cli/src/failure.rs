//! How a command fails: what was wrong, where, and what to do next.

use std::fmt;

use dualwright_diagnostics::{Class, Exit};
use serde::Serialize;

/// A command that could not do its work. Never holds a secret or a row value (I11).
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    what: String,
    place: Option<String>,
    causes: Vec<String>,
    next: Vec<String>,
}

/// The form of a [`Failure`] under `--json`.
#[derive(Serialize)]
struct FailureDocument<'a> {
    error: FailureBody<'a>,
}

#[derive(Serialize)]
struct FailureBody<'a> {
    kind: &'a str,
    exit_code: u8,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    because: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    next: &'a [String],
}

impl Failure {
    /// A failure that ends in this exit code.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), place: None, causes: Vec::new(), next: Vec::new() }
    }

    /// The command line, configuration or map is wrong.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// Something failed while running.
    pub fn runtime(what: impl Into<String>) -> Self {
        Self::new(Exit::Runtime, what)
    }

    /// A system was out of reach, or did not let us in.
    pub fn environment(what: impl Into<String>) -> Self {
        Self::new(Exit::Environment, what)
    }

    /// A failure whose class another room has already told.
    pub fn of_class(class: Class, what: impl Into<String>) -> Self {
        Self::new(Exit::from(class), what)
    }

    /// Where: a file and line, an address, a table.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// The error that caused it, with its own causes.
    #[must_use]
    pub fn because(mut self, error: impl std::error::Error) -> Self {
        let mut next: Option<&dyn std::error::Error> = Some(&error);
        while let Some(cause) = next {
            let text = cause.to_string();
            // Many errors already repeat their source's words; a reader needs them once.
            if !self.causes.last().is_some_and(|last| last.contains(&text)) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }

    /// What to do about it; may be given more than once.
    #[must_use]
    pub fn hint(mut self, next: impl Into<String>) -> Self {
        self.next.push(next.into());
        self
    }

    /// The same failure with another exit code, for a command whose codes mean something of their own.
    #[must_use]
    pub(crate) fn ending_in(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// What was wrong, in one line: the causes where there are any, for they say more.
    pub(crate) fn reason(&self) -> String {
        if self.causes.is_empty() { self.what.clone() } else { self.causes.join(": ") }
    }

    /// What to do about it.
    pub(crate) fn next(&self) -> &[String] {
        &self.next
    }

    /// The exit code this ends in.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The document printed under `--json`.
    pub fn to_json(&self) -> String {
        let body = FailureBody {
            kind: self.exit.label(),
            exit_code: self.exit.code(),
            what: &self.what,
            place: self.place.as_deref(),
            because: &self.causes,
            next: &self.next,
        };
        serde_json::to_string(&FailureDocument { error: body }).unwrap_or_else(|_| self.what.clone())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error: {}", self.what)?;
        if let Some(place) = &self.place {
            write!(formatter, "\n  at: {place}")?;
        }
        for cause in &self.causes {
            write!(formatter, "\n  because: {cause}")?;
        }
        for next in &self.next {
            write!(formatter, "\n  next: {next}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn a_failure_says_what_where_and_what_next() {
        let error = Failure::usage("the file holds no map").at("shop.toml:3:1").hint("add a [[map]]");
        let expect = "error: the file holds no map\n  at: shop.toml:3:1\n  next: add a [[map]]";
        assert_eq!(error.to_string(), expect);
        let json: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
        assert_eq!(json["error"]["exit_code"], 2);
        assert_eq!(json["error"]["place"], "shop.toml:3:1");
    }

    #[test]
    fn a_cause_that_repeats_its_source_is_told_once() {
        let cause = std::io::Error::other(std::io::Error::other("disk full"));
        let text = Failure::runtime("cannot write").because(cause).to_string();
        assert_eq!(text.matches("disk full").count(), 1);
    }
}

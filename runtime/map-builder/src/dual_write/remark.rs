//! What a translation has to say.

use std::fmt;

use serde::Serialize;

/// How much a remark weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It was not carried over.
    Lost,
    /// It was carried over by a guess that somebody must look at.
    Unsure,
    /// It was carried over in another form, or has no bearing here.
    Note,
}

/// One thing that a person should know of a translation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// How much it weighs.
    pub weight: Weight,
    /// What it is about: a field (`ONHOLD → msdyn_onhold`), `filter`, `key`, a word of the definition.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// What to do, where something can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Remark {
    /// It was not carried over.
    pub fn lost(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { weight: Weight::Lost, subject: subject.into(), reason: reason.into(), next: None }
    }

    /// It was guessed.
    pub fn unsure(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { weight: Weight::Unsure, ..Self::lost(subject, reason) }
    }

    /// Nothing has to be done about it.
    pub fn note(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { weight: Weight::Note, ..Self::lost(subject, reason) }
    }

    /// Says what to do.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl Weight {
    /// What it means, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Lost => "not carried",
            Self::Unsure => "please check",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: {}", self.weight.words(), self.subject, self.reason)?;
        match &self.next {
            Some(next) => write!(formatter, " (next: {next})"),
            None => Ok(()),
        }
    }
}

//! What a rule can say.

use serde::Deserialize;
use toml::Spanned;

use super::{Direction, Scalar};

/// One rule: where it looks, and exactly one of `required`, `one-of`, `range`, `pattern`, `length`, `unique` and
/// `expression`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// The column in F&O.
    pub finops: Option<Spanned<String>>,
    /// The column or lookup path in Dataverse.
    pub dataverse: Option<Spanned<String>>,
    /// Which leg; when left out, the one that the column and the stage imply.
    pub direction: Option<Spanned<Direction>>,
    /// What the rule looks at; what was captured, when left out.
    pub stage: Option<Spanned<Stage>>,
    /// The column must not be empty.
    pub required: Option<Spanned<bool>>,
    /// The column must hold one of these.
    pub one_of: Option<Spanned<Vec<Spanned<Scalar>>>>,
    /// The column's number or day must not be below or above.
    pub range: Option<Spanned<Range>>,
    /// The column's whole text must have this form.
    pub pattern: Option<Spanned<String>>,
    /// The column's text must not be shorter or longer.
    pub length: Option<Spanned<Length>>,
    /// No two records of a batch may hold the same.
    pub unique: Option<Spanned<bool>>,
    /// This must not be false.
    pub expression: Option<Spanned<String>>,
    /// A stable word for programs; when left out, the word of the rule.
    pub code: Option<Spanned<String>>,
    /// A sentence for people; when left out, one that says the rule.
    pub message: Option<Spanned<String>>,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The source's cells as they were captured.
    #[default]
    Captured,
    /// The target's cells as they are about to be written.
    Mapped,
}

/// The bounds of a number or a day; both are allowed values themselves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest.
    pub min: Option<Spanned<Scalar>>,
    /// The largest.
    pub max: Option<Spanned<Scalar>>,
}

/// The bounds of a length in characters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    /// The fewest.
    pub min: Option<u32>,
    /// The most.
    pub max: Option<u32>,
}

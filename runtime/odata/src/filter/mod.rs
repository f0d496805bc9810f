//! `$filter` expressions: `PartyType eq 'Organization' and not contains(Name,'test')`.
//!
//! The part of OData v4's grammar (URL conventions, section 5.1.1) that maps use and both systems answer: comparisons
//! of a column with a literal, `in`, `and`, `or`, `not`, and three text functions. No arithmetic, no column to column.
//! A column may stand in `tolower(…)` or `toupper(…)`, which changes nothing: text compares without regard to case.

mod evaluate;
mod parse;
mod print;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::literal::Literal;

/// How a column compares with a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `eq`; with `null`: holds nothing.
    Equal,
    /// `ne`; with `null`: holds something.
    NotEqual,
    /// `gt`.
    Greater,
    /// `ge`.
    GreaterOrEqual,
    /// `lt`.
    Less,
    /// `le`.
    LessOrEqual,
}

/// A function of a text column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextFunction {
    /// `startswith`.
    StartsWith,
    /// `endswith`.
    EndsWith,
    /// `contains`.
    Contains,
}

/// One filter expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `path op literal`.
    Compare {
        /// The column, or a path to a column of a related row, as written.
        path: String,
        /// How.
        operator: Operator,
        /// With what.
        literal: Literal,
    },
    /// Every one of two or more.
    And(Vec<Filter>),
    /// At least one of two or more.
    Or(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// `path in (a, b)`.
    In {
        /// The column.
        path: String,
        /// The literals; at least one.
        list: Vec<Literal>,
    },
    /// `contains(path,'text')`.
    Function {
        /// Which.
        function: TextFunction,
        /// The column.
        path: String,
        /// The text looked for.
        text: String,
    },
}

/// A text that is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at character {position} of the filter")]
pub struct FilterError {
    /// Bytes before the fault.
    pub position: usize,
    /// What is wrong; without values.
    pub reason: &'static str,
}

impl Filter {
    /// `path eq literal`.
    pub fn equals(path: impl Into<String>, literal: Literal) -> Self {
        Self::Compare { path: path.into(), operator: Operator::Equal, literal }
    }

    /// All of them; `None` when there are none.
    pub fn all(filters: impl IntoIterator<Item = Filter>) -> Option<Self> {
        Self::joined(filters.into_iter().collect(), Self::And)
    }

    /// At least one of them; `None` when there are none.
    pub fn any(filters: impl IntoIterator<Item = Filter>) -> Option<Self> {
        Self::joined(filters.into_iter().collect(), Self::Or)
    }

    fn joined(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Self) -> Option<Self> {
        match filters.len() {
            0 | 1 => filters.pop(),
            _ => Some(join(filters)),
        }
    }

    /// The columns and paths it speaks of, as written, out of the functions around them.
    pub fn columns(&self) -> BTreeSet<&str> {
        self.paths().into_iter().map(bare).collect()
    }

    /// The first column that stands in a function, with it: not every service takes that.
    pub fn wrapped_column(&self) -> Option<&str> {
        self.paths().into_iter().find(|path| bare(path) != *path)
    }

    fn paths(&self) -> BTreeSet<&str> {
        let mut paths = BTreeSet::new();
        self.visit(&mut |leaf| {
            if let Self::Compare { path, .. } | Self::In { path, .. } | Self::Function { path, .. } = leaf {
                paths.insert(path.as_str());
            }
        });
        paths
    }

    fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a Filter)) {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().for_each(|filter| filter.visit(see)),
            Self::Not(filter) => filter.visit(see),
            leaf => see(leaf),
        }
    }

    fn visit_mut(&mut self, change: &mut dyn FnMut(&mut Filter)) {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter_mut().for_each(|filter| filter.visit_mut(change));
            }
            Self::Not(filter) => filter.visit_mut(change),
            leaf => change(leaf),
        }
    }

    /// Replaces each literal by what `turn` makes of it, given the column: a connector turns `'Organization'` into an
    /// enum literal by the table's schema. The texts of functions stay.
    pub fn map_literals(&mut self, turn: &dyn Fn(&str, Literal) -> Literal) {
        self.visit_mut(&mut |leaf| match leaf {
            Self::Compare { path, literal, .. } => {
                *literal = turn(bare(path), std::mem::replace(literal, Literal::Null));
            }
            Self::In { path, list } => {
                for literal in list {
                    *literal = turn(bare(path), std::mem::replace(literal, Literal::Null));
                }
            }
            _ => {}
        });
    }

    /// Replaces each path by what `turn` makes of it: a map's spelling becomes the system's.
    pub fn map_paths(&mut self, turn: &dyn Fn(&str) -> String) {
        self.visit_mut(&mut |leaf| {
            if let Self::Compare { path, .. } | Self::In { path, .. } | Self::Function { path, .. } = leaf {
                let inner = bare(path);
                let turned = turn(inner);
                *path = match path.split_once('(') {
                    Some((function, _)) => format!("{function}({turned})"),
                    None => turned,
                };
            }
        });
    }
}

/// The column in `tolower(column)`; what stands in no function is its own.
fn bare(path: &str) -> &str {
    path.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')')).unwrap_or(path)
}

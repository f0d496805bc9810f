//! What rules take columns for. The map file does not say what a column holds: a rule that compares one with a number
//! takes it for a number, and `map check` asks the schema whether it is one.

use crate::program::{Check, Comparison, Literal, Term, Test};

/// What a column or value is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An exact number.
    Number,
    /// Text, also GUIDs and members of enums.
    Text,
    /// Yes or no.
    Boolean,
    /// A day or a moment.
    Moment,
}

impl Kind {
    /// For messages: `a number`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "text",
            Self::Boolean => "yes or no",
            Self::Moment => "a day or moment",
        }
    }

    /// What a value of a rule is.
    pub fn of(literal: &Literal<'_>) -> Self {
        match literal {
            Literal::Number(_) => Self::Number,
            Literal::Text(_) => Self::Text,
            Literal::Boolean(_) => Self::Boolean,
            Literal::Day(_) => Self::Moment,
        }
    }
}

/// What a rule takes the columns of its stage for, by their position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Columns that must be of a kind.
    pub kinds: Vec<(usize, Kind)>,
    /// Pairs of columns that must be of the same kind.
    pub alike: Vec<(usize, usize)>,
    /// Columns that must be numbers, days or moments, because they are compared with each other.
    pub ordered: Vec<usize>,
}

/// A term that cannot be: its index among the terms, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Which term.
    pub term: usize,
    /// What is wrong with it.
    pub message: String,
}

/// What a check takes its columns for. `one-of` is left out: its values are tried on the column itself.
pub fn uses(check: &Check<'_>) -> Uses {
    let of_column = |kind| Uses { kinds: vec![(check.position, kind)], ..Uses::default() };
    match &check.test {
        Test::Required | Test::OneOf(_) | Test::Unique => Uses::default(),
        Test::Range { minimum, maximum } => {
            minimum.as_ref().or(maximum.as_ref()).map(|bound| of_column(Kind::of(bound))).unwrap_or_default()
        }
        Test::Length { .. } | Test::Pattern(_) => of_column(Kind::Text),
        Test::Expression(terms) => infer(terms).unwrap_or_default(),
    }
}

/// What is on the stack: a kind, or a column that has not shown its kind.
#[derive(Clone, Copy)]
enum Entry {
    Known(Kind),
    Column(usize),
}

/// What an expression takes its columns for.
///
/// # Errors
/// The first term whose operands are of the wrong kind.
pub fn infer(terms: &[Term<'_>]) -> Result<Uses, Misfit> {
    let mut uses = Uses::default();
    let mut stack = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        let misfit = |message: String| Misfit { term: index, message };
        let mut pop = || stack.pop().ok_or_else(|| misfit("something is missing here".to_owned()));
        let entry = match term {
            Term::Cell(column) => Entry::Column(*column),
            Term::Literal(literal) => Entry::Known(Kind::of(literal)),
            Term::Not => operand(&mut uses, pop()?, Kind::Boolean, "`not`").map_err(misfit)?,
            Term::Length => {
                operand(&mut uses, pop()?, Kind::Text, "`length`").map_err(misfit)?;
                Entry::Known(Kind::Number)
            }
            Term::Negate => operand(&mut uses, pop()?, Kind::Number, "`-`").map_err(misfit)?,
            Term::IsNull => match pop()? {
                Entry::Column(_) => Entry::Known(Kind::Boolean),
                Entry::Known(_) => return Err(misfit("only a column can be null".to_owned())),
            },
            Term::And | Term::Or => {
                let word = if *term == Term::And { "`and`" } else { "`or`" };
                let (right, left) = (pop()?, pop()?);
                operand(&mut uses, left, Kind::Boolean, word).map_err(misfit)?;
                operand(&mut uses, right, Kind::Boolean, word).map_err(misfit)?
            }
            Term::Add | Term::Subtract | Term::Multiply => {
                let (right, left) = (pop()?, pop()?);
                operand(&mut uses, left, Kind::Number, "a calculation").map_err(misfit)?;
                operand(&mut uses, right, Kind::Number, "a calculation").map_err(misfit)?
            }
            Term::Compare(comparison) => {
                let (right, left) = (pop()?, pop()?);
                compare(&mut uses, *comparison, left, right).map_err(misfit)?;
                Entry::Known(Kind::Boolean)
            }
        };
        stack.push(entry);
    }
    let last = terms.len().saturating_sub(1);
    let misfit = |message: String| Misfit { term: last, message };
    match (stack.pop(), stack.is_empty()) {
        (Some(result), true) => {
            operand(&mut uses, result, Kind::Boolean, "a rule").map_err(misfit)?;
            Ok(uses)
        }
        _ => Err(misfit("this is not one expression".to_owned())),
    }
}

fn operand(uses: &mut Uses, entry: Entry, wanted: Kind, what: &str) -> Result<Entry, String> {
    match entry {
        Entry::Known(kind) if kind != wanted => {
            Err(format!("{what} needs {}, and this is {}", wanted.label(), kind.label()))
        }
        Entry::Known(_) => Ok(Entry::Known(wanted)),
        Entry::Column(column) => {
            uses.kinds.push((column, wanted));
            Ok(Entry::Known(wanted))
        }
    }
}

fn compare(uses: &mut Uses, comparison: Comparison, left: Entry, right: Entry) -> Result<(), String> {
    let ordering = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    if ordering {
        for entry in [left, right] {
            match entry {
                Entry::Known(kind @ (Kind::Text | Kind::Boolean)) => {
                    return Err(format!(
                        "{} has no order: only numbers, days and moments have",
                        kind.label()
                    ));
                }
                Entry::Known(_) | Entry::Column(_) => {}
            }
        }
    }
    match (left, right) {
        (Entry::Known(one), Entry::Known(other)) if one == other => {}
        (Entry::Known(one), Entry::Known(other)) => {
            return Err(format!("{} cannot be compared with {}", one.label(), other.label()));
        }
        (Entry::Column(column), Entry::Known(kind)) | (Entry::Known(kind), Entry::Column(column)) => {
            uses.kinds.push((column, kind));
        }
        (Entry::Column(one), Entry::Column(other)) => {
            uses.alike.push((one, other));
            if ordering {
                uses.ordered.extend([one, other]);
            }
        }
    }
    Ok(())
}

//! The rules of a map, evaluated: which records are refused, and for what reasons.
//!
//! What is empty fulfils every rule but `required`, what is absent fulfils them all: a cell of which nothing is said
//! cannot be at fault. What cannot be worked out (a text where a number must be) is refused.

use dualwright_sdk::{Cell, Violation};

use crate::operand::Operand;
use crate::program::{Check, Program, Stage, Test};

mod expression;

#[cfg(test)]
mod tests;

/// The checks of one leg, and the values that `unique` has seen in this batch.
pub(crate) struct Checks<'p> {
    program: &'p Program<'p>,
    /// For each check the values seen, sorted, with the record that has them.
    seen: Vec<Vec<(Vec<u8>, Record)>>,
    needs_record: bool,
}

/// What a record is recognised by: its key, or where that is not known its place in the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Key(String),
    Place(usize),
}

impl<'p> Checks<'p> {
    pub(crate) fn new(program: &'p Program<'p>) -> Self {
        let unique = |check: &Check<'_>| check.test == Test::Unique;
        Self {
            program,
            seen: vec![Vec::new(); program.checks.len()],
            needs_record: program.checks.iter().any(unique),
        }
    }

    /// The record that captured cells belong to. Two changes of one record are no duplicates of each other.
    pub(crate) fn record(&self, cells: &[Cell], place: usize) -> Record {
        if !self.needs_record {
            return Record::Place(place);
        }
        let mut key = String::new();
        for rule in self.program.rules.iter().filter(|rule| rule.key) {
            match rule.source.and_then(|source| cells.get(source)) {
                Some(cell) if !cell.is_absent() => key.push_str(&plain(cell)),
                _ => return Record::Place(place),
            }
            key.push('\0');
        }
        if key.is_empty() { Record::Place(place) } else { Record::Key(key) }
    }

    /// Adds a violation for every check of a stage that these cells do not fulfil.
    pub(crate) fn run(
        &mut self,
        stage: Stage,
        cells: &[Cell],
        record: &Record,
        violations: &mut Vec<Violation>,
    ) {
        let checks = self.program.checks.iter().zip(&mut self.seen);
        for (check, seen) in checks.filter(|(check, _)| check.stage == stage) {
            if !holds(check, cells, record, seen) {
                let field = check.field.as_deref();
                violations.push(Violation::new(field, &check.code, check.message.as_ref()));
            }
        }
    }
}

fn holds(check: &Check<'_>, cells: &[Cell], record: &Record, seen: &mut Vec<(Vec<u8>, Record)>) -> bool {
    if let Test::Expression(steps) = &check.test {
        return expression::holds(steps, cells);
    }
    let Some(cell) = cells.get(check.position) else { return true };
    let operand = Operand::of_cell(cell);
    match (&check.test, &operand) {
        (_, Operand::Unknown) => true,
        (Test::Required, operand) => !matches!(operand, Operand::Empty),
        (_, Operand::Empty) => true,
        (Test::OneOf(literals), operand) => {
            literals.iter().any(|literal| operand.same(&Operand::of_literal(literal)) == Some(true))
        }
        (Test::Range { minimum, maximum }, operand) => {
            let within = |bound: Option<&_>, wrong| {
                bound.is_none_or(|bound| {
                    operand.order(&Operand::of_literal(bound)).is_some_and(|order| order != wrong)
                })
            };
            within(minimum.as_ref(), std::cmp::Ordering::Less)
                && within(maximum.as_ref(), std::cmp::Ordering::Greater)
        }
        (Test::Length { minimum, maximum }, _) => {
            let length = cell.to_plain_text().chars().count();
            minimum.is_none_or(|minimum| length >= minimum) && maximum.is_none_or(|maximum| length <= maximum)
        }
        (Test::Pattern(pattern), _) => pattern.fits(&cell.to_plain_text()),
        (Test::Unique, operand) => {
            let value = identity(cell, operand);
            match seen.binary_search_by(|(known, _)| known.cmp(&value)) {
                Ok(index) => seen.get(index).is_none_or(|(_, known)| known == record),
                Err(index) => {
                    seen.insert(index, (value, record.clone()));
                    true
                }
            }
        }
        (Test::Expression(_), _) => true,
    }
}

/// Bytes that are the same for values that are the same: numbers by what they are, all else by its text.
fn identity(cell: &Cell, operand: &Operand<'_>) -> Vec<u8> {
    match operand {
        Operand::Number(number) => {
            let (mantissa, scale) = number.parts();
            let mut bytes = mantissa.to_le_bytes().to_vec();
            bytes.push(scale);
            bytes
        }
        _ => plain(cell).into_bytes(),
    }
}

/// Text as both systems compare it.
fn plain(cell: &Cell) -> String {
    cell.to_plain_text().trim_end().to_lowercase()
}

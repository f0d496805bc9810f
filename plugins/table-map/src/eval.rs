//! One row through one leg. Pure: the outcome depends on the program and the row only.
//!
//! Absent, null, empty and zero are four things (I10): absent says nothing and stays absent, null and empty text
//! travel as they are unless the map gives a default or a value for them, zero and `false` are values like any other.

use dualwright_sdk::{Cell, Change, Operation, Outcome, Violation};

use crate::check::Checks;
use crate::program::{DeletePolicy, Program, Rule, Stage, Values};

/// The code of the violation for a value that a value set does not have.
pub const UNMAPPED_VALUE: &str = "unmapped-value";

/// The outcome of each change, in the same order.
pub fn transform(program: &Program<'_>, batch: Vec<Change>) -> Vec<Outcome> {
    let last_uses = last_uses(program);
    if !program.checks.is_empty() {
        return transform_checked(program, &last_uses, batch);
    }
    batch.into_iter().map(|change| transform_one(program, &last_uses, change)).collect()
}

/// A record that the map's rules refuse has all the reasons, whatever stage they come from.
fn transform_checked(program: &Program<'_>, last_uses: &[bool], batch: Vec<Change>) -> Vec<Outcome> {
    let mut checks = Checks::new(program);
    let mut outcomes = Vec::with_capacity(batch.len());
    for (place, change) in batch.into_iter().enumerate() {
        if change.operation == Operation::Delete {
            outcomes.push(transform_one(program, last_uses, change));
            continue;
        }
        let record = checks.record(&change.cells, place);
        let mut violations = Vec::new();
        checks.run(Stage::Captured, &change.cells, &record, &mut violations);
        let outcome = transform_one(program, last_uses, change);
        match &outcome {
            Outcome::Upsert(cells) => checks.run(Stage::Mapped, cells, &record, &mut violations),
            Outcome::Reject(reasons) => violations.extend(reasons.iter().cloned()),
            Outcome::Delete | Outcome::Skip(_) => {}
        }
        outcomes.push(if violations.is_empty() { outcome } else { Outcome::Reject(violations) });
    }
    outcomes
}

/// For each rule, whether it is the last to need its source cell: then the cell is moved, not copied.
fn last_uses(program: &Program<'_>) -> Vec<bool> {
    let mut seen = Vec::new();
    let mut last: Vec<bool> = program
        .rules
        .iter()
        .rev()
        .map(|rule| match rule.source {
            Some(source) if !seen.contains(&source) => {
                seen.push(source);
                true
            }
            _ => false,
        })
        .collect();
    last.reverse();
    last
}

fn transform_one(program: &Program<'_>, last_uses: &[bool], change: Change) -> Outcome {
    let mut cells = change.cells;
    match (change.operation, program.on_delete) {
        (Operation::Upsert, _) => upsert(program, last_uses, &mut cells),
        (Operation::Delete, DeletePolicy::Propagate) => Outcome::Delete,
        (Operation::Delete, DeletePolicy::Ignore) => Outcome::Skip("the map ignores deletes".to_owned()),
        (Operation::Delete, DeletePolicy::Mark) => mark(program, &cells),
    }
}

fn upsert(program: &Program<'_>, last_uses: &[bool], cells: &mut [Cell]) -> Outcome {
    let mut written = Vec::with_capacity(program.rules.len());
    let mut violations = Vec::new();
    for (rule, last_use) in program.rules.iter().zip(last_uses) {
        match target_cell(rule, *last_use, cells) {
            Ok(cell) => written.push(cell),
            Err(violation) => violations.push(violation),
        }
    }
    if violations.is_empty() { Outcome::Upsert(written) } else { Outcome::Reject(violations) }
}

fn target_cell(rule: &Rule<'_>, last_use: bool, cells: &mut [Cell]) -> Result<Cell, Violation> {
    let Some(source) = rule.source else {
        // A constant, or a column that is written by marks only.
        return Ok(rule.default.as_ref().map_or(Cell::Absent, |constant| constant.to_cell()));
    };
    let cell = match cells.get_mut(source) {
        Some(cell) if last_use => cell.take(),
        Some(cell) => cell.clone(),
        None => Cell::Absent,
    };
    if cell.is_absent() {
        return Ok(cell);
    }
    let cell = match &rule.values {
        Some(values) => mapped(rule, values, cell)?,
        None => cell,
    };
    match &rule.default {
        Some(default) if cell.is_empty() => Ok(default.to_cell()),
        _ => Ok(match rule.cut {
            Some(length) => cut(cell, length),
            None => cell,
        }),
    }
}

/// The first characters of a text; anything else stays what it is.
fn cut(cell: Cell, length: usize) -> Cell {
    match cell {
        Cell::Text(mut text) => {
            if let Some((end, _)) = text.char_indices().nth(length) {
                text.truncate(end);
            }
            Cell::Text(text)
        }
        other => other,
    }
}

fn mapped(rule: &Rule<'_>, values: &Values<'_>, cell: Cell) -> Result<Cell, Violation> {
    match values.get(&cell.to_plain_text()) {
        Some(constant) => Ok(constant.to_cell()),
        // Empty is not a value that could be missing from a set, unless the set speaks of it.
        None if cell.is_empty() => Ok(Cell::Null),
        None if values.keeps_others => Ok(cell),
        // The message names the column and what is allowed, never the row's value (I11).
        None => Err(Violation::new(
            Some(&rule.column),
            UNMAPPED_VALUE,
            format!(
                "the value of {} is not in the map's value set, which has: {}",
                rule.column, values.allowed
            ),
        )),
    }
}

fn mark(program: &Program<'_>, cells: &[Cell]) -> Outcome {
    let cell = |rule: &Rule<'_>| match (&rule.mark, rule.source) {
        (Some(constant), _) => constant.to_cell(),
        (None, Some(source)) if rule.key => cells.get(source).cloned().unwrap_or(Cell::Absent),
        _ => Cell::Absent,
    };
    Outcome::Upsert(program.rules.iter().map(cell).collect())
}

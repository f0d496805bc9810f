//! Rules: where each one looks, and what it asks.

use std::borrow::Cow;
use std::ops::Range;

use dualwright_sdk::{Leg, LegDescription};
use toml::Spanned;

use super::{Problem, check_column, is_column, problem, same_column};
use crate::program::{self, Check, Program, Test};
use crate::table::{Direction, MapFile, Rule, Stage};

mod day;
mod expression;
mod pattern;
mod test;
mod token;

#[cfg(test)]
mod tests;

/// The longest message, in characters.
const MESSAGE_MAX: usize = 300;
/// How many columns a hint lists.
const LISTED: usize = 12;

/// Adds the file's rules to the legs that they are about, and what they look at to what those legs read.
pub(super) fn add(
    file: &MapFile,
    legs: &mut [LegDescription],
    programs: &mut [Program<'static>],
    problems: &mut Vec<Problem>,
) {
    for rule in file.map.rule.iter().chain(&file.rule) {
        let before = problems.len();
        let (span, rule) = (rule.span(), rule.get_ref());
        words(rule, &span, problems);
        let places = places(rule, &span, legs, problems);
        for (index, column) in places {
            let (Some(leg), Some(program)) = (legs.get_mut(index), programs.get_mut(index)) else { continue };
            if let Some(check) = check(rule, &span, leg, column, problems)
                && problems.len() == before
            {
                program.checks.push(check);
            }
        }
    }
}

/// The words of a rule itself.
fn words(rule: &Rule, span: &Range<usize>, problems: &mut Vec<Problem>) {
    for column in [&rule.finops, &rule.dataverse].into_iter().flatten() {
        check_column(column, problems);
    }
    let said = test::said(rule);
    if said.len() != 1 {
        let message = match said.is_empty() {
            true => "this rule asks nothing".to_owned(),
            false => format!("this rule asks several things: {}", said.join(", ")),
        };
        let hint = "a rule has exactly one of required, one-of, range, pattern, length, unique, expression";
        problem(problems, span.clone(), message, hint);
    }
    if let Some(code) = &rule.code
        && !is_code(code.get_ref())
    {
        let message = format!("{:?} is not a code", code.get_ref());
        problem(
            problems,
            code.span(),
            message,
            "lower-case letters, digits and single dashes: `credit-limit`",
        );
    }
    if let Some(message) = &rule.message
        && (message.get_ref().trim().is_empty() || message.get_ref().chars().count() > MESSAGE_MAX)
    {
        let hint = "leave it out to get a sentence that says the rule";
        let message_max = format!("a message has from 1 to {MESSAGE_MAX} characters");
        problem(problems, message.span(), message_max, hint);
    }
}

fn is_code(code: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit())
    };
    code.len() <= 60 && code.split('-').all(part)
}

fn stage(rule: &Rule) -> Stage {
    rule.stage.as_ref().map(|stage| *stage.get_ref()).unwrap_or_default()
}

/// The legs a rule is about, and the column of each that it names.
fn places<'r>(
    rule: &'r Rule,
    span: &Range<usize>,
    legs: &[LegDescription],
    problems: &mut Vec<Problem>,
) -> Vec<(usize, Option<&'r str>)> {
    let direction = rule.direction.as_ref().map(|direction| *direction.get_ref()).unwrap_or_default();
    let goes = |leg: Leg| match direction {
        Direction::Both => true,
        Direction::ToDataverse => leg == Leg::ToDataverse,
        Direction::ToFinops => leg == Leg::ToFinops,
    };
    let names_columns = rule.finops.is_some() || rule.dataverse.is_some();
    let mut places = Vec::new();
    for (index, leg) in legs.iter().enumerate().filter(|(_, leg)| goes(leg.leg)) {
        let column = match (leg.leg, stage(rule)) {
            (Leg::ToDataverse, Stage::Captured) | (Leg::ToFinops, Stage::Mapped) => &rule.finops,
            (Leg::ToFinops, Stage::Captured) | (Leg::ToDataverse, Stage::Mapped) => &rule.dataverse,
        };
        match column {
            Some(column) => places.push((index, Some(column.get_ref().as_str()))),
            None if !names_columns && rule.expression.is_some() => places.push((index, None)),
            None => {}
        }
    }
    if !names_columns && rule.expression.is_none() && !test::said(rule).is_empty() {
        problem(problems, span.clone(), "this rule names no column", "give `finops`, `dataverse` or both");
    } else if places.is_empty() && names_columns {
        let (message, hint) = nowhere(rule, legs);
        problem(problems, span.clone(), message, hint);
    } else if places.is_empty() && rule.expression.is_some() {
        problem(problems, span.clone(), "the map has no leg in this direction", "");
    } else if places.len() > 1 && rule.expression.is_some() {
        let hint = "the two legs have other columns: say `direction`, and write a rule for each";
        problem(problems, span.clone(), "this expression would be about both legs", hint);
        places.clear();
    }
    places
}

fn nowhere(rule: &Rule, legs: &[LegDescription]) -> (&'static str, &'static str) {
    let has_leg = |leg: Leg| legs.iter().any(|known| known.leg == leg);
    let side_is_source = |leg: Leg| match leg {
        Leg::ToDataverse => rule.finops.is_some(),
        Leg::ToFinops => rule.dataverse.is_some(),
    };
    let direction = rule.direction.as_ref().map(|direction| *direction.get_ref()).unwrap_or_default();
    let wanted = match direction {
        Direction::ToDataverse => Some(Leg::ToDataverse),
        Direction::ToFinops => Some(Leg::ToFinops),
        Direction::Both => None,
    };
    match (wanted, stage(rule)) {
        (Some(leg), _) if !has_leg(leg) => ("the map has no leg in this direction", ""),
        (Some(leg), Stage::Captured) if !side_is_source(leg) => (
            "in this direction the column is written, and the rule looks at what was captured",
            "say `stage = \"mapped\"`, or name the column of the other side",
        ),
        (Some(_), Stage::Mapped) => (
            "in this direction the column is read, and the rule looks at what is written",
            "leave `stage` out, or name the column of the other side",
        ),
        (_, Stage::Captured) => (
            "the map never reads this side, so there is nothing to look at",
            "say `stage = \"mapped\"` to look at what is written, or name the column of the other side",
        ),
        (_, Stage::Mapped) => (
            "the map never writes this side, so there is nothing to look at",
            "leave `stage` out to look at what was captured, or name the column of the other side",
        ),
    }
}

/// The check on one leg.
fn check(
    rule: &Rule,
    span: &Range<usize>,
    leg: &mut LegDescription,
    column: Option<&str>,
    problems: &mut Vec<Problem>,
) -> Option<Check<'static>> {
    let stage = stage(rule);
    let mut find = |column: &str| position(leg, stage, column);
    let place = match column {
        Some(name) if is_column(name) => match find(name) {
            Ok(position) => position,
            Err(message) => {
                let at = [&rule.finops, &rule.dataverse]
                    .into_iter()
                    .flatten()
                    .find(|column| column.get_ref() == name)
                    .map_or(span.clone(), Spanned::span);
                problem(problems, at, message, "");
                return None;
            }
        },
        Some(_) => return None,
        None => 0,
    };
    let (test, word, sentence) = test::build(rule, column.unwrap_or_default(), &mut find, problems)?;
    let position = if matches!(test, Test::Expression(_)) { 0 } else { place };
    Some(Check {
        stage: match stage {
            Stage::Captured => program::Stage::Captured,
            Stage::Mapped => program::Stage::Mapped,
        },
        position,
        field: column.map(|column| Cow::Owned(column.to_owned())),
        code: Cow::Owned(rule.code.as_ref().map_or(word.to_owned(), |code| code.get_ref().clone())),
        message: Cow::Owned(rule.message.as_ref().map_or(sentence, |message| message.get_ref().clone())),
        test,
    })
}

/// The position of a column that a rule names: a column that is not read yet is read from now on.
fn position(leg: &mut LegDescription, stage: Stage, column: &str) -> Result<usize, String> {
    let columns = match stage {
        Stage::Captured => &mut leg.reads,
        Stage::Mapped => &mut leg.writes,
    };
    if let Some(position) = columns.iter().position(|known| same_column(known, column)) {
        return Ok(position);
    }
    if !is_column(column) {
        return Err(format!("{column:?} is not a column"));
    }
    match stage {
        Stage::Captured => {
            columns.push(column.to_owned());
            Ok(columns.len() - 1)
        }
        Stage::Mapped => {
            let mut listed: Vec<&str> = columns.iter().take(LISTED).map(String::as_str).collect();
            if columns.len() > LISTED {
                listed.push("…");
            }
            Err(format!("the map does not write {column} on this leg; it writes: {}", listed.join(", ")))
        }
    }
}

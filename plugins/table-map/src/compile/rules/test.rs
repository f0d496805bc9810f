//! What a rule asks, and the sentence that says it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use toml::Spanned;

use super::super::{Problem, problem};
use super::{day, expression, pattern};
use crate::exact::Exact;
use crate::program::{Literal, Test};
use crate::table::{self, Rule, Scalar};

/// How many values a sentence lists before it only counts.
const LISTED: usize = 20;

/// Which of the words that ask something the rule has.
pub(super) fn said(rule: &Rule) -> Vec<&'static str> {
    let words = [
        ("required", rule.required.is_some()),
        ("one-of", rule.one_of.is_some()),
        ("range", rule.range.is_some()),
        ("pattern", rule.pattern.is_some()),
        ("length", rule.length.is_some()),
        ("unique", rule.unique.is_some()),
        ("expression", rule.expression.is_some()),
    ];
    words.into_iter().filter(|(_, said)| *said).map(|(word, _)| word).collect()
}

/// The test, its word, and a sentence for people; `None` after telling what is wrong.
pub(super) fn build(
    rule: &Rule,
    column: &str,
    find: &mut expression::FindColumn<'_>,
    problems: &mut Vec<Problem>,
) -> Option<(Test<'static>, &'static str, String)> {
    if let Some(required) = &rule.required {
        on(required, "required", problems)?;
        return Some((Test::Required, "required", format!("{column} must not be empty")));
    }
    if let Some(unique) = &rule.unique {
        on(unique, "unique", problems)?;
        let sentence = format!("{column} must be unique, and a record before this one has the same value");
        return Some((Test::Unique, "unique", sentence));
    }
    if let Some(values) = &rule.one_of {
        return one_of(values, column, problems);
    }
    if let Some(bounds) = &rule.range {
        return range(bounds, column, problems);
    }
    if let Some(length) = &rule.length {
        return self::length(length, column, problems);
    }
    if let Some(text) = &rule.pattern {
        return match pattern::compile(text.get_ref()) {
            Ok(pattern) => {
                let sentence = format!("{column} does not have the form {}", text.get_ref());
                Some((Test::Pattern(pattern), "pattern", sentence))
            }
            Err(unfit) => {
                let at = unfit.at.map_or(text.span(), |at| inside(text, &at));
                problem(problems, at, unfit.message, "");
                None
            }
        };
    }
    let text = rule.expression.as_ref()?;
    match expression::compile(text.get_ref(), find) {
        Ok(terms) => {
            let sentence = format!("this must hold: {}", text.get_ref().trim());
            Some((Test::Expression(terms), "expression", sentence))
        }
        Err(unfit) => {
            problem(problems, inside(text, &unfit.at), unfit.message, unfit.hint);
            None
        }
    }
}

/// `required = false` would look like a rule and be none.
fn on(flag: &Spanned<bool>, word: &str, problems: &mut Vec<Problem>) -> Option<()> {
    if !flag.get_ref() {
        problem(problems, flag.span(), format!("`{word} = false` asks nothing"), "take the rule out");
        return None;
    }
    Some(())
}

/// A place inside a text of the file. Where the text has escapes its places are not known: then all of it.
fn inside(text: &Spanned<String>, at: &Range<usize>) -> Range<usize> {
    let span = text.span();
    if span.len() != text.get_ref().len() + 2 {
        return span;
    }
    // A place without a width is shown at the character there, at the very end at the closing quote.
    let after = text.get_ref().get(at.start..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    let start = span.start + 1;
    start + at.start..start + at.end.max(at.start + after)
}

fn one_of(
    values: &Spanned<Vec<Spanned<Scalar>>>,
    column: &str,
    problems: &mut Vec<Problem>,
) -> Option<(Test<'static>, &'static str, String)> {
    if values.get_ref().is_empty() {
        problem(problems, values.span(), "nothing can be one of no values", "list what is allowed");
        return None;
    }
    let literals = values
        .get_ref()
        .iter()
        .map(|value| match value.get_ref() {
            Scalar::Text(text) => Literal::Text(Cow::Owned(text.clone())),
            Scalar::Integer(number) => Literal::Number(Exact::from(*number)),
            Scalar::Boolean(flag) => Literal::Boolean(*flag),
        })
        .collect();
    let mut listed: Vec<String> =
        values.get_ref().iter().take(LISTED).map(|value| spelled(value.get_ref())).collect();
    if let Some(more) = values.get_ref().len().checked_sub(LISTED + 1) {
        listed.push(format!("and {} more", more + 1));
    }
    let sentence = format!("{column} must be one of: {}", listed.join(", "));
    Some((Test::OneOf(literals), "one-of", sentence))
}

fn spelled(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => text.clone(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Boolean(flag) => flag.to_string(),
    }
}

fn range(
    bounds: &Spanned<table::Range>,
    column: &str,
    problems: &mut Vec<Problem>,
) -> Option<(Test<'static>, &'static str, String)> {
    let said = bounds.get_ref();
    let mut bound = |said: &Option<Spanned<Scalar>>| -> Result<Option<Literal<'static>>, ()> {
        let Some(said) = said else { return Ok(None) };
        let literal = match said.get_ref() {
            Scalar::Integer(number) => Some(Literal::Number(Exact::from(*number))),
            Scalar::Text(text) => {
                Exact::parse(text).map(Literal::Number).or_else(|| day::day(text).map(Literal::Day))
            }
            Scalar::Boolean(_) => None,
        };
        if literal.is_none() {
            let hint = "a number with a fraction is text, `\"0.50\"`; a day is `\"2026-01-31\"`";
            problem(problems, said.span(), "a bound is a number or a day", hint);
        }
        literal.map(Some).ok_or(())
    };
    let (minimum, maximum) = (bound(&said.min), bound(&said.max));
    let (minimum, maximum) = (minimum.ok()?, maximum.ok()?);
    let order = match (&minimum, &maximum) {
        (Some(Literal::Number(minimum)), Some(Literal::Number(maximum))) => Some(minimum.cmp(maximum)),
        (Some(Literal::Day(minimum)), Some(Literal::Day(maximum))) => Some(minimum.cmp(maximum)),
        (None, None) => {
            problem(problems, bounds.span(), "a range needs a bound", "give `min`, `max` or both");
            return None;
        }
        (Some(_), Some(_)) => None,
        _ => Some(Ordering::Less),
    };
    match order {
        Some(Ordering::Greater) => {
            let hint = "nothing would be allowed: exchange them";
            problem(problems, bounds.span(), "`min` is larger than `max`", hint);
            return None;
        }
        Some(_) => {}
        None => {
            problem(problems, bounds.span(), "one bound is a number and the other a day", "");
            return None;
        }
    }
    let text = |bound: &Option<Spanned<Scalar>>| bound.as_ref().map(|bound| spelled(bound.get_ref()));
    let sentence = match (text(&said.min), text(&said.max)) {
        (Some(minimum), Some(maximum)) => format!("{column} must be from {minimum} to {maximum}"),
        (Some(minimum), None) => format!("{column} must be at least {minimum}"),
        (None, Some(maximum)) => format!("{column} must be at most {maximum}"),
        (None, None) => return None,
    };
    Some((Test::Range { minimum, maximum }, "range", sentence))
}

fn length(
    length: &Spanned<table::Length>,
    column: &str,
    problems: &mut Vec<Problem>,
) -> Option<(Test<'static>, &'static str, String)> {
    let (minimum, maximum) = (length.get_ref().min, length.get_ref().max);
    let sentence = match (minimum, maximum) {
        (Some(minimum), Some(maximum)) if minimum > maximum => {
            let hint = "nothing would be allowed: exchange them";
            problem(problems, length.span(), "`min` is larger than `max`", hint);
            return None;
        }
        (Some(minimum), Some(maximum)) if minimum == maximum => format!("exactly {minimum} characters"),
        (Some(minimum), Some(maximum)) => format!("from {minimum} to {maximum} characters"),
        (Some(minimum), None) => format!("at least {minimum} characters"),
        (None, Some(maximum)) => format!("at most {maximum} characters"),
        (None, None) => {
            problem(problems, length.span(), "a length needs a bound", "give `min`, `max` or both");
            return None;
        }
    };
    let count = |bound: Option<u32>| bound.and_then(|bound| usize::try_from(bound).ok());
    let test = Test::Length { minimum: count(minimum), maximum: count(maximum) };
    Some((test, "length", format!("{column} must have {sentence}")))
}

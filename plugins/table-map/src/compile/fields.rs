//! One field line.

use std::ops::Range;

use dualwright_sdk::Leg;
use toml::Spanned;

use super::{FindValues, Problem, check_column, problem, values};
use crate::program::Values;
use crate::table::{Direction, Field, Scalar, Unlisted, ValuesOf};

/// A field line that makes sense.
pub(super) struct Line {
    pub(super) span: Range<usize>,
    pub(super) finops: Option<String>,
    pub(super) dataverse: Option<String>,
    direction: Direction,
    pub(super) default: Option<Scalar>,
    to_dataverse: Option<Values<'static>>,
    to_finops: Option<Values<'static>>,
    pub(super) cut: Option<usize>,
}

impl Line {
    /// Whether the line writes something on this leg.
    pub(super) fn goes(&self, leg: Leg) -> bool {
        match self.direction {
            Direction::Both => true,
            Direction::ToDataverse => leg == Leg::ToDataverse,
            Direction::ToFinops => leg == Leg::ToFinops,
        }
    }

    /// The source and target columns on a leg.
    pub(super) fn columns(&self, leg: Leg) -> (Option<&str>, Option<&str>) {
        let (finops, dataverse) = (self.finops.as_deref(), self.dataverse.as_deref());
        match leg {
            Leg::ToDataverse => (finops, dataverse),
            Leg::ToFinops => (dataverse, finops),
        }
    }

    /// The value set on a leg.
    pub(super) fn values(&self, leg: Leg) -> Option<&Values<'static>> {
        match leg {
            Leg::ToDataverse => self.to_dataverse.as_ref(),
            Leg::ToFinops => self.to_finops.as_ref(),
        }
    }

    /// Both columns, when what goes out comes back as it was.
    pub(super) fn two_way(&self) -> Option<(&str, &str)> {
        match (self.direction, &self.finops, &self.dataverse) {
            (Direction::Both, Some(finops), Some(dataverse)) => Some((finops, dataverse)),
            _ => None,
        }
    }
}

/// Checks one field; `None` when it makes no sense.
pub(super) fn line(
    field: &Spanned<Field>,
    legs: Option<&[Leg]>,
    find_values: &mut FindValues<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Line> {
    let before = problems.len();
    let (span, field) = (field.span(), field.get_ref());
    for column in [&field.finops, &field.dataverse].into_iter().flatten() {
        check_column(column, problems);
    }
    let direction = direction(field, legs, &span, problems)?;
    let name = |column: &Option<Spanned<String>>| column.as_ref().map(|column| column.get_ref().clone());
    let mut line = Line {
        span,
        finops: name(&field.finops),
        dataverse: name(&field.dataverse),
        direction,
        default: field.default.as_ref().map(|default| default.get_ref().clone()),
        to_dataverse: None,
        to_finops: None,
        cut: cut(field, direction, problems),
    };
    let keeps_others = field.unlisted.as_ref().is_some_and(|unlisted| *unlisted.get_ref() == Unlisted::Keep);
    if let (Some(unlisted), None) = (&field.unlisted, &field.values) {
        let hint = "give the field `values`, or take `unlisted` out";
        problem(problems, unlisted.span(), "only a field with a value set has unlisted values", hint);
    }
    if let Some(set) = &field.values {
        let pairs = match set.get_ref() {
            ValuesOf::Here(pairs) => Ok(pairs.clone()),
            ValuesOf::Named(name) => find_values(name),
        };
        match pairs {
            Ok(pairs) => {
                let mut build = |leg| {
                    line.goes(leg).then(|| {
                        values::one_direction(&pairs, leg, direction, keeps_others, &set.span(), problems)
                    })
                };
                (line.to_dataverse, line.to_finops) = (build(Leg::ToDataverse), build(Leg::ToFinops));
            }
            Err(reason) => problem(problems, set.span(), reason, ""),
        }
    }
    (problems.len() == before).then_some(line)
}

/// How many characters of a text are kept.
fn cut(field: &Field, direction: Direction, problems: &mut Vec<Problem>) -> Option<usize> {
    let cut = field.cut.as_ref()?;
    if direction == Direction::Both {
        let hint = "write two lines, one a direction, and cut where the column is shorter";
        problem(problems, cut.span(), "a cut needs a direction: what was cut off cannot come back", hint);
    }
    if *cut.get_ref() == 0 {
        problem(problems, cut.span(), "a cut leaves at least one character", "leave the field out instead");
    }
    usize::try_from(*cut.get_ref()).ok()
}

/// Which way a field goes, after looking at the columns it has and the legs that the map has.
fn direction(
    field: &Field,
    legs: Option<&[Leg]>,
    span: &Range<usize>,
    problems: &mut Vec<Problem>,
) -> Option<Direction> {
    let only_leg = match legs {
        Some([leg]) => Some(*leg),
        _ => None,
    };
    let direction = match (direction_by_columns(field, span, problems)?, only_leg) {
        (Direction::Both, Some(Leg::ToDataverse)) => Direction::ToDataverse,
        (Direction::Both, Some(Leg::ToFinops)) => Direction::ToFinops,
        (Direction::ToFinops, Some(Leg::ToDataverse)) | (Direction::ToDataverse, Some(Leg::ToFinops)) => {
            let hint = "add the leg to `legs`, or take the field out";
            problem(problems, span.clone(), "this field goes to a side that the map has no leg to", hint);
            return None;
        }
        (direction, _) => direction,
    };
    match &field.default {
        Some(default) if direction == Direction::Both => {
            // The two sides rarely share a value, and an empty cell would not come back as it went out.
            let hint = "write two lines, one a direction, and give the default where it belongs";
            problem(problems, default.span(), "a default needs a direction", hint);
            None
        }
        _ => Some(direction),
    }
}

fn direction_by_columns(
    field: &Field,
    span: &Range<usize>,
    problems: &mut Vec<Problem>,
) -> Option<Direction> {
    let said = field.direction.as_ref().map(|direction| *direction.get_ref());
    let (only_leg, target) = match (&field.finops, &field.dataverse) {
        (Some(_), Some(_)) => return Some(said.unwrap_or_default()),
        (Some(_), None) => (Direction::ToFinops, "finops"),
        (None, Some(_)) => (Direction::ToDataverse, "dataverse"),
        (None, None) => {
            problem(
                problems,
                span.clone(),
                "this field names no column",
                "give `finops`, `dataverse` or both",
            );
            return None;
        }
    };
    if said.is_some_and(|said| said != only_leg) {
        let message = format!("a field that only names a {target} column can only go there");
        let at = field.direction.as_ref().map_or(span.clone(), Spanned::span);
        problem(problems, at, message, "name the column of the other side too, or leave `direction` out");
        return None;
    }
    if field.default.is_none() {
        let message = format!("nothing says what {target} gets here");
        problem(problems, span.clone(), message, "name the column of the other side, or give a `default`");
        return None;
    }
    if let Some(set) = &field.values {
        problem(problems, set.span(), "a constant has no use for a value set", "");
        return None;
    }
    Some(only_leg)
}

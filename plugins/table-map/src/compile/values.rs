//! A value set, turned in one direction.

use std::borrow::Cow;
use std::ops::Range;

use dualwright_sdk::Leg;

use super::{Problem, constant, problem};
use crate::program::{Constant, Values};
use crate::table::{Direction, Scalar, ValueSet};

/// How many values a message lists before it only counts.
const LISTED: usize = 20;

/// The set as one leg uses it. The left of each pair is F&O's value, the right is Dataverse's.
pub(super) fn one_direction(
    pairs: &ValueSet,
    leg: Leg,
    direction: Direction,
    keeps_others: bool,
    span: &Range<usize>,
    problems: &mut Vec<Problem>,
) -> Values<'static> {
    let mut entries: Vec<(String, String, Constant<'static>)> = pairs
        .iter()
        .map(|(finops, dataverse)| match leg {
            Leg::ToDataverse => (finops.clone(), constant(dataverse)),
            Leg::ToFinops => {
                let finops = constant(&Scalar::Text(finops.clone()));
                (constant(dataverse).to_plain_text().into_owned(), finops)
            }
        })
        .map(|(spelled, target)| (spelled.to_lowercase(), spelled, target))
        .collect();
    let allowed = allowed(&entries);
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    for pair in entries.windows(2) {
        if let [(one, spelled, first), (other, _, second)] = pair
            && one == other
        {
            let (side, other_side) = match leg {
                Leg::ToDataverse => ("finops", "dataverse"),
                Leg::ToFinops => ("dataverse", "finops"),
            };
            let message = format!(
                "{side} value {spelled:?} stands for both {:?} and {:?} in {other_side}",
                first.to_plain_text(),
                second.to_plain_text()
            );
            let hint = match direction {
                Direction::Both => {
                    "a two-way set must be clear in both directions: \
                                    write two lines, one a direction, each with its own values"
                }
                _ => "letter case makes no difference; keep one of them",
            };
            problem(problems, span.clone(), message, hint);
        }
    }
    let entries = entries.into_iter().map(|(text, _, target)| (Cow::Owned(text), target)).collect();
    Values { entries, allowed: Cow::Owned(allowed), keeps_others }
}

fn allowed(entries: &[(String, String, Constant<'static>)]) -> String {
    let mut listed: Vec<&str> = entries
        .iter()
        .take(LISTED)
        .map(|(_, spelled, _)| if spelled.is_empty() { "(empty)" } else { spelled.as_str() })
        .collect();
    let more = entries.len().saturating_sub(LISTED);
    let rest = format!("and {more} more");
    if more > 0 {
        listed.push(&rest);
    }
    listed.join(", ")
}

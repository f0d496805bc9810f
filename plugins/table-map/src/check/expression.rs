//! Expressions, run on a stack.

use dualwright_sdk::Cell;

use crate::operand::Operand;
use crate::program::{Comparison, Term};

/// Whether an expression does not come out as false. Unknown is not false; what cannot be worked out is.
pub(super) fn holds(terms: &[Term<'_>], cells: &[Cell]) -> bool {
    let mut stack: Vec<Operand<'_>> = Vec::new();
    for term in terms {
        let result = match term {
            Term::Cell(index) => cells.get(*index).map_or(Operand::Unknown, Operand::of_cell),
            Term::Literal(literal) => Operand::of_literal(literal),
            Term::Not | Term::IsNull | Term::Length | Term::Negate => {
                let Some(operand) = stack.pop() else { return false };
                unary(term, operand)
            }
            Term::And | Term::Or | Term::Compare(_) | Term::Add | Term::Subtract | Term::Multiply => {
                let (Some(right), Some(left)) = (stack.pop(), stack.pop()) else { return false };
                binary(term, &left, &right)
            }
        };
        stack.push(result);
    }
    match (stack.pop(), stack.is_empty()) {
        (Some(result), true) => matches!(truth(&result), Truth::Yes | Truth::Unknown),
        _ => false,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    Yes,
    No,
    Unknown,
    Wrong,
}

fn truth(operand: &Operand<'_>) -> Truth {
    match operand {
        Operand::Unknown | Operand::Empty => Truth::Unknown,
        _ => match operand.same(&Operand::Boolean(true)) {
            Some(true) => Truth::Yes,
            Some(false) => Truth::No,
            None => Truth::Wrong,
        },
    }
}

fn of_truth(truth: Truth) -> Operand<'static> {
    match truth {
        Truth::Yes => Operand::Boolean(true),
        Truth::No => Operand::Boolean(false),
        Truth::Unknown => Operand::Unknown,
        Truth::Wrong => Operand::Wrong,
    }
}

fn unary<'a>(term: &Term<'_>, operand: Operand<'a>) -> Operand<'a> {
    match (term, operand) {
        (_, Operand::Wrong) => Operand::Wrong,
        (_, Operand::Unknown) => Operand::Unknown,
        (Term::IsNull, operand) => Operand::Boolean(matches!(operand, Operand::Empty)),
        (_, Operand::Empty) => Operand::Unknown,
        (Term::Not, operand) => of_truth(match truth(&operand) {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            other => other,
        }),
        (Term::Length, Operand::Text(text)) => i64::try_from(text.chars().count())
            .map_or(Operand::Wrong, |length| Operand::Number(length.into())),
        (Term::Negate, operand) => {
            operand.number().and_then(|number| number.negated()).map_or(Operand::Wrong, Operand::Number)
        }
        _ => Operand::Wrong,
    }
}

fn binary<'a>(term: &Term<'_>, left: &Operand<'a>, right: &Operand<'a>) -> Operand<'a> {
    // `false and …` is false and `true or …` is true, whatever the other side is and on whichever side it stands.
    let decided = match term {
        Term::And => Some(Truth::No),
        Term::Or => Some(Truth::Yes),
        _ => None,
    };
    if let Some(decided) = decided {
        return of_truth(match (truth(left), truth(right)) {
            (one, other) if one == decided || other == decided => decided,
            (Truth::Wrong, _) | (_, Truth::Wrong) => Truth::Wrong,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            (same, _) => same,
        });
    }
    match (left, right) {
        (Operand::Wrong, _) | (_, Operand::Wrong) => return Operand::Wrong,
        (Operand::Unknown | Operand::Empty, _) | (_, Operand::Unknown | Operand::Empty) => {
            return Operand::Unknown;
        }
        _ => {}
    }
    let result = match term {
        Term::Compare(comparison) => compare(*comparison, left, right).map(Operand::Boolean),
        Term::Add => number(left, right, |one, other| one.plus(other)),
        Term::Subtract => number(left, right, |one, other| one.plus(other.negated()?)),
        Term::Multiply => number(left, right, |one, other| one.times(other)),
        _ => None,
    };
    result.unwrap_or(Operand::Wrong)
}

fn compare(comparison: Comparison, left: &Operand<'_>, right: &Operand<'_>) -> Option<bool> {
    Some(match comparison {
        Comparison::Equal => left.same(right)?,
        Comparison::NotEqual => !left.same(right)?,
        Comparison::Less => left.order(right)?.is_lt(),
        Comparison::LessOrEqual => left.order(right)?.is_le(),
        Comparison::Greater => left.order(right)?.is_gt(),
        Comparison::GreaterOrEqual => left.order(right)?.is_ge(),
    })
}

fn number(
    left: &Operand<'_>,
    right: &Operand<'_>,
    calculate: impl FnOnce(crate::exact::Exact, crate::exact::Exact) -> Option<crate::exact::Exact>,
) -> Option<Operand<'static>> {
    calculate(left.number()?, right.number()?).map(Operand::Number)
}

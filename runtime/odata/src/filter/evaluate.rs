//! Whether a row fits a filter, decided as both systems decide it.
//!
//! Text compares without regard to case and trailing spaces (both databases collate so). Comparing with a column that
//! holds nothing follows OData v4 URL conventions, section 5.1.1.1: `eq null` and `ne null` tell, `ne 'x'` holds, and
//! greater or less never do; a function of nothing is unknown, and so is its opposite.

use std::cmp::Ordering;

use dualwright_model::{Decimal, Timestamp, Value};

use super::{Filter, Operator, TextFunction, bare};
use crate::literal::{Literal, compare_decimals};

impl Filter {
    /// Whether a row fits, given its cells by path. An absent cell counts as null.
    pub fn matches(&self, get: &dyn Fn(&str) -> Value) -> bool {
        self.evaluate(get) == Some(true)
    }

    fn evaluate(&self, get: &dyn Fn(&str) -> Value) -> Option<bool> {
        match self {
            Self::Compare { path, operator, literal } => Some(compare(&get(bare(path)), *operator, literal)),
            Self::In { path, list } => {
                let value = get(bare(path));
                Some(list.iter().any(|literal| compare(&value, Operator::Equal, literal)))
            }
            Self::Function { function, path, text } => apply(*function, &get(bare(path)), text),
            Self::Not(filter) => filter.evaluate(get).map(|holds| !holds),
            Self::And(filters) => all(filters.iter().map(|filter| filter.evaluate(get))),
            Self::Or(filters) => {
                all(filters.iter().map(|filter| filter.evaluate(get).map(|holds| !holds))).map(|none| !none)
            }
        }
    }
}

/// Three-valued "and": one false decides, otherwise one unknown does.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut unknown = false;
    for part in parts {
        match part {
            Some(false) => return Some(false),
            Some(true) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(true)
}

fn compare(value: &Value, operator: Operator, literal: &Literal) -> bool {
    let order = match (value.is_missing(), literal) {
        (true, Literal::Null) => Some(Ordering::Equal),
        (true, _) | (false, Literal::Null) => None,
        (false, literal) => order(value, literal),
    };
    // Null is neither greater nor less than null.
    let comparable = !value.is_missing();
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Greater => comparable && order == Some(Ordering::Greater),
        Operator::GreaterOrEqual => comparable && order.is_some_and(Ordering::is_ge),
        Operator::Less => comparable && order == Some(Ordering::Less),
        Operator::LessOrEqual => comparable && order.is_some_and(Ordering::is_le),
    }
}

/// How a value stands to a literal; `None` when they cannot be compared, which makes them unequal.
fn order(value: &Value, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (
            Value::Text(left),
            Literal::Text(right) | Literal::Guid(right) | Literal::Enum { member: right, .. },
        ) => Some(folded(left).cmp(&folded(right))),
        (Value::Boolean(left), Literal::Boolean(right)) => Some(left.cmp(right)),
        // NoYes on one side of the wire is a boolean on the other.
        (Value::Boolean(left), Literal::Text(word) | Literal::Enum { member: word, .. }) => {
            yes_no(word).map(|right| left.cmp(&right))
        }
        (Value::Text(word), Literal::Boolean(right)) => yes_no(word).map(|left| left.cmp(right)),
        (Value::Timestamp(_) | Value::Date(_), _) | (_, Literal::Timestamp(_) | Literal::Date(_)) => {
            Some(moment(value)?.cmp(&literal_moment(literal)?))
        }
        _ => Some(compare_decimals(&number(value)?, &number(&literal.to_value())?)),
    }
}

fn folded(text: &str) -> String {
    text.trim_end().to_lowercase()
}

fn yes_no(word: &str) -> Option<bool> {
    match folded(word).as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Integer(number) => Some(Decimal::from(*number)),
        Value::Decimal(number) => Some(number.clone()),
        Value::Text(text) => Decimal::parse(text.trim()).ok(),
        Value::Absent | Value::Null | Value::Boolean(_) | Value::Timestamp(_) | Value::Date(_) => None,
    }
}

const MICROS_A_DAY: i64 = 86_400_000_000;

fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Timestamp(time) => Some(time.as_micros()),
        Value::Date(date) => Some(i64::from(date.as_days()).saturating_mul(MICROS_A_DAY)),
        Value::Text(text) => Timestamp::parse(text.trim()).ok().map(Timestamp::as_micros),
        Value::Absent | Value::Null | Value::Integer(_) | Value::Decimal(_) | Value::Boolean(_) => None,
    }
}

fn literal_moment(literal: &Literal) -> Option<i64> {
    moment(&literal.to_value())
}

fn apply(function: TextFunction, value: &Value, text: &str) -> Option<bool> {
    let Value::Text(content) = value else { return None };
    let (content, text) = (content.to_lowercase(), text.to_lowercase());
    Some(match function {
        TextFunction::StartsWith => content.starts_with(&text),
        TextFunction::EndsWith => content.ends_with(&text),
        TextFunction::Contains => content.contains(&text),
    })
}

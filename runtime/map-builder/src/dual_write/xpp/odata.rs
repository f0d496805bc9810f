//! Between X++ and OData. Enums take the namespace in which F&O's data service has them.

use dualwright_odata::filter::{Operator, TextFunction};
use dualwright_odata::{Filter, Literal};

use super::{Condition, Operand};

/// The namespace of the enums that data entities show.
const NAMESPACE: &str = "Microsoft.Dynamics.DataEntities.";

/// The same condition as an OData filter.
///
/// # Errors
/// Every part that OData filters do not have, as reasons for people.
pub fn to_odata(condition: &Condition) -> Result<Filter, Vec<String>> {
    let mut reasons = Vec::new();
    match translate(condition, &mut reasons) {
        Some(filter) if reasons.is_empty() => Ok(filter),
        _ => Err(reasons),
    }
}

fn translate(condition: &Condition, reasons: &mut Vec<String>) -> Option<Filter> {
    match condition {
        Condition::And(parts) => all(parts, reasons).map(Filter::And),
        Condition::Or(parts) => all(parts, reasons).map(Filter::Or),
        Condition::Not(inner) => translate(inner, reasons).map(|filter| Filter::Not(Box::new(filter))),
        Condition::Holds(operand) => {
            column(operand, reasons).map(|path| Filter::equals(path, Literal::Boolean(true)))
        }
        Condition::Like { left, pattern } => like(column(left, reasons)?, pattern, reasons),
        Condition::Compare { left, operator, right } => match (literal(left), literal(right)) {
            (None, Some(literal)) => {
                Some(Filter::Compare { path: column(left, reasons)?, operator: *operator, literal })
            }
            (Some(literal), None) => {
                Some(Filter::Compare { path: column(right, reasons)?, operator: turned(*operator), literal })
            }
            (Some(_), Some(_)) => {
                reasons.push(format!("`{condition}` compares two values, and no column"));
                None
            }
            (None, None) => {
                let before = reasons.len();
                let columns = (column(left, reasons), column(right, reasons));
                if let (Some(left), Some(right)) = columns
                    && reasons.len() == before
                {
                    reasons.push(format!("two columns are compared, {left} and {right}"));
                }
                None
            }
        },
    }
}

/// Every part, so that all reasons are told at once.
fn all(parts: &[Condition], reasons: &mut Vec<String>) -> Option<Vec<Filter>> {
    let filters: Vec<Option<Filter>> = parts.iter().map(|part| translate(part, reasons)).collect();
    filters.into_iter().collect()
}

fn column(operand: &Operand, reasons: &mut Vec<String>) -> Option<String> {
    match operand {
        Operand::Column(name) if !name.contains('.') => Some(name.clone()),
        Operand::Column(name) => {
            reasons.push(format!("{name} is a column of a table inside the entity"));
            None
        }
        Operand::Call(call) => {
            reasons.push(format!("the call {call} has no counterpart"));
            None
        }
        value => {
            reasons.push(format!("a column is expected where {value} stands"));
            None
        }
    }
}

fn literal(operand: &Operand) -> Option<Literal> {
    Some(match operand {
        Operand::Column(_) | Operand::Call(_) => return None,
        Operand::Text(text) => Literal::Text(text.clone()),
        Operand::Integer(number) => Literal::Integer(*number),
        Operand::Decimal(number) => Literal::Decimal(number.clone()),
        Operand::Boolean(flag) => Literal::Boolean(*flag),
        Operand::Null => Literal::Null,
        Operand::Date(date) => Literal::Date(*date),
        Operand::Moment(time) => Literal::Timestamp(*time),
        Operand::Enum { type_name, member } => {
            Literal::Enum { type_name: format!("{NAMESPACE}{type_name}"), member: member.clone() }
        }
    })
}

/// The operator when left and right change places.
fn turned(operator: Operator) -> Operator {
    match operator {
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        same => same,
    }
}

fn like(path: String, pattern: &str, reasons: &mut Vec<String>) -> Option<Filter> {
    let (start, end) = (pattern.starts_with('*'), pattern.ends_with('*') && pattern.len() > 1);
    let text = pattern.strip_prefix('*').unwrap_or(pattern);
    let text = if end { text.strip_suffix('*').unwrap_or(text) } else { text };
    if text.is_empty() || text.contains(['*', '?']) {
        reasons.push("a pattern with a * or ? inside has no counterpart".to_owned());
        return None;
    }
    let text = text.to_owned();
    let function = match (start, end) {
        (false, false) => return Some(Filter::equals(path, Literal::Text(text))),
        (false, true) => TextFunction::StartsWith,
        (true, false) => TextFunction::EndsWith,
        (true, true) => TextFunction::Contains,
    };
    Some(Filter::Function { function, path, text })
}

/// The same filter in X++.
///
/// # Errors
/// With a reason, where X++ filters have nothing for a part of it.
pub fn from_odata(filter: &Filter) -> Result<Condition, String> {
    let each = |filters: &[Filter]| filters.iter().map(from_odata).collect::<Result<Vec<_>, _>>();
    match filter {
        Filter::And(filters) => each(filters).map(Condition::And),
        Filter::Or(filters) => each(filters).map(Condition::Or),
        Filter::Not(inner) => from_odata(inner).map(|inner| Condition::Not(Box::new(inner))),
        Filter::Compare { path, operator, literal } => equal(path, *operator, literal),
        Filter::In { path, list } => {
            let mut parts = list
                .iter()
                .map(|literal| equal(path, Operator::Equal, literal))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Condition::Or(parts) })
        }
        Filter::Function { text, .. } if text.is_empty() || text.contains(['*', '?']) => {
            Err("a text that is empty, or has a * or ? in it, cannot be looked for".to_owned())
        }
        Filter::Function { function, path, text } => {
            let pattern = match function {
                TextFunction::StartsWith => format!("{text}*"),
                TextFunction::EndsWith => format!("*{text}"),
                TextFunction::Contains => format!("*{text}*"),
            };
            Ok(Condition::Like { left: plain(path)?, pattern })
        }
    }
}

fn plain(path: &str) -> Result<Operand, String> {
    let reserved = ["true", "false", "null", "like"].iter().any(|word| path.eq_ignore_ascii_case(word));
    if reserved || path.contains(['/', '.', '@']) {
        return Err(format!("{path} is no column of the entity itself"));
    }
    Ok(Operand::Column(path.to_owned()))
}

fn equal(path: &str, operator: Operator, literal: &Literal) -> Result<Condition, String> {
    let right = match literal {
        Literal::Null => Operand::Null,
        Literal::Text(text) | Literal::Guid(text) => Operand::Text(text.clone()),
        Literal::Integer(number) => Operand::Integer(*number),
        Literal::Decimal(number) => Operand::Decimal(number.clone()),
        Literal::Boolean(flag) => Operand::Boolean(*flag),
        Literal::Date(date) => Operand::Date(*date),
        Literal::Timestamp(time) => Operand::Moment(*time),
        Literal::Enum { type_name, member } => Operand::Enum {
            type_name: type_name.rsplit('.').next().unwrap_or(type_name).to_owned(),
            member: member.clone(),
        },
    };
    Ok(Condition::Compare { left: plain(path)?, operator, right })
}

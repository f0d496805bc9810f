//! What F&O accepts in `$filter`: literals of the column's own type, enum members with their type, no `in`.

use dualwright_odata::filter::{Operator, TextFunction};
use dualwright_odata::{Filter, Literal};

use super::error::ApiError;
use super::model::{Entity, NAMESPACE};
use super::values::edm_type;
use crate::kernel::schema::{Column, ColumnType};

/// Whether a literal's type name is that of the column's enum.
pub(super) fn is_type(column: &Column, type_name: &str) -> bool {
    let name = type_name.strip_prefix(NAMESPACE).and_then(|rest| rest.strip_prefix('.'));
    name.is_some() && name == column.enum_name.as_deref()
}

/// Checks a filter against the table, and turns what F&O understands in its own way into plain filters.
pub(super) fn prepare(entity: &Entity, filter: Filter) -> Result<Filter, ApiError> {
    let each = |parts: Vec<Filter>| -> Result<Vec<Filter>, ApiError> {
        parts.into_iter().map(|part| prepare(entity, part)).collect()
    };
    Ok(match filter {
        Filter::And(parts) => Filter::And(each(parts)?),
        Filter::Or(parts) => Filter::Or(each(parts)?),
        Filter::Not(part) => Filter::Not(Box::new(prepare(entity, *part)?)),
        Filter::In { .. } => {
            return Err(ApiError::bad_request("Syntax error: the operator 'in' is not known in '$filter'."));
        }
        Filter::Function { function, path, text } => {
            let (_, column) = find(entity, &path)?;
            if column.kind != ColumnType::Text {
                let reason = format!("No function signature for the function matches '{path}'.");
                return Err(ApiError::bad_request(reason));
            }
            Filter::Function { function, path, text }
        }
        Filter::Compare { path, operator, literal } => {
            let (position, column) = find(entity, &path)?;
            check(entity, position, column, operator, &literal)?;
            wildcard(column, path, operator, literal)
        }
    })
}

pub(super) fn find<'a>(entity: &'a Entity, path: &str) -> Result<(usize, &'a Column), ApiError> {
    if path.contains('/') {
        return Err(ApiError::unsupported("paths to related rows"));
    }
    if path.contains('(') {
        return Err(ApiError::unsupported(&format!("{path} in a filter")));
    }
    entity.table.column(path).ok_or_else(|| ApiError::no_property(path, &entity.public_name))
}

fn check(
    entity: &Entity,
    position: usize,
    column: &Column,
    operator: Operator,
    literal: &Literal,
) -> Result<(), ApiError> {
    let found = match literal {
        Literal::Null => return Ok(()),
        Literal::Text(_) => "Edm.String".to_owned(),
        Literal::Integer(_) => "Edm.Int32".to_owned(),
        Literal::Decimal(_) => "Edm.Decimal".to_owned(),
        Literal::Boolean(_) => "Edm.Boolean".to_owned(),
        Literal::Guid(_) => "Edm.Guid".to_owned(),
        Literal::Timestamp(_) => "Edm.DateTimeOffset".to_owned(),
        Literal::Date(_) => "Edm.Date".to_owned(),
        Literal::Enum { type_name, .. } => type_name.clone(),
    };
    let fits = match (column.kind, literal) {
        (ColumnType::Text, Literal::Text(_))
        | (ColumnType::Integer | ColumnType::Decimal, Literal::Integer(_) | Literal::Decimal(_))
        | (ColumnType::Timestamp | ColumnType::Date, Literal::Timestamp(_) | Literal::Date(_))
        | (ColumnType::Guid, Literal::Guid(_)) => true,
        (ColumnType::Enum, Literal::Enum { type_name, member }) => {
            if is_type(column, type_name) && super::values::read_member(entity, position, member).is_none() {
                let reason =
                    format!("The string '{type_name}'{member}'' is not a valid enumeration type constant.");
                return Err(ApiError::bad_request(reason));
            }
            is_type(column, type_name)
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "A binary operator with incompatible types was detected. Found operand types '{}' and '{found}' for operator \
         kind '{}'.",
        edm_type(column),
        match operator {
            Operator::Equal => "Equal",
            Operator::NotEqual => "NotEqual",
            Operator::Greater => "GreaterThan",
            Operator::GreaterOrEqual => "GreaterThanOrEqual",
            Operator::Less => "LessThan",
            Operator::LessOrEqual => "LessThanOrEqual",
        }
    )))
}

/// `Name eq '*retail*'` is how F&O spells "contains".
fn wildcard(column: &Column, path: String, operator: Operator, literal: Literal) -> Filter {
    let pattern = match (&literal, operator) {
        (Literal::Text(text), Operator::Equal) if column.kind == ColumnType::Text => text.as_str(),
        _ => return Filter::Compare { path, operator, literal },
    };
    let (starts, ends) = (pattern.starts_with('*'), pattern.ends_with('*'));
    let text = pattern.trim_matches('*').to_owned();
    let function = match (starts, ends) {
        (true, true) => TextFunction::Contains,
        (true, false) => TextFunction::EndsWith,
        (false, true) => TextFunction::StartsWith,
        (false, false) => return Filter::Compare { path, operator, literal },
    };
    Filter::Function { function, path, text }
}

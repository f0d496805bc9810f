//! A filter as text. What stands in a join is in brackets, so that it reads back as the same tree.

use std::fmt;

use dualwright_odata::filter::Operator;

use super::{Condition, Operand};

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare { left, operator, right } => {
                let sign = match operator {
                    Operator::Equal => "==",
                    Operator::NotEqual => "!=",
                    Operator::Greater => ">",
                    Operator::GreaterOrEqual => ">=",
                    Operator::Less => "<",
                    Operator::LessOrEqual => "<=",
                };
                write!(formatter, "{left} {sign} {right}")
            }
            Self::Like { left, pattern } => write!(formatter, "{left} like {}", Quoted(pattern)),
            Self::Holds(operand) => write!(formatter, "{operand}"),
            Self::And(parts) => joined(formatter, parts, " && "),
            Self::Or(parts) => joined(formatter, parts, " || "),
            Self::Not(inner) => write!(formatter, "!({inner})"),
        }
    }
}

fn joined(formatter: &mut fmt::Formatter<'_>, parts: &[Condition], sign: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            formatter.write_str(sign)?;
        }
        write!(formatter, "({part})")?;
    }
    Ok(())
}

impl fmt::Display for Operand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) | Self::Call(name) => formatter.write_str(name),
            Self::Text(text) => write!(formatter, "{}", Quoted(text)),
            Self::Integer(number) => write!(formatter, "{number}"),
            // Without a point it would read back as a whole number.
            Self::Decimal(number) if number.to_integer().is_some() => write!(formatter, "{number}.0"),
            Self::Decimal(number) => write!(formatter, "{number}"),
            Self::Boolean(flag) => write!(formatter, "{flag}"),
            Self::Null => formatter.write_str("null"),
            Self::Date(date) => {
                let iso = date.to_string();
                let mut parts = iso.rsplit('-');
                let (day, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                write!(formatter, "{day}\\{month}\\{}", parts.next().unwrap_or_default())
            }
            Self::Moment(time) => write!(formatter, "{}", time.to_string().trim_end_matches('Z')),
            Self::Enum { type_name, member } => write!(formatter, "{type_name}::{member}"),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

//! A filter as text, not percent-encoded.

use std::fmt;

use super::{Filter, Operator, TextFunction};

impl Operator {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }
}

impl TextFunction {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
            Self::Contains => "contains",
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare { path, operator, literal } => {
                write!(formatter, "{path} {} {literal}", operator.as_str())
            }
            Self::And(filters) => joined(formatter, filters, " and "),
            Self::Or(filters) => joined(formatter, filters, " or "),
            Self::Not(filter) => write!(formatter, "not ({filter})"),
            Self::In { path, list } => {
                write!(formatter, "{path} in (")?;
                for (index, literal) in list.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(formatter, "{comma}{literal}")?;
                }
                formatter.write_str(")")
            }
            Self::Function { function, path, text } => {
                write!(formatter, "{}({path},'{}')", function.as_str(), text.replace('\'', "''"))
            }
        }
    }
}

// A joined part in brackets reads back as the same tree, whatever binds stronger.
fn joined(formatter: &mut fmt::Formatter<'_>, filters: &[Filter], word: &str) -> fmt::Result {
    for (index, filter) in filters.iter().enumerate() {
        if index > 0 {
            formatter.write_str(word)?;
        }
        match filter {
            Filter::And(_) | Filter::Or(_) => write!(formatter, "({filter})")?,
            _ => write!(formatter, "{filter}")?,
        }
    }
    Ok(())
}

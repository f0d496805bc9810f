//! Filters as dual-write states them over F&O: `((PartyType == "Organization") && (OnHold != NoYes::Yes))`.
//!
//! The part of X++'s expressions that such filters use (learn.microsoft.com: fin-ops-core/dev-itpro/dev-ref/xpp-operators,
//! .../xpp-data-primitive for literals, and query range expressions for `like`). Calls are read whole and not understood.

use dualwright_model::{Date, Decimal, Timestamp};
use dualwright_odata::filter::Operator;

mod lex;
mod odata;
mod parse;
mod print;
#[cfg(test)]
mod tests;

pub use odata::{from_odata, to_odata};

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `left op right`.
    Compare {
        /// What is compared.
        left: Operand,
        /// How.
        operator: Operator,
        /// With what.
        right: Operand,
    },
    /// `left like "abc*"`: `*` stands for any characters, `?` for one.
    Like {
        /// What is compared.
        left: Operand,
        /// The pattern.
        pattern: String,
    },
    /// A column or call that is true by itself.
    Holds(Operand),
    /// Every one of two or more.
    And(Vec<Condition>),
    /// At least one of two or more.
    Or(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
}

/// What stands on a side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A column, perhaps behind its table: `AccountNum`, `CustTable.AccountNum`.
    Column(String),
    /// `"text"` or `'text'`.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number, exactly.
    Decimal(Decimal),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`.
    Null,
    /// `31\12\2026`.
    Date(Date),
    /// `2026-12-31T08:00:00`, in UTC.
    Moment(Timestamp),
    /// `NoYes::Yes`.
    Enum {
        /// `NoYes`.
        type_name: String,
        /// `Yes`.
        member: String,
    },
    /// A call, as it is written: `DateTimeUtil::utcNow()`.
    Call(String),
}

/// A text that is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at character {position} of the filter")]
pub struct XppError {
    /// Bytes before the fault.
    pub position: usize,
    /// What is wrong; without values.
    pub reason: &'static str,
}

//! A map with its names resolved: for each cell to be written, where it comes from.

use std::borrow::Cow;

use dualwright_sdk::{Cell, Leg};

use crate::exact::Exact;
use crate::pattern::Pattern;

/// A value that the map itself gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constant<'a> {
    /// Text, also exact decimals and members of enums: the host turns it into what the column holds.
    Text(Cow<'a, str>),
    /// A whole number or an option.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
}

impl Constant<'_> {
    /// The value as a cell.
    pub fn to_cell(&self) -> Cell {
        match self {
            Self::Text(text) => Cell::Text(text.clone().into_owned()),
            Self::Integer(number) => Cell::Integer(*number),
            Self::Boolean(flag) => Cell::Boolean(*flag),
        }
    }

    /// The value as plain text, as value sets are matched by.
    pub fn to_plain_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Boolean(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        }
    }
}

/// A value set in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values<'a> {
    /// Lower-case plain text of the source value, and what it becomes; sorted by the text.
    pub entries: Vec<(Cow<'a, str>, Constant<'a>)>,
    /// The source values as the map spells them, for messages.
    pub allowed: Cow<'a, str>,
    /// Whether a value that the set does not have travels as it is, rather than being refused.
    pub keeps_others: bool,
}

impl<'a> Values<'a> {
    /// What a source value becomes; `None` when the set does not have it.
    pub fn get(&self, plain_text: &str) -> Option<&Constant<'a>> {
        let wanted = plain_text.to_lowercase();
        let index = self.entries.binary_search_by(|(text, _)| text.as_ref().cmp(&wanted)).ok()?;
        self.entries.get(index).map(|(_, constant)| constant)
    }
}

/// How one target cell comes about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule<'a> {
    /// The position of the source cell among the leg's `reads`; none for a constant.
    pub source: Option<usize>,
    /// The source column's name, for messages.
    pub column: Cow<'a, str>,
    /// Whether the target is a key column.
    pub key: bool,
    /// Given instead of null and empty text; the value itself where there is no source.
    pub default: Option<Constant<'a>>,
    /// Given on a delete that the map turns into a mark.
    pub mark: Option<Constant<'a>>,
    /// The value set that the source value goes through.
    pub values: Option<Values<'a>>,
    /// How many characters of a text are kept.
    pub cut: Option<usize>,
}

/// What a delete on the source side becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletePolicy {
    /// A delete on the other side.
    #[default]
    Propagate,
    /// Nothing.
    Ignore,
    /// An upsert of the rules' marks.
    Mark,
}

/// One leg, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program<'a> {
    /// Which leg.
    pub leg: Leg,
    /// What deletes become.
    pub on_delete: DeletePolicy,
    /// One rule a column of `writes`, in that order.
    pub rules: Vec<Rule<'a>>,
    /// The rules that records must fulfil, in the order of the file.
    pub checks: Vec<Check<'a>>,
}

/// Which cells a check looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Those of the leg's `reads`, as they were captured.
    #[default]
    Captured,
    /// Those of the leg's `writes`, as they are about to be written.
    Mapped,
}

/// Something that records must fulfil, or they are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check<'a> {
    /// Which cells.
    pub stage: Stage,
    /// The position of the cell among them; an expression names its own.
    pub position: usize,
    /// The column that is at fault, when it is one.
    pub field: Option<Cow<'a, str>>,
    /// A stable word for programs.
    pub code: Cow<'a, str>,
    /// A sentence for people.
    pub message: Cow<'a, str>,
    /// What must be true.
    pub test: Test<'a>,
}

/// What must be true of a cell, or of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test<'a> {
    /// It is not empty.
    Required,
    /// It is one of these.
    OneOf(Vec<Literal<'a>>),
    /// It is neither below nor above.
    Range {
        /// The smallest number or day that is allowed.
        minimum: Option<Literal<'a>>,
        /// The largest number or day that is allowed.
        maximum: Option<Literal<'a>>,
    },
    /// Its text is neither shorter nor longer, in characters.
    Length {
        /// The fewest characters.
        minimum: Option<usize>,
        /// The most characters.
        maximum: Option<usize>,
    },
    /// Its whole text has this form.
    Pattern(Pattern),
    /// No record before it in the batch has the same value.
    Unique,
    /// This does not come out as false. Operands come before what is done with them.
    Expression(Vec<Term<'a>>),
}

/// A value in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal<'a> {
    /// An exact number.
    Number(Exact),
    /// Text.
    Text(Cow<'a, str>),
    /// Yes or no.
    Boolean(bool),
    /// A day, in days since 1970-01-01; of a moment, its first microsecond.
    Day(i32),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One term of an expression, in the order in which a stack machine needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term<'a> {
    /// The cell at this position.
    Cell(usize),
    /// A value.
    Literal(Literal<'a>),
    /// Of one operand: the opposite.
    Not,
    /// Of one operand: whether it is empty.
    IsNull,
    /// Of one operand: its length in characters.
    Length,
    /// Of one operand: the same with the other sign.
    Negate,
    /// Of two operands: both.
    And,
    /// Of two operands: either.
    Or,
    /// Of two operands: how they compare.
    Compare(Comparison),
    /// Of two operands: their sum.
    Add,
    /// Of two operands: the first without the second.
    Subtract,
    /// Of two operands: their product.
    Multiply,
}

//! A map with its names resolved: for each cell to be written, where it comes from.

use std::borrow::Cow;

use dualwright_sdk::{Cell, Leg};

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
}

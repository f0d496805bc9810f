//! What a map file can say. `#[serde(deny_unknown_fields)]` everywhere: a misspelt word is an error, not a silence.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use toml::Spanned;

mod rule;

pub use rule::{Length, Range, Rule, Stage};

/// A whole map file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapFile {
    /// Identity, tables, keys and policies.
    pub map: Header,
    /// Fields as `[[field]]` tables; equal to `map.field`.
    #[serde(default)]
    pub field: Vec<Spanned<Field>>,
    /// Rules as `[[rule]]` tables; equal to `map.rule`.
    #[serde(default)]
    pub rule: Vec<Spanned<Rule>>,
}

/// The `[map]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Header {
    /// The map's name in kebab case.
    pub name: Spanned<String>,
    /// `major.minor.patch`.
    pub version: Spanned<String>,
    /// One sentence for people.
    #[serde(default)]
    pub about: String,
    /// The F&O entity set.
    pub finops: Spanned<String>,
    /// The Dataverse entity set.
    pub dataverse: Spanned<String>,
    /// The integration key: pairs of columns that hold the same text on both sides.
    pub key: Spanned<Vec<Spanned<KeyColumns>>>,
    /// Which rows are this map's business.
    #[serde(default)]
    pub filter: Filters,
    /// What happens when a row leaves the filter.
    #[serde(default)]
    pub on_leave: OnLeave,
    /// What a delete becomes.
    pub on_delete: Option<Spanned<OnDelete>>,
    /// The legs; when left out, those that have fields.
    pub legs: Option<Spanned<Vec<Direction>>>,
    /// Maps that must have been synchronised first.
    #[serde(default)]
    pub needs: Vec<Spanned<String>>,
    /// Maps that must not run beside this one: another generation of it, or one that does the same work.
    #[serde(default)]
    pub excludes: Vec<Spanned<String>>,
    /// Fields as a list of inline tables, one a line.
    #[serde(default)]
    pub field: Vec<Spanned<Field>>,
    /// Rules as a list of inline tables, one a line.
    #[serde(default)]
    pub rule: Vec<Spanned<Rule>>,
}

/// One pair of the key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyColumns {
    /// The column in F&O.
    pub finops: String,
    /// The column or lookup path in Dataverse.
    pub dataverse: String,
}

/// OData filters; either may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Over the F&O table.
    pub finops: Option<Spanned<String>>,
    /// Over the Dataverse table.
    pub dataverse: Option<Spanned<String>>,
}

/// What happens to the other side when a row leaves the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLeave {
    /// As on a delete.
    #[default]
    Delete,
    /// Nothing.
    Ignore,
}

/// One or both legs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both legs.
    #[default]
    Both,
    /// From F&O to Dataverse.
    ToDataverse,
    /// From Dataverse to F&O.
    ToFinops,
}

/// One field line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The column in F&O.
    pub finops: Option<Spanned<String>>,
    /// The column or lookup path in Dataverse.
    pub dataverse: Option<Spanned<String>>,
    /// Which leg; when left out, both, or for a constant the one that has a target.
    pub direction: Option<Spanned<Direction>>,
    /// The constant, or what is written instead of null and empty text.
    pub default: Option<Spanned<Scalar>>,
    /// A value set.
    pub values: Option<Spanned<ValuesOf>>,
    /// What becomes of a value that the set does not have.
    pub unlisted: Option<Spanned<Unlisted>>,
    /// How many characters of a text are kept; what is behind them is lost, which only goes one way.
    pub cut: Option<Spanned<u32>>,
}

/// What becomes of a value that a value set does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unlisted {
    /// The record is refused.
    #[default]
    Refuse,
    /// The value travels as it is.
    Keep,
}

/// A value in a map file. Floats are refused: an exact number is written as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
}

/// A value set: each F&O value and the Dataverse value it stands for, whatever their order in the file.
pub type ValueSet = Vec<(String, Scalar)>;

/// Where a field's value set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValuesOf {
    /// In the file `values/<name>.toml`.
    Named(String),
    /// Right here.
    Here(ValueSet),
}

/// A file of a shared value set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuesFile {
    /// One sentence for people.
    #[serde(default)]
    pub about: String,
    /// The set.
    #[serde(deserialize_with = "value_set")]
    pub values: ValueSet,
}

/// What a delete becomes on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnSideDelete {
    /// A delete.
    #[default]
    Propagate,
    /// Nothing.
    Ignore,
    /// An upsert of these cells.
    Mark(ValueSet),
}

/// What a delete becomes: on the Dataverse side when the F&O record is deleted, and the other way round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnDelete {
    /// What the F&O record gets when its Dataverse record is deleted.
    pub finops: OnSideDelete,
    /// What the Dataverse record gets when its F&O record is deleted.
    pub dataverse: OnSideDelete,
}

// === reading ===

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a whole number, true or false")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Boolean(flag))
    }

    fn visit_f64<E: de::Error>(self, _number: f64) -> Result<Scalar, E> {
        // I10: a number that is not whole never passes a float.
        Err(E::custom("write a number with a fraction as text, in quotes: it is kept exactly as it is"))
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = ValuesOf;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table of values, or the name of a value set")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ValuesOf, E> {
        Ok(ValuesOf::Named(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValuesOf, A::Error> {
        pairs(map).map(ValuesOf::Here)
    }
}

impl<'de> Deserialize<'de> for ValuesOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

fn pairs<'de, A: MapAccess<'de>>(mut map: A) -> Result<ValueSet, A::Error> {
    let mut pairs = ValueSet::new();
    while let Some(pair) = map.next_entry()? {
        pairs.push(pair);
    }
    Ok(pairs)
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = ValueSet;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table of values")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueSet, A::Error> {
        pairs(map)
    }
}

fn value_set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ValueSet, D::Error> {
    deserializer.deserialize_map(PairsVisitor)
}

struct OnSideDeleteVisitor;

impl<'de> Visitor<'de> for OnSideDeleteVisitor {
    type Value = OnSideDelete;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("\"propagate\", \"ignore\", or a table of cells to write instead")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<OnSideDelete, E> {
        match word {
            "propagate" => Ok(OnSideDelete::Propagate),
            "ignore" => Ok(OnSideDelete::Ignore),
            _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OnSideDelete, A::Error> {
        pairs(map).map(OnSideDelete::Mark)
    }
}

impl<'de> Deserialize<'de> for OnSideDelete {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnSideDeleteVisitor)
    }
}

struct OnDeleteVisitor;

impl<'de> Visitor<'de> for OnDeleteVisitor {
    type Value = OnDelete;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("\"propagate\", \"ignore\", or a table with `finops`, `dataverse` or both")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<OnDelete, E> {
        let side = OnSideDeleteVisitor.visit_str(word)?;
        Ok(OnDelete { finops: side.clone(), dataverse: side })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OnDelete, A::Error> {
        let mut on_delete = OnDelete::default();
        while let Some(side) = map.next_key::<String>()? {
            match side.as_str() {
                "finops" => on_delete.finops = map.next_value()?,
                "dataverse" => on_delete.dataverse = map.next_value()?,
                _ => return Err(de::Error::unknown_field(&side, &["finops", "dataverse"])),
            }
        }
        Ok(on_delete)
    }
}

impl<'de> Deserialize<'de> for OnDelete {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnDeleteVisitor)
    }
}

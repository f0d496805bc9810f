//! Rows as JSON: `[{"Text01":"…","Whole02":5,"Flag01":true,…},…]`. Used by the guest and by its caller alike.
//!
//! A fair rival to cells by position: no tree is built, texts without escapes are borrowed, and what a column holds is
//! known by its name (`Text…`, `Whole…`, `Exact…`, `Flag…`, `Moment…`, `Day…`) rather than written beside each value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value as JSON has it.
pub(crate) enum Plain<'a> {
    Null,
    Text(Cow<'a, str>),
    Integer(i64),
    /// A text in JSON, so that it never passes a float.
    Decimal(Cow<'a, str>),
    Boolean(bool),
    /// A number of microseconds.
    Timestamp(i64),
    /// A number of days.
    Date(i32),
}

/// Columns by name.
pub(crate) struct Columns<'a> {
    sorted: Vec<(&'a str, usize)>,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(names: &[&'a str]) -> Self {
        let mut sorted: Vec<(&str, usize)> = names.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        Self { sorted }
    }

    fn find(&self, name: &str) -> Option<usize> {
        let place = self.sorted.binary_search_by_key(&name, |(column, _)| column).ok()?;
        self.sorted.get(place).map(|(_, column)| *column)
    }
}

/// Gives every cell to `hear`: the number of its row, the position of its column, its value.
pub(crate) fn read<'a>(
    text: &'a str,
    columns: &Columns<'_>,
    hear: impl FnMut(usize, usize, Plain<'a>),
) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_seq(Rows { columns, hear })
}

struct Rows<'c, F> {
    columns: &'c Columns<'c>,
    hear: F,
}

impl<'de, F: FnMut(usize, usize, Plain<'de>)> Visitor<'de> for Rows<'_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<(), A::Error> {
        let mut row = 0;
        while rows.next_element_seed(Row { columns: self.columns, row, hear: &mut self.hear })?.is_some() {
            row += 1;
        }
        Ok(())
    }
}

struct Row<'c, F> {
    columns: &'c Columns<'c>,
    row: usize,
    hear: &'c mut F,
}

impl<'de, F: FnMut(usize, usize, Plain<'de>)> DeserializeSeed<'de> for Row<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(usize, usize, Plain<'de>)> Visitor<'de> for Row<'_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        while let Some(name) = cells.next_key::<&str>()? {
            let column = self.columns.find(name).ok_or_else(|| A::Error::custom("no such column"))?;
            let kind = name.as_bytes().first().map_or(b't', u8::to_ascii_lowercase);
            (self.hear)(self.row, column, cells.next_value_seed(Value { kind })?);
        }
        Ok(())
    }
}

struct Value {
    kind: u8,
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Plain<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Plain<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Value {
    fn text<'a>(&self, text: Cow<'a, str>) -> Plain<'a> {
        if self.kind == b'e' { Plain::Decimal(text) } else { Plain::Text(text) }
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Plain<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a cell")
    }

    fn visit_unit<E: Error>(self) -> Result<Plain<'de>, E> {
        Ok(Plain::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Plain<'de>, E> {
        Ok(Plain::Boolean(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Plain<'de>, E> {
        self.visit_i64(i64::try_from(number).map_err(E::custom)?)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Plain<'de>, E> {
        Ok(match self.kind {
            b'm' => Plain::Timestamp(number),
            b'd' => Plain::Date(i32::try_from(number).map_err(E::custom)?),
            _ => Plain::Integer(number),
        })
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Plain<'de>, E> {
        Ok(self.text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Plain<'de>, E> {
        Ok(self.text(Cow::Owned(text.to_owned())))
    }
}

/// Makes the text.
#[derive(Default)]
pub(crate) struct Writer {
    text: Vec<u8>,
}

impl Writer {
    /// Adds a row.
    pub(crate) fn row<'a>(&mut self, cells: impl Iterator<Item = (&'a str, Plain<'a>)>) {
        self.text.push(if self.text.is_empty() { b'[' } else { b',' });
        self.text.push(b'{');
        for (index, (name, plain)) in cells.enumerate() {
            if index > 0 {
                self.text.push(b',');
            }
            self.value(name);
            self.text.push(b':');
            match plain {
                Plain::Null => self.text.extend(b"null"),
                Plain::Text(text) | Plain::Decimal(text) => self.value(text.as_ref()),
                Plain::Integer(number) | Plain::Timestamp(number) => self.value(&number),
                Plain::Boolean(flag) => self.value(&flag),
                Plain::Date(days) => self.value(&days),
            }
        }
        self.text.push(b'}');
    }

    fn value<T: serde::Serialize + ?Sized>(&mut self, value: &T) {
        // Into memory, of types that always can be written.
        serde_json::to_writer(&mut self.text, value).unwrap_or_else(|_| unreachable!());
    }

    /// The text.
    pub(crate) fn finish(mut self) -> String {
        if self.text.is_empty() {
            self.text.push(b'[');
        }
        self.text.push(b']');
        String::from_utf8(self.text).unwrap_or_else(|_| unreachable!())
    }
}

//! Amounts of memory as people write them: `512KiB`, `64MiB`, `1GiB`.

use serde::{Deserialize, Deserializer, de};

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteCount(u64);

impl ByteCount {
    /// Reads an amount of memory; zero is refused.
    ///
    /// # Errors
    /// In words for a person, when it is not one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let wrong =
            || format!("`{text}` is not an amount of memory; write for example 512KiB, 64MiB or 1GiB");
        let factor: u64 = match text.get(digits.len()..).unwrap_or_default() {
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        number.checked_mul(factor).filter(|bytes| *bytes > 0).map(Self).ok_or_else(wrong)
    }

    /// The number of bytes.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for ByteCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

//! Lengths of time as people write them: `500ms`, `30s`, `15m`, `24h`, `7d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// Reads a length of time. Zero is refused: everything it sets would then run without a pause.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let wrong = || format!("`{text}` is not a length of time; write for example 500ms, 30s, 15m, 24h or 7d");
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(wrong()),
    };
    match number.checked_mul(millis) {
        None | Some(0) => Err(wrong()),
        Some(millis) => Ok(Duration::from_millis(millis)),
    }
}

pub(super) fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    required(deserializer).map(Some)
}

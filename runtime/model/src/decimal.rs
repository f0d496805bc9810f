//! Exact decimal numbers as text, in one canonical spelling.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An exact decimal number. Two equal numbers have the same spelling: no exponent, no leading zeros, no trailing
/// zeros after the point, no `-0`. It is never converted to a float (I10).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal(String);

/// A text that is not a decimal number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number of at most {MAX_DIGITS} digits")]
pub struct DecimalError;

/// Longest spelling accepted, before and after expanding an exponent: far above any column of either system.
const MAX_DIGITS: usize = 80;

impl Decimal {
    /// Reads a decimal number: optional sign, digits, optional fraction, optional exponent (`1.5e3`).
    ///
    /// # Errors
    /// When the text is anything else, or would need more than 80 digits.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        if is_canonical(text) {
            return Ok(Self(text.to_owned()));
        }
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, text.get(1..).ok_or(DecimalError)?),
            Some(b'+') => (false, text.get(1..).ok_or(DecimalError)?),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| DecimalError)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(DecimalError);
        }
        if whole.len().saturating_add(fraction.len()) > MAX_DIGITS {
            return Err(DecimalError);
        }
        let digits = format!("{whole}{fraction}");
        let point = i64::try_from(whole.len()).map_err(|_| DecimalError)? + i64::from(exponent);
        Self::from_digits(negative, &digits, point)
    }

    fn from_digits(negative: bool, digits: &str, point: i64) -> Result<Self, DecimalError> {
        let limit = i64::try_from(MAX_DIGITS).map_err(|_| DecimalError)?;
        if point.abs() > limit {
            return Err(DecimalError);
        }
        let leading = usize::try_from(-point).unwrap_or(0);
        let padded = format!("{}{digits}", "0".repeat(leading));
        let point = usize::try_from(point).unwrap_or(0);
        let (whole, fraction) = if point >= padded.len() {
            (format!("{padded}{}", "0".repeat(point - padded.len())), String::new())
        } else {
            let (whole, fraction) = padded.split_at(point);
            (whole.to_owned(), fraction.to_owned())
        };
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        let mut text = String::with_capacity(whole.len() + fraction.len() + 3);
        if negative && !zero {
            text.push('-');
        }
        text.push_str(if whole.is_empty() { "0" } else { whole });
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
        // What is kept must be readable again: an expanded exponent counts like digits that were spelled out.
        let spelled = text.bytes().filter(u8::is_ascii_digit).count();
        if spelled > MAX_DIGITS { Err(DecimalError) } else { Ok(Self(text)) }
    }

    /// The canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number as a whole number, when it is one and fits.
    pub fn to_integer(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

/// Whether a text is a number in its canonical spelling: most that arrive are, and need no second look.
fn is_canonical(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((_, "")) => return false,
        Some(parts) => parts,
        None => (unsigned, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let plain_whole = whole == "0" || (!whole.is_empty() && !whole.starts_with('0'));
    text.len() <= MAX_DIGITS
        && plain_whole
        && !fraction.ends_with('0')
        && digits(whole)
        && digits(fraction)
        && text != "-0"
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

impl TryFrom<String> for Decimal {
    type Error = DecimalError;

    fn try_from(text: String) -> Result<Self, DecimalError> {
        if is_canonical(&text) {
            return Ok(Self(text));
        }
        Self::parse(&text)
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decimal, DecimalError};

    fn check(input: &str, expect: Option<&str>) {
        assert_eq!(Decimal::parse(input).ok().as_ref().map(Decimal::as_str), expect, "{input}");
    }

    #[test]
    fn equal_numbers_have_one_spelling() {
        check("0.00", Some("0"));
        check("-0", Some("0"));
        check("0012.3400", Some("12.34"));
        check("1.5e3", Some("1500"));
        check("12e-4", Some("0.0012"));
        check("-.5", Some("-0.5"));
        check("1000000000000000000000.01", Some("1000000000000000000000.01"));
    }

    #[test]
    fn garbage_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1.2.3",
            "NaN",
            "inf",
            "-Infinity",
            "1e",
            "1e999",
            "1e999999999",
            "-1e-2147483648",
            "1e80",
            "-1e-80",
            "1e99999999999",
            "1,5",
            " 1",
            "٣",
            "0x10",
        ] {
            check(text, None);
        }
        for digits in ["9".repeat(81), "0".repeat(10 << 20), format!("1.{}", "9".repeat(80))] {
            assert_eq!(Decimal::parse(&digits), Err(DecimalError), "{} digits", digits.len());
        }
    }

    proptest! {
        /// A number in its canonical spelling is not looked at twice, and comes out as if it had been.
        #[test]
        fn the_quick_way_is_the_same_way(text in "-?[0-9]{1,4}([.][0-9]{0,3})?") {
            prop_assert_eq!(Decimal::parse(&text), Decimal::parse(&format!("{text}e0")));
            prop_assert_eq!(Decimal::try_from(text.clone()), Decimal::parse(&text));
        }

        #[test]
        fn what_is_read_can_be_read_again(text in "[-+]?[0-9]{0,90}[.]?[0-9]{0,90}([eE][-+]?[0-9]{1,10})?") {
            if let Ok(number) = Decimal::parse(&text) {
                prop_assert_eq!(Decimal::parse(number.as_str()), Ok(number));
            }
        }
    }
}

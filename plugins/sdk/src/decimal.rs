//! Decimals are text on the wire, so that no money passes a float. Comparing them is not comparing texts.

use std::cmp::Ordering;

use crate::Cell;

impl Cell {
    /// Compares two numbers exactly, whether they are decimals or whole numbers. `None` when one is no number.
    ///
    /// ```
    /// use dualwright_sdk::Cell;
    /// use std::cmp::Ordering;
    ///
    /// let (one, other) = (Cell::Decimal("9.50".into()), Cell::Decimal("10".into()));
    /// assert_eq!(one.compare_number(&other), Some(Ordering::Less));
    /// assert_eq!(one.compare_number(&Cell::Decimal("9.5".into())), Some(Ordering::Equal));
    /// ```
    pub fn compare_number(&self, other: &Self) -> Option<Ordering> {
        let (one, other) = (digits(self)?, digits(other)?);
        Some(Number::parse(&one)?.compare(&Number::parse(&other)?))
    }
}

fn digits(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Decimal(text) => Some(text.clone()),
        Cell::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A decimal without its leading and trailing zeros.
struct Number<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Number<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !plain(whole) || !plain(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: text.starts_with('-') && !zero, whole, fraction })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let size = |one: &Self, other: &Self| {
            let whole = one.whole.len().cmp(&other.whole.len()).then_with(|| one.whole.cmp(other.whole));
            whole.then_with(|| one.fraction.cmp(other.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use crate::Cell;

    fn compare(one: &str, other: &str) -> Option<Ordering> {
        Cell::Decimal(one.into()).compare_number(&Cell::Decimal(other.into()))
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (one, other, expect) in [
            ("1", "1.00", Ordering::Equal),
            ("0", "-0.0", Ordering::Equal),
            ("9", "10", Ordering::Less),
            ("0.5", "0.45", Ordering::Greater),
            ("-2", "-10", Ordering::Greater),
            ("-1", "1", Ordering::Less),
            ("123456789012345678901234567890.1", "123456789012345678901234567890.2", Ordering::Less),
            (".5", "0.50", Ordering::Equal),
        ] {
            assert_eq!(compare(one, other), Some(expect), "{one} {other}");
            assert_eq!(compare(other, one), Some(expect.reverse()), "{other} {one}");
        }
        assert_eq!(Cell::Integer(-3).compare_number(&Cell::Decimal("-3.0".into())), Some(Ordering::Equal));
    }

    #[test]
    fn what_is_no_number_is_not_compared() {
        for text in ["", "-", ".", "1e3", "1,5", "NaN"] {
            assert_eq!(compare(text, "1"), None, "{text}");
        }
        assert_eq!(Cell::Null.compare_number(&Cell::Integer(1)), None);
    }
}

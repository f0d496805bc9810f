//! Exact decimal numbers: no float is ever involved (I10).

use std::cmp::Ordering;
use std::fmt;

/// More digits than any column of either system holds.
const DIGITS_MAX: usize = 38;

/// A decimal number of at most 38 digits. Equal numbers are equal however many zeros they were written with.
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    /// The digits as a whole number.
    mantissa: i128,
    /// How many of the digits stand behind the point; at most 38.
    scale: u8,
}

impl Exact {
    /// Reads `-12.50`; `None` for anything else, exponents among it, and for numbers of more than 38 digits.
    #[inline(never)]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        if whole.is_empty() || fraction.is_empty() {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        if whole.len() + fraction.len() > DIGITS_MAX {
            return None;
        }
        let mut mantissa = 0_i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            mantissa = mantissa.checked_mul(10)?.checked_add(digit)?;
        }
        Some(Self {
            mantissa: if negative { -mantissa } else { mantissa },
            scale: u8::try_from(fraction.len()).ok()?,
        })
    }

    /// The digits as a whole number, and how many of them stand behind the point.
    pub fn parts(self) -> (i128, u8) {
        (self.mantissa, self.scale)
    }

    /// A number of its parts; `None` when there are more than 38 digits behind the point.
    pub fn of_parts(mantissa: i128, scale: u8) -> Option<Self> {
        (usize::from(scale) <= DIGITS_MAX).then_some(Self { mantissa, scale })
    }

    /// The sum; `None` when it has too many digits.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        Self::of_parts(self.widened(scale)?.checked_add(other.widened(scale)?)?, scale)
    }

    /// The product; `None` when it has too many digits.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        Self::of_parts(self.mantissa.checked_mul(other.mantissa)?, self.scale.checked_add(other.scale)?)
    }

    /// The same with the other sign; `None` when it has too many digits.
    #[must_use]
    pub fn negated(self) -> Option<Self> {
        Self::of_parts(self.mantissa.checked_neg()?, self.scale)
    }

    /// The digits with that many of them behind the point.
    fn widened(self, scale: u8) -> Option<i128> {
        let mut mantissa = self.mantissa;
        for _ in self.scale..scale {
            mantissa = mantissa.checked_mul(10)?;
        }
        Some(mantissa)
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>1$}", self.mantissa.unsigned_abs(), usize::from(self.scale) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(self.scale));
        let sign = if self.mantissa < 0 { "-" } else { "" };
        match fraction {
            "" => write!(formatter, "{sign}{whole}"),
            fraction => write!(formatter, "{sign}{whole}.{fraction}"),
        }
    }
}

impl From<i64> for Exact {
    fn from(number: i64) -> Self {
        Self { mantissa: i128::from(number), scale: 0 }
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.widened(scale), other.widened(scale)) {
            (Some(one), Some(other)) => one.cmp(&other),
            // What does not fit is the larger in size, so its sign decides.
            (None, _) => self.mantissa.cmp(&0),
            (_, None) => 0.cmp(&other.mantissa),
        }
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Exact {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Exact;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        assert_eq!(exact("10"), exact("+010.00"));
        assert_eq!(exact("-0.50").parts(), (-5, 1));
        assert_eq!(exact("0"), exact("-0.0"));
        for text in ["", "-", ".", "1.", ".5", "1e3", "1,5", "--1", " 1", "١"] {
            assert_eq!(Exact::parse(text), None, "{text:?}");
        }
        let long = "9".repeat(38);
        assert!(Exact::parse(&long).is_some());
        assert_eq!(Exact::parse(&format!("{long}9")), None);
    }

    #[test]
    fn very_unequal_numbers_compare() {
        let (large, small) = (exact(&"9".repeat(38)), exact(&format!("0.{}1", "0".repeat(37))));
        assert!(large > small);
        assert!(small < large, "from either side");
        assert!(large.negated().unwrap() < small);
        assert!(small.negated().unwrap() > large.negated().unwrap());
        assert_eq!(large.times(large), None, "too many digits are no number, not a wrong one");
        assert_eq!(large.plus(small), None);
    }

    proptest! {
        #[test]
        fn cents_calculate_as_whole_numbers_do(one in -1_000_000_000_i64..1_000_000_000, other in -1_000_000_000_i64..1_000_000_000) {
            let cents = |cents: i64| Exact::of_parts(i128::from(cents), 2).unwrap();
            prop_assert_eq!(cents(one).cmp(&cents(other)), one.cmp(&other));
            prop_assert_eq!(cents(one).plus(cents(other)), Some(cents(one + other)));
            let product = Exact::of_parts(i128::from(one) * i128::from(other), 4);
            prop_assert_eq!(cents(one).times(cents(other)), product);
            let text = format!("{}{}.{:02}", if one < 0 { "-" } else { "" }, one.abs() / 100, one.abs() % 100);
            prop_assert_eq!(Exact::parse(&text), Some(cents(one)));
            prop_assert_eq!(cents(one).to_string(), text);
        }
    }
}

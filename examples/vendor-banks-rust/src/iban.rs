//! International bank account numbers (ISO 13616).

/// What is wrong with a number, in words for people.
pub(crate) type Wrong = &'static str;

/// How long the numbers of a country are, for the countries that this company pays to. Others are held against the
/// general form only.
const LENGTHS: [(&str, usize); 16] = [
    ("AT", 20),
    ("BE", 16),
    ("CH", 21),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("IE", 22),
    ("IT", 27),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("SE", 24),
];

/// The number as it is stored: without spaces, in capitals.
pub(crate) fn stored(written: &str) -> String {
    written.chars().filter(|character| !character.is_whitespace()).collect::<String>().to_ascii_uppercase()
}

/// Whether a stored number can be one: its form, the length of its country, and its check digits.
pub(crate) fn check(number: &str) -> Result<(), Wrong> {
    let bytes = number.as_bytes();
    if !bytes.iter().all(u8::is_ascii_alphanumeric) || !(15..=34).contains(&bytes.len()) {
        return Err("an IBAN is 15 to 34 letters and digits");
    }
    let (start, rest) = bytes.split_at(4);
    if !start[..2].iter().all(u8::is_ascii_uppercase) || !start[2..].iter().all(u8::is_ascii_digit) {
        return Err("an IBAN begins with two letters of a country and two check digits");
    }
    if LENGTHS.iter().any(|(country, length)| country.as_bytes() == &start[..2] && *length != bytes.len()) {
        return Err("an IBAN of this country has another length");
    }
    // Letters count as two digits, A = 10; the whole leaves 1 when divided by 97.
    let remainder = rest.iter().chain(start).fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        _ => (remainder * 100 + u32::from(byte.to_ascii_uppercase() - b'A') + 10) % 97,
    });
    if remainder == 1 { Ok(()) } else { Err("the check digits do not fit: is a digit mistyped?") }
}

#[cfg(test)]
mod tests {
    use super::{check, stored};

    #[test]
    fn published_examples_are_right() {
        for number in [
            "DE89 3704 0044 0532 0130 00",
            "gb82 west 1234 5698 7654 32",
            "NO93 8601 1117 947",
            "SE45 5000 0000 0583 9825 7466",
        ] {
            assert_eq!(check(&stored(number)), Ok(()), "{number}");
        }
    }

    #[test]
    fn every_mistyped_digit_and_every_swap_of_neighbours_is_found() {
        let number = stored("DE89 3704 0044 0532 0130 00");
        for place in 4..number.len() {
            for digit in b'0'..=b'9' {
                let mut bytes = number.clone().into_bytes();
                if bytes[place] != digit {
                    bytes[place] = digit;
                    assert!(check(std::str::from_utf8(&bytes).unwrap()).is_err(), "{place}: {digit}");
                }
            }
            let mut bytes = number.clone().into_bytes();
            if place + 1 < bytes.len() && bytes[place] != bytes[place + 1] {
                bytes.swap(place, place + 1);
                assert!(check(std::str::from_utf8(&bytes).unwrap()).is_err(), "{place}");
            }
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for number in [
            "",
            "DE",
            "1234567890123456",
            "DE893704004405320130000",
            "DEXX370400440532013000",
            "Ünïcödé0123456789",
        ] {
            assert!(check(&stored(number)).is_err(), "{number}");
        }
    }
}

//! Percent-encoding of path segments and query values.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is in a path segment (RFC 3986 `pchar`), as far as both systems print it so themselves.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'(')
    .remove(b')')
    .remove(b'\'')
    .remove(b',')
    .remove(b'=')
    .remove(b'$')
    .remove(b'@')
    .remove(b':');

/// What stays as it is in a query value: as in a segment, with `/` and without what splits options.
const QUERY: &AsciiSet = &SEGMENT.add(b'=').remove(b'/').remove(b'*').remove(b';');

/// A text that is not percent-encoded UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address is not percent-encoded UTF-8")]
pub struct PercentError;

/// Encodes one path segment.
pub fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Encodes the value (or name) of a query option.
pub fn encode_query(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// Decodes one path segment.
///
/// # Errors
/// When an escape is cut or the bytes are not UTF-8.
pub fn decode_segment(text: &str) -> Result<Cow<'_, str>, PercentError> {
    let bytes = text.as_bytes();
    let whole = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(|(index, _)| {
        let digit = |offset: usize| bytes.get(index + offset).is_some_and(u8::is_ascii_hexdigit);
        digit(1) && digit(2)
    });
    if !whole {
        return Err(PercentError);
    }
    percent_decode_str(text).decode_utf8().map_err(|_| PercentError)
}

/// Decodes the value (or name) of a query option, in which `+` is a space, as both systems read it.
///
/// # Errors
/// When an escape is cut or the bytes are not UTF-8.
pub fn decode_query(text: &str) -> Result<String, PercentError> {
    decode_segment(&text.replace('+', " ")).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{decode_query, decode_segment, encode_query, encode_segment};

    #[test]
    fn what_splits_an_address_is_escaped() {
        assert_eq!(encode_segment("a/b?c#d&e+f g"), "a%2Fb%3Fc%23d%26e%2Bf%20g");
        assert_eq!(encode_query("a eq 'x&y'"), "a%20eq%20'x%26y'");
        assert_eq!(decode_query("a+eq+%27x%27").unwrap(), "a eq 'x'");
        assert!(decode_segment("%4").is_err());
        assert!(decode_segment("%ff").is_err());
        assert!(decode_segment("%zz").is_err());
    }

    proptest! {
        #[test]
        fn any_text_survives(text in any::<String>()) {
            let encoded = encode_segment(&text);
            prop_assert_eq!(decode_segment(&encoded).unwrap(), text.as_str());
            prop_assert_eq!(decode_query(&encode_query(&text)).unwrap(), text);
        }

        #[test]
        fn garbage_does_not_panic(text in any::<String>()) {
            let _ = decode_query(&text);
        }
    }
}

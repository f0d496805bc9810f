//! Key predicates: `accounts(GUID)`, `accounts(accountnumber='X',_msdyn_company_value=GUID)`.
//!
//! OData v4 URL conventions, section 4.3. A path is split at `/` first and decoded then, so an encoded slash inside a
//! key is not a separator.

use std::fmt;

use crate::literal::Literal;
use crate::percent::{decode_segment, encode_segment};

/// What stands in the parentheses after an entity set: one unnamed value, or named ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPredicate {
    /// The parts in the order written; empty for `()`, as in `WhoAmI()`.
    pub parts: Vec<(Option<String>, Literal)>,
}

/// A text that is not a key predicate or a path segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at character {position} of the key")]
pub struct KeyError {
    /// Bytes before the fault, in the decoded text.
    pub position: usize,
    /// What is wrong; without the text itself.
    pub reason: &'static str,
}

/// The longest path segment.
const MAX_SEGMENT: usize = 16 * 1024;
/// More parts than any key of either system has columns.
const MAX_PARTS: usize = 64;

impl KeyPredicate {
    /// The key of one unnamed value, such as a primary id.
    pub fn single(literal: Literal) -> Self {
        Self { parts: vec![(None, literal)] }
    }

    /// A key of named values.
    pub fn named<N: Into<String>>(parts: impl IntoIterator<Item = (N, Literal)>) -> Self {
        Self { parts: parts.into_iter().map(|(name, literal)| (Some(name.into()), literal)).collect() }
    }

    /// The value of a named part, without regard to the name's case.
    pub fn get(&self, name: &str) -> Option<&Literal> {
        let named = |part: &&(Option<String>, Literal)| {
            part.0.as_deref().is_some_and(|given| given.eq_ignore_ascii_case(name))
        };
        self.parts.iter().find(named).map(|part| &part.1)
    }

    /// The value of the only part, when it has no name.
    pub fn unnamed(&self) -> Option<&Literal> {
        match self.parts.as_slice() {
            [(None, literal)] => Some(literal),
            _ => None,
        }
    }

    /// Reads `(…)` in decoded text.
    ///
    /// # Errors
    /// When it is not a key predicate.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let error = |rest: &str, reason| KeyError { position: text.len() - rest.len(), reason };
        if text.len() > MAX_SEGMENT {
            return Err(KeyError { position: MAX_SEGMENT, reason: "the key is too long" });
        }
        let mut rest =
            text.trim_start().strip_prefix('(').ok_or_else(|| error(text, "no opening bracket"))?;
        let mut parts = Vec::new();
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(')') {
            return at_end(after)
                .then(Self::default)
                .ok_or_else(|| error(after, "something follows the key"));
        }
        loop {
            let (name, after) = take_name(rest);
            let (literal, after) = Literal::take(after).map_err(|(place, reason)| error(place, reason))?;
            parts.push((name, literal));
            rest = after.trim_start();
            if let Some(after) = rest.strip_prefix(')') {
                if !at_end(after) {
                    return Err(error(after, "something follows the key"));
                }
                break;
            }
            rest = rest
                .strip_prefix(',')
                .ok_or_else(|| error(rest, "a comma or a bracket is expected"))?
                .trim_start();
            if parts.len() >= MAX_PARTS {
                return Err(error(rest, "the key has too many parts"));
            }
        }
        if parts.len() > 1 && parts.iter().any(|part| part.0.is_none()) {
            return Err(error("", "a key of several parts names each of them"));
        }
        Ok(Self { parts })
    }
}

impl fmt::Display for KeyPredicate {
    /// `(…)`, not percent-encoded.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(")?;
        for (index, (name, literal)) in self.parts.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            if let Some(name) = name {
                write!(formatter, "{name}=")?;
            }
            write!(formatter, "{literal}")?;
        }
        formatter.write_str(")")
    }
}

/// Reads one encoded segment of a path: `accounts(accountnumber='A%2FB')` is the set and its key.
///
/// # Errors
/// When it cannot be decoded, has no name, or what follows the name is not a key predicate.
pub fn parse_path_segment(segment: &str) -> Result<(String, Option<KeyPredicate>), KeyError> {
    if segment.len() > MAX_SEGMENT {
        return Err(KeyError { position: MAX_SEGMENT, reason: "the path is too long" });
    }
    let decoded =
        decode_segment(segment).map_err(|_| KeyError { position: 0, reason: "not percent-encoded UTF-8" })?;
    let (name, key) = match decoded.find('(').and_then(|bracket| decoded.split_at_checked(bracket)) {
        Some((name, key)) => (name, Some(key)),
        None => (decoded.as_ref(), None),
    };
    if name.is_empty() {
        return Err(KeyError { position: 0, reason: "a name is expected" });
    }
    let key = key
        .map(KeyPredicate::parse)
        .transpose()
        .map_err(|error| KeyError { position: error.position + name.len(), reason: error.reason })?;
    Ok((name.to_owned(), key))
}

/// Prints one encoded segment of a path.
pub fn path_segment(name: &str, key: Option<&KeyPredicate>) -> String {
    match key {
        Some(key) => encode_segment(&format!("{name}{key}")),
        None => encode_segment(name),
    }
}

fn at_end(text: &str) -> bool {
    text.trim().is_empty()
}

/// Takes `name=` off; a value without a name is left alone.
fn take_name(text: &str) -> (Option<String>, &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@');
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let Some((name, rest)) = text.split_at_checked(end) else { return (None, text) };
    match rest.trim_start().strip_prefix('=') {
        Some(value) if !name.is_empty() => (Some(name.to_owned()), value.trim_start()),
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{KeyPredicate, parse_path_segment, path_segment};
    use crate::literal::{Literal, tests::any_literal};

    const GUID: &str = "00000000-0000-0000-0000-00000000abcd";

    #[test]
    fn both_systems_keys_are_read() {
        let (set, key) = parse_path_segment(&format!("accounts({GUID})")).unwrap();
        assert_eq!(set, "accounts");
        assert_eq!(key.unwrap().unnamed(), Some(&Literal::Guid(GUID.into())));

        let (_, key) = parse_path_segment(&format!(
            "accounts(accountnumber='A%2FB%20''1''',_msdyn_company_value={GUID})"
        ))
        .unwrap();
        let key = key.unwrap();
        assert_eq!(key.get("ACCOUNTNUMBER"), Some(&Literal::Text("A/B '1'".into())));
        assert_eq!(key.get("_msdyn_company_value"), Some(&Literal::Guid(GUID.into())));

        let (set, key) =
            parse_path_segment("CustomersV3(dataAreaId=%27usmf%27, CustomerAccount='US,(1)')").unwrap();
        assert_eq!(set, "CustomersV3");
        assert_eq!(key.unwrap().get("CustomerAccount"), Some(&Literal::Text("US,(1)".into())));

        assert_eq!(parse_path_segment("WhoAmI()").unwrap(), ("WhoAmI".into(), Some(KeyPredicate::default())));
        assert_eq!(parse_path_segment("accounts").unwrap(), ("accounts".into(), None));
    }

    #[test]
    fn garbage_is_refused() {
        for text in [
            "", "(1)", "a(", "a(1", "a(1)b", "a('x)", "a(1,2)", "a(x=1,2)", "a(x=)", "a(,)", "a(%ff)", "a(%2",
        ] {
            assert!(parse_path_segment(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            name in "[A-Za-z]{1,12}",
            one in any_literal(),
            named in prop::collection::vec(("[A-Za-z_][A-Za-z0-9_]{0,9}", any_literal()), 1..5),
        ) {
            for key in [KeyPredicate::single(one), KeyPredicate::named(named)] {
                let printed = path_segment(&name, Some(&key));
                prop_assert!(!printed.contains(['/', '?', '#', ' ']));
                prop_assert_eq!(parse_path_segment(&printed).unwrap(), (name.clone(), Some(key)));
            }
        }

        #[test]
        fn garbage_does_not_panic(text in any::<String>()) {
            let _ = parse_path_segment(&text);
            let _ = KeyPredicate::parse(&format!("({text}"));
        }
    }
}

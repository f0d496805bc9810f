//! What may be shown of a secret or an address: next to nothing (I11).

use std::fmt;

/// A text that must never be shown: a client secret, a token, a webhook's shared secret.
///
/// `Debug` and `Display` print a placeholder, so that a secret cannot reach a log or an error by accident; the text
/// itself comes out of [`expose`](Secret::expose) only.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

const PLACEHOLDER: &str = "[redacted]";

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is the secret, in a time that does not tell how much of a wrong guess was right. (It does depend
    /// on the length of the guess, which the guesser knows.)
    pub fn is(&self, guess: &str) -> bool {
        let (mine, theirs) = (self.0.as_bytes(), guess.as_bytes());
        let mut difference = u8::from(mine.len() != theirs.len());
        for (index, byte) in theirs.iter().enumerate() {
            // A byte that we lack compares with its own complement, that is: as different.
            difference |= byte ^ mine.get(index).copied().unwrap_or(!byte);
        }
        std::hint::black_box(difference) == 0
    }

    /// A text from outside with this secret taken out of it, for services that repeat what they were sent.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, PLACEHOLDER) }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(PLACEHOLDER)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(PLACEHOLDER)
    }
}

/// The part of an address that may be logged: the table or function, without keys and filters, which are row values.
pub(crate) fn loggable(path: &str) -> &str {
    path.split(['(', '?']).next().unwrap_or_default()
}

/// An error and its causes in one line, without the address it happened at.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Secret, loggable};

    #[test]
    fn a_secret_shows_nothing() {
        let secret = Secret::new("hunter2");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "[redacted] [redacted] Some([redacted])"
        );
        assert_eq!(secret.scrub("you sent hunter2, wrong"), "you sent [redacted], wrong");
    }

    #[test]
    fn only_the_whole_secret_is_the_secret() {
        let secret = Secret::new("hunter2");
        assert!(secret.is("hunter2"));
        for guess in ["", "hunter", "hunter22", "Hunter2", "hunter3"] {
            assert!(!secret.is(guess), "{guess}");
        }
        assert!(Secret::new("").is(""));
    }

    #[test]
    fn keys_and_filters_are_not_logged() {
        assert_eq!(loggable("accounts(accountnumber='C-1')?$select=name"), "accounts");
        assert_eq!(loggable("/api/data/v9.2/accounts?$filter=name eq 'x'"), "/api/data/v9.2/accounts");
    }
}

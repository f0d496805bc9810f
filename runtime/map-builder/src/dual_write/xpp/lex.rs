//! Characters into tokens.

use dualwright_model::{Date, Decimal, Timestamp};

use super::{Operand, XppError};

/// The longest filter.
const MAX_LENGTH: usize = 64 * 1024;

/// The signs of the language; the longer of two that begin alike stands first.
const SIGNS: [&str; 14] = ["&&", "||", "==", "!=", "<=", ">=", "::", "<", ">", "!", "(", ")", ",", "="];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, with dots in it.
    Word(String),
    /// A value that stands for itself.
    Value(Operand),
    Sign(&'static str),
}

/// A token with its place in the text, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, XppError> {
    if text.len() > MAX_LENGTH {
        return Err(XppError { position: MAX_LENGTH, reason: "the filter is too long" });
    }
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let start = text.len() - rest.len();
        let (token, after) = token(rest, first).map_err(|reason| XppError { position: start, reason })?;
        rest = after.trim_start();
        tokens.push(Placed { token, start, end: text.len() - after.len() });
    }
    Ok(tokens)
}

fn token(rest: &str, first: char) -> Result<(Token, &str), &'static str> {
    if let Some(verbatim) = rest.strip_prefix("@\"") {
        let (content, after) = verbatim.split_once('"').ok_or("the text has no closing quote")?;
        return Ok((Token::Value(Operand::Text(content.to_owned())), after));
    }
    if first == '"' || first == '\'' {
        let (content, after) = quoted(rest, first).ok_or("the text has no closing quote")?;
        return Ok((Token::Value(Operand::Text(content)), after));
    }
    let next_is_digit = rest.chars().nth(1).is_some_and(|next| next.is_ascii_digit());
    if first.is_ascii_digit() || (first == '-' && next_is_digit) {
        let (word, after) = split(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '\\' | '-' | ':'));
        return Ok((Token::Value(number_or_day(word).ok_or("this is no number, day or moment")?), after));
    }
    if first.is_alphabetic() || first == '_' {
        let (word, after) = split(rest, |c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let value = match word.to_ascii_lowercase().as_str() {
            "true" => Operand::Boolean(true),
            "false" => Operand::Boolean(false),
            "null" => Operand::Null,
            _ => return Ok((Token::Word(word.to_owned()), after)),
        };
        return Ok((Token::Value(value), after));
    }
    let sign = SIGNS.into_iter().find_map(|sign| Some((sign, rest.strip_prefix(sign)?)));
    sign.map(|(sign, after)| (Token::Sign(sign), after)).ok_or("this character means nothing here")
}

fn split(text: &str, inside: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|character| !inside(character)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The content of a text in quotes, and what follows it. A backslash makes the next character an ordinary one.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next()?.1 {
                'n' => content.push('\n'),
                't' => content.push('\t'),
                escaped => content.push(escaped),
            },
            end if end == quote => return Some((content, text.get(at + end.len_utf8()..)?)),
            other => content.push(other),
        }
    }
    None
}

fn number_or_day(word: &str) -> Option<Operand> {
    if let Ok(number) = word.parse::<i64>() {
        return Some(Operand::Integer(number));
    }
    if let [day, month, year] = word.split('\\').collect::<Vec<_>>().as_slice() {
        let (day, month): (u8, u8) = (day.parse().ok()?, month.parse().ok()?);
        let iso = format!("{year:0>4}-{month:02}-{day:02}");
        return Date::parse(&iso).ok().map(Operand::Date);
    }
    if word.contains('T') {
        return Timestamp::parse(&format!("{}Z", word.trim_end_matches('Z'))).ok().map(Operand::Moment);
    }
    Decimal::parse(word).ok().map(Operand::Decimal)
}

//! The words and signs of expressions.

use std::ops::Range;

use super::expression::{Unfit, unfit};
use crate::program::Comparison;

/// One word or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// As it is spelled.
    Number(String),
    /// Without its quotes.
    Text(String),
    /// A column, or a word of the language.
    Word(String),
    Compare(Comparison),
    Plus,
    Minus,
    Times,
    Open,
    Close,
    Comma,
}

/// Signs; longer ones first.
const SIGNS: [(&str, Token); 12] = [
    ("<=", Token::Compare(Comparison::LessOrEqual)),
    (">=", Token::Compare(Comparison::GreaterOrEqual)),
    ("!=", Token::Compare(Comparison::NotEqual)),
    ("<", Token::Compare(Comparison::Less)),
    (">", Token::Compare(Comparison::Greater)),
    ("=", Token::Compare(Comparison::Equal)),
    ("+", Token::Plus),
    ("-", Token::Minus),
    ("*", Token::Times),
    ("(", Token::Open),
    (")", Token::Close),
    (",", Token::Comma),
];

/// All of them, with their places.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, Unfit> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) =
            one(rest, first).map_err(|(length, message, hint)| unfit(at..at + length, message, hint))?;
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

type NoToken = (usize, &'static str, &'static str);

fn one(rest: &str, first: char) -> Result<(Token, usize), NoToken> {
    if first == '\'' {
        return quoted(rest);
    }
    if rest.starts_with("==") {
        return Err((2, "`==` is not a comparison", "write `=`"));
    }
    if let Some((sign, token)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((token.clone(), sign.len()));
    }
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.');
    let length = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or_default().to_owned();
    if first.is_ascii_digit() {
        return Ok((Token::Number(word), length));
    }
    if first.is_alphabetic() || first == '_' {
        return Ok((Token::Word(word), length));
    }
    let hint = if first == '"' { "texts stand in single quotes" } else { "" };
    Err((first.len_utf8(), "this sign means nothing here", hint))
}

/// A text in single quotes; a doubled quote is a quote inside.
fn quoted(rest: &str) -> Result<(Token, usize), NoToken> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != '\'' {
            text.push(character);
        } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
            text.push('\'');
        } else {
            return Ok((Token::Text(text), at + 1));
        }
    }
    Err((rest.len(), "this text does not end", ""))
}

//! Expressions: from text to terms. The grammar stands in the crate's README.

use std::borrow::Cow;
use std::ops::Range;

use super::day::day;
use super::token::{Token, tokens};
use crate::exact::Exact;
use crate::kinds;
use crate::program::{Comparison, Literal, Term};

/// The most terms, and how deeply they may be nested.
const TERMS_MAX: usize = 500;
const DEPTH_MAX: usize = 40;

/// Why a text is no expression, and where in it.
#[derive(Debug)]
pub(super) struct Unfit {
    pub(super) at: Range<usize>,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// Finds the position of a column; the error says why there is none.
pub(super) type FindColumn<'a> = dyn FnMut(&str) -> Result<usize, String> + 'a;

/// Compiles an expression and checks what it takes its columns for.
pub(super) fn compile(text: &str, find: &mut FindColumn<'_>) -> Result<Vec<Term<'static>>, Unfit> {
    let tokens = tokens(text)?;
    let mut parser =
        Parser { tokens, at: 0, end: text.len(), depth: 0, terms: Vec::new(), places: Vec::new(), find };
    parser.or()?;
    if let Some((_, at)) = parser.tokens.get(parser.at) {
        return Err(unfit(at.clone(), "this does not belong here", "combine conditions with `and` or `or`"));
    }
    match kinds::infer(&parser.terms) {
        Ok(_) => Ok(parser.terms),
        Err(misfit) => {
            let at = parser.places.get(misfit.term).cloned().unwrap_or(0..text.len());
            Err(Unfit { at, message: misfit.message, hint: "" })
        }
    }
}

pub(super) fn unfit(at: Range<usize>, message: impl Into<String>, hint: &'static str) -> Unfit {
    Unfit { at, message: message.into(), hint }
}

struct Parser<'f, 'c> {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    end: usize,
    depth: usize,
    terms: Vec<Term<'static>>,
    /// Where each term comes from.
    places: Vec<Range<usize>>,
    find: &'f mut FindColumn<'c>,
}

type Parsed = Result<(), Unfit>;

impl Parser<'_, '_> {
    fn or(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(unfit(self.place(), "this is nested too deeply", "write two rules"));
        }
        let start = self.terms.len();
        self.and()?;
        while self.word("or") {
            self.and()?;
            self.push_over(Term::Or, start)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn and(&mut self) -> Parsed {
        let start = self.terms.len();
        self.not()?;
        while self.word("and") {
            self.not()?;
            self.push_over(Term::And, start)?;
        }
        Ok(())
    }

    fn not(&mut self) -> Parsed {
        let start = self.terms.len();
        let mut count = 0_usize;
        while self.word("not") {
            count += 1;
        }
        self.comparison()?;
        for _ in 0..count {
            self.push_over(Term::Not, start)?;
        }
        Ok(())
    }

    fn comparison(&mut self) -> Parsed {
        let start = self.terms.len();
        self.sum()?;
        if self.word("is") {
            let not = self.word("not");
            self.expect_word("null")?;
            self.push_over(Term::IsNull, start)?;
            return if not { self.push_over(Term::Not, start) } else { Ok(()) };
        }
        let not = self.peek_word("not");
        if not {
            self.at += 1;
        }
        if self.word("in") {
            self.members(start)?;
            return if not { self.push_over(Term::Not, start) } else { Ok(()) };
        }
        if not {
            return Err(unfit(self.place(), "`in` must follow here", ""));
        }
        let comparison = match self.tokens.get(self.at) {
            Some((Token::Compare(comparison), _)) => *comparison,
            _ => return Ok(()),
        };
        self.at += 1;
        self.sum()?;
        self.push_over(Term::Compare(comparison), start)
    }

    /// `x in (1, 2)` is `x = 1 or x = 2`.
    fn members(&mut self, start: usize) -> Parsed {
        let (left, places) = (self.terms.split_off(start), self.places.split_off(start));
        self.expect(&Token::Open, "`(`")?;
        loop {
            self.terms.extend(left.iter().cloned());
            self.places.extend(places.iter().cloned());
            let value = self.terms.len();
            self.product()?;
            if !matches!(self.terms.get(value..), Some([Term::Literal(_)] | [Term::Literal(_), Term::Negate]))
            {
                let hint = "numbers, texts in single quotes, true, false, days";
                return Err(unfit(self.place_of(value), "only values can stand in this list", hint));
            }
            let first = value == start + left.len();
            let from = value.saturating_sub(left.len());
            self.push_over(Term::Compare(Comparison::Equal), from)?;
            if !first {
                self.push_over(Term::Or, start)?;
            }
            if self.takes(&Token::Comma) {
                continue;
            }
            return self.expect(&Token::Close, "`,` or `)`");
        }
    }

    fn sum(&mut self) -> Parsed {
        let start = self.terms.len();
        self.product()?;
        loop {
            let term = match self.tokens.get(self.at) {
                Some((Token::Plus, _)) => Term::Add,
                Some((Token::Minus, _)) => Term::Subtract,
                _ => return Ok(()),
            };
            self.at += 1;
            self.product()?;
            self.push_over(term, start)?;
        }
    }

    fn product(&mut self) -> Parsed {
        let start = self.terms.len();
        self.signed()?;
        while self.takes(&Token::Times) {
            self.signed()?;
            self.push_over(Term::Multiply, start)?;
        }
        Ok(())
    }

    fn signed(&mut self) -> Parsed {
        let start = self.terms.len();
        let mut negative = false;
        while self.takes(&Token::Minus) {
            negative = !negative;
        }
        self.primary()?;
        if negative { self.push_over(Term::Negate, start) } else { Ok(()) }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.place();
        let Some((token, _)) = self.tokens.get(self.at).cloned() else {
            return Err(unfit(at, "something is missing at the end", ""));
        };
        self.at += 1;
        match token {
            Token::Number(number) => match Exact::parse(&number) {
                Some(number) => self.push(Term::Literal(Literal::Number(number)), at),
                None => Err(unfit(at, "this is not a number of at most 38 digits", "")),
            },
            Token::Text(text) => self.push(Term::Literal(Literal::Text(Cow::Owned(text))), at),
            Token::Open => {
                self.or()?;
                self.expect(&Token::Close, "`)`")
            }
            Token::Word(word) => self.named(&word, at),
            _ => Err(unfit(at, "a column or a value must stand here", "")),
        }
    }

    fn named(&mut self, word: &str, at: Range<usize>) -> Parsed {
        let next = self.tokens.get(self.at).cloned();
        match (word.to_ascii_lowercase().as_str(), next) {
            (flag @ ("true" | "false"), _) => self.push(Term::Literal(Literal::Boolean(flag == "true")), at),
            ("null", _) => Err(unfit(at, "null is equal to nothing", "write `is null` or `is not null`")),
            ("and" | "or" | "not" | "in" | "is", _) => {
                Err(unfit(at, "a column or a value must stand here", ""))
            }
            ("date", Some((Token::Text(text), place))) => {
                self.at += 1;
                match day(&text) {
                    Some(day) => self.push(Term::Literal(Literal::Day(day)), at.start..place.end),
                    None => Err(unfit(place, "this is not a day", "write it so: `date '2026-01-31'`")),
                }
            }
            ("length", Some((Token::Open, _))) => {
                self.at += 1;
                let start = self.terms.len();
                self.or()?;
                self.expect(&Token::Close, "`)`")?;
                self.push_over(Term::Length, start)
            }
            (_, Some((Token::Open, _))) => {
                Err(unfit(at, format!("there is no function {word}"), "the only one is `length(…)`"))
            }
            _ => match (self.find)(word) {
                Ok(position) => self.push(Term::Cell(position), at),
                Err(message) => Err(unfit(at, message, "")),
            },
        }
    }

    // === tokens and terms ===

    fn place(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |(_, at)| at.clone())
    }

    fn place_of(&self, term: usize) -> Range<usize> {
        self.places.get(term).cloned().unwrap_or_else(|| self.place())
    }

    fn takes(&mut self, wanted: &Token) -> bool {
        let is = self.tokens.get(self.at).is_some_and(|(token, _)| token == wanted);
        self.at += usize::from(is);
        is
    }

    fn peek_word(&self, wanted: &str) -> bool {
        let token = self.tokens.get(self.at);
        matches!(token, Some((Token::Word(word), _)) if word.eq_ignore_ascii_case(wanted))
    }

    fn word(&mut self, wanted: &str) -> bool {
        let is = self.peek_word(wanted);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, wanted: &Token, what: &str) -> Parsed {
        match self.takes(wanted) {
            true => Ok(()),
            false => Err(unfit(self.place(), format!("{what} must stand here"), "")),
        }
    }

    fn expect_word(&mut self, wanted: &str) -> Parsed {
        match self.word(wanted) {
            true => Ok(()),
            false => Err(unfit(self.place(), format!("`{wanted}` must stand here"), "")),
        }
    }

    fn push(&mut self, term: Term<'static>, at: Range<usize>) -> Parsed {
        if self.terms.len() >= TERMS_MAX {
            return Err(unfit(at, format!("more than {TERMS_MAX} terms"), "write two rules"));
        }
        self.terms.push(term);
        self.places.push(at);
        Ok(())
    }

    /// A term whose operands are those since `start`: its place is all of them.
    fn push_over(&mut self, term: Term<'static>, start: usize) -> Parsed {
        let places = self.places.get(start..).unwrap_or_default();
        let first = places.iter().map(|place| place.start).min().unwrap_or_default();
        let last = places.iter().map(|place| place.end).max().unwrap_or(self.end);
        self.push(term, first..last)
    }
}

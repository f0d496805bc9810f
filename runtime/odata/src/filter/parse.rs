//! Recursive descent over the text; each bracket or `not` counts towards the nesting limit.

use std::borrow::Cow;

use super::{Filter, FilterError, Operator, TextFunction};
use crate::literal::Literal;

/// The longest filter: a query of a thousand keys fits.
const MAX_LENGTH: usize = 256 * 1024;
/// Brackets and `not`s within each other.
const MAX_NESTING: usize = 64;

impl Filter {
    /// Reads a filter, decoded.
    ///
    /// # Errors
    /// Where it is not one, with the place and the reason.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_LENGTH {
            return Err(FilterError { position: MAX_LENGTH, reason: "the filter is too long" });
        }
        let mut parser = Parser { text, rest: text, nesting: 0 };
        let filter = parser.or()?;
        parser.space();
        if parser.rest.is_empty() {
            Ok(filter)
        } else {
            Err(parser.error("'and', 'or' or the end is expected"))
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, reason: &'static str) -> FilterError {
        self.error_at(self.rest, reason)
    }

    fn error_at(&self, rest: &str, reason: &'static str) -> FilterError {
        FilterError { position: self.text.len() - rest.len(), reason }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn or(&mut self) -> Result<Filter, FilterError> {
        self.chain("or", Self::and, Filter::any)
    }

    fn and(&mut self) -> Result<Filter, FilterError> {
        self.chain("and", Self::unary, Filter::all)
    }

    fn chain(
        &mut self,
        word: &str,
        operand: fn(&mut Self) -> Result<Filter, FilterError>,
        join: fn(Vec<Filter>) -> Option<Filter>,
    ) -> Result<Filter, FilterError> {
        let mut filters = vec![operand(self)?];
        while self.keyword(word) {
            filters.push(operand(self)?);
        }
        join(filters).ok_or_else(|| self.error("a condition is expected"))
    }

    fn unary(&mut self) -> Result<Filter, FilterError> {
        self.space();
        if self.keyword("not") {
            return self.nested(|parser| parser.unary().map(|filter| Filter::Not(Box::new(filter))));
        }
        if self.symbol('(') {
            return self.nested(|parser| {
                let filter = parser.or()?;
                parser.expect(')', "a closing bracket is expected")?;
                Ok(filter)
            });
        }
        self.condition()
    }

    fn nested(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Filter, FilterError>,
    ) -> Result<Filter, FilterError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.error("the filter is nested too deeply"));
        }
        let filter = inner(self)?;
        self.nesting -= 1;
        Ok(filter)
    }

    fn condition(&mut self) -> Result<Filter, FilterError> {
        let start = self.rest;
        let path = self.path()?;
        if let Some(function) = function(path)
            && self.symbol('(')
        {
            return self.function(function);
        }
        let path = self.wrapped(start, path)?;
        self.space();
        let word_at = self.rest;
        let word = self.word();
        if word.eq_ignore_ascii_case("in") {
            return self.list(path.into_owned());
        }
        let operator = operator(word).ok_or_else(|| {
            if word.is_empty() && self.rest.starts_with('(') {
                self.error_at(start, "this function is not supported")
            } else {
                self.error_at(word_at, "one of eq, ne, gt, ge, lt, le, in is expected")
            }
        })?;
        let literal = self.literal()?;
        Ok(Filter::Compare { path: path.into_owned(), operator, literal })
    }

    fn function(&mut self, function: TextFunction) -> Result<Filter, FilterError> {
        self.space();
        let start = self.rest;
        let path = self.path()?;
        let path = self.wrapped(start, path)?.into_owned();
        self.expect(',', "a comma is expected")?;
        self.space();
        let at = self.rest;
        let Literal::Text(text) = self.literal()? else {
            return Err(self.error_at(at, "a text in quotes is expected"));
        };
        self.expect(')', "a closing bracket is expected")?;
        Ok(Filter::Function { function, path, text })
    }

    /// A column in `tolower(…)` or `toupper(…)`, spaces left out; any other text is the column itself.
    fn wrapped(&mut self, start: &'a str, path: &'a str) -> Result<Cow<'a, str>, FilterError> {
        let is_case = path.eq_ignore_ascii_case("tolower") || path.eq_ignore_ascii_case("toupper");
        if !is_case || !self.symbol('(') {
            return Ok(Cow::Borrowed(path));
        }
        self.space();
        let inner = self.path()?;
        if self.rest.trim_start().starts_with('(') {
            return Err(self.error_at(start, "this function is not supported"));
        }
        self.expect(')', "a closing bracket is expected")?;
        Ok(Cow::Owned(format!("{path}({inner})")))
    }

    fn list(&mut self, path: String) -> Result<Filter, FilterError> {
        self.expect('(', "an opening bracket is expected")?;
        let mut list = vec![self.literal()?];
        while self.symbol(',') {
            list.push(self.literal()?);
        }
        self.expect(')', "a comma or a closing bracket is expected")?;
        Ok(Filter::In { path, list })
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        self.space();
        let (literal, rest) =
            Literal::take(self.rest).map_err(|(place, reason)| self.error_at(place, reason))?;
        self.rest = rest;
        Ok(literal)
    }

    fn path(&mut self) -> Result<&'a str, FilterError> {
        let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '@');
        let end = self.rest.find(|c| !is_path(c)).unwrap_or(self.rest.len());
        let (path, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        if !path.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return Err(self.error("a column is expected"));
        }
        self.rest = rest;
        Ok(path)
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        word
    }

    /// Takes a keyword that stands alone; leaves everything else.
    fn keyword(&mut self, keyword: &str) -> bool {
        let text = self.rest.trim_start();
        let Some((word, rest)) = text.split_at_checked(keyword.len()) else { return false };
        if !word.eq_ignore_ascii_case(keyword) || !rest.starts_with(|c: char| c.is_whitespace() || c == '(') {
            return false;
        }
        // A column may be called `not` or `and`.
        let next = rest.trim_start();
        let end = next.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(next.len());
        let follower = next.split_at_checked(end).map_or("", |split| split.0);
        if keyword == "not" && operator(follower).is_some() {
            return false;
        }
        self.rest = rest;
        true
    }

    fn symbol(&mut self, symbol: char) -> bool {
        match self.rest.trim_start().strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, symbol: char, reason: &'static str) -> Result<(), FilterError> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.error(reason)) }
    }
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word.to_ascii_lowercase().as_str() {
        "eq" => Operator::Equal,
        "ne" => Operator::NotEqual,
        "gt" => Operator::Greater,
        "ge" => Operator::GreaterOrEqual,
        "lt" => Operator::Less,
        "le" => Operator::LessOrEqual,
        _ => return None,
    })
}

fn function(word: &str) -> Option<TextFunction> {
    Some(match word.to_ascii_lowercase().as_str() {
        "startswith" => TextFunction::StartsWith,
        "endswith" => TextFunction::EndsWith,
        "contains" => TextFunction::Contains,
        _ => return None,
    })
}

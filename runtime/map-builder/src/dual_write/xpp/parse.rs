//! Recursive descent over the tokens; every bracket and `!` counts towards the nesting limit.

use dualwright_odata::filter::Operator;

use super::lex::{Placed, Token, tokens};
use super::{Condition, Operand, XppError};

/// Brackets and `!`s within each other.
const MAX_NESTING: usize = 64;

impl Condition {
    /// Reads a filter; `None` when there is nothing in it.
    ///
    /// # Errors
    /// Where it is not one, with the place and the reason.
    pub fn parse(text: &str) -> Result<Option<Self>, XppError> {
        let tokens = tokens(text)?;
        if tokens.is_empty() {
            return Ok(None);
        }
        let mut parser = Parser { text, tokens: &tokens, at: 0, nesting: 0 };
        let condition = parser.or()?;
        match parser.peek() {
            None => Ok(Some(condition)),
            Some(_) => Err(parser.error("&&, || or the end is expected")),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Placed],
    at: usize,
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    fn error(&self, reason: &'static str) -> XppError {
        let position = self.tokens.get(self.at).map_or(self.text.len(), |placed| placed.start);
        XppError { position, reason }
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Condition, XppError> {
        self.chain("||", Self::and, Condition::Or)
    }

    fn and(&mut self) -> Result<Condition, XppError> {
        self.chain("&&", Self::unary, Condition::And)
    }

    fn chain(
        &mut self,
        sign: &str,
        part: fn(&mut Self) -> Result<Condition, XppError>,
        join: fn(Vec<Condition>) -> Condition,
    ) -> Result<Condition, XppError> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.sign(sign) {
            parts.push(part(self)?);
        }
        Ok(if parts.len() > 1 { join(parts) } else { parts.swap_remove(0) })
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, XppError>) -> Result<T, XppError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.error("the filter is nested too deeply"));
        }
        let done = inner(self)?;
        self.nesting -= 1;
        Ok(done)
    }

    fn unary(&mut self) -> Result<Condition, XppError> {
        if self.sign("!") {
            return self.nested(|parser| Ok(Condition::Not(Box::new(parser.unary()?))));
        }
        if self.sign("(") {
            let inner = self.nested(|parser| {
                let inner = parser.or()?;
                if parser.sign(")") { Ok(inner) } else { Err(parser.error("a closing bracket is expected")) }
            })?;
            // `(Column) == 1`: the brackets were those of an operand.
            return match inner {
                Condition::Holds(left) => self.comparison(left),
                whole => Ok(whole),
            };
        }
        let left = self.operand()?;
        self.comparison(left)
    }

    /// What follows the left side, if anything does.
    fn comparison(&mut self, left: Operand) -> Result<Condition, XppError> {
        if let Some(Token::Word(word)) = self.peek()
            && word.eq_ignore_ascii_case("like")
        {
            self.at += 1;
            return match self.operand()? {
                Operand::Text(pattern) => Ok(Condition::Like { left, pattern }),
                _ => Err(self.error("a text in quotes is expected before this")),
            };
        }
        let operator = match self.peek() {
            Some(Token::Sign("==" | "=")) => Operator::Equal,
            Some(Token::Sign("!=")) => Operator::NotEqual,
            Some(Token::Sign(">")) => Operator::Greater,
            Some(Token::Sign(">=")) => Operator::GreaterOrEqual,
            Some(Token::Sign("<")) => Operator::Less,
            Some(Token::Sign("<=")) => Operator::LessOrEqual,
            _ => return Ok(Condition::Holds(left)),
        };
        self.at += 1;
        Ok(Condition::Compare { left, operator, right: self.operand()? })
    }

    fn operand(&mut self) -> Result<Operand, XppError> {
        if self.sign("(") {
            return self.nested(|parser| {
                let operand = parser.operand()?;
                if parser.sign(")") {
                    Ok(operand)
                } else {
                    Err(parser.error("a closing bracket is expected"))
                }
            });
        }
        let start = self.at;
        match self.peek() {
            Some(Token::Value(value)) => {
                self.at += 1;
                Ok(value.clone())
            }
            Some(Token::Word(word)) => {
                self.at += 1;
                if self.sign("(") {
                    return self.call(start);
                }
                if !self.sign("::") {
                    return Ok(Operand::Column(word.clone()));
                }
                let Some(Token::Word(member)) = self.peek() else {
                    return Err(self.error("the member of an enum is expected"));
                };
                self.at += 1;
                if self.sign("(") {
                    return self.call(start);
                }
                Ok(Operand::Enum { type_name: word.clone(), member: member.clone() })
            }
            _ => Err(self.error("a column or a value is expected")),
        }
    }

    /// A call, of which the opening bracket is read: to its closing one, whatever is between.
    fn call(&mut self, start: usize) -> Result<Operand, XppError> {
        let mut open = 1_usize;
        while open > 0 {
            match self.peek() {
                Some(Token::Sign("(")) => open += 1,
                Some(Token::Sign(")")) => open -= 1,
                Some(_) => {}
                None => return Err(self.error("a closing bracket is expected")),
            }
            self.at += 1;
        }
        let begin = self.tokens.get(start).map_or(0, |placed| placed.start);
        let end = self.tokens.get(self.at - 1).map_or(begin, |placed| placed.end);
        Ok(Operand::Call(self.text.get(begin..end).unwrap_or_default().to_owned()))
    }
}

//! A map's filter, judged by a few lines of its own.

use super::cell::Cell;

/// Whether a row, asked for its cells by name, passes a filter. `None` when the filter says something that this small
/// judge does not understand.
pub(crate) fn passes(filter: &str, cell: &dyn Fn(&str) -> Cell) -> Option<bool> {
    let tokens = tokens(filter)?;
    let mut judge = Judge { tokens: &tokens, cell };
    let answer = judge.either()?;
    judge.tokens.is_empty().then_some(answer)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Open,
    Close,
}

fn tokens(filter: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = filter.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..)?;
        rest = match first {
            '(' | ')' => {
                found.push(if first == '(' { Token::Open } else { Token::Close });
                after
            }
            '\'' => {
                let (text, after) = quoted(after)?;
                // `Some.Enum'Member'`: the member is what counts.
                if rest_is_enum(&found, filter, rest) {
                    found.pop();
                }
                found.push(Token::Quoted(text));
                after
            }
            _ => {
                let end = rest.find(|letter: char| letter.is_whitespace() || "()'".contains(letter));
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                found.push(Token::Word(word.to_owned()));
                after
            }
        }
        .trim_start();
    }
    Some(found)
}

/// Whether a quote follows directly upon a word with dots in it.
fn rest_is_enum(found: &[Token], filter: &str, rest: &str) -> bool {
    let before = filter.get(..filter.len() - rest.len()).unwrap_or_default();
    match found.last() {
        Some(Token::Word(word)) => word.contains('.') && before.ends_with(word.as_str()),
        _ => false,
    }
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('\'')?;
        content.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                content.push('\'');
                rest = more;
            }
            None => return Some((content, after)),
        }
    }
}

struct Judge<'a> {
    tokens: &'a [Token],
    cell: &'a dyn Fn(&str) -> Cell,
}

impl Judge<'_> {
    fn either(&mut self) -> Option<bool> {
        let mut answer = self.both()?;
        while self.take_word("or") {
            answer |= self.both()?;
        }
        Some(answer)
    }

    fn both(&mut self) -> Option<bool> {
        let mut answer = self.one()?;
        while self.take_word("and") {
            answer &= self.one()?;
        }
        Some(answer)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take_word("not") {
            return Some(!self.one()?);
        }
        if self.tokens.first() == Some(&Token::Open) {
            self.next()?;
            let answer = self.either()?;
            return (self.next()? == Token::Close).then_some(answer);
        }
        let Token::Word(column) = self.next()? else { return None };
        let Token::Word(operator) = self.next()? else { return None };
        let literal = match self.next()? {
            Token::Quoted(text) => Cell::text(text),
            Token::Word(word) => literal(&word)?,
            Token::Open | Token::Close => return None,
        };
        let value = (self.cell)(&column.replace('/', "."));
        // Both systems compare text without regard to case.
        let same = value.says_the_same(&literal) || (!value.is_nothing() && value.key() == literal.key());
        match operator.to_ascii_lowercase().as_str() {
            "eq" => Some(same),
            "ne" => Some(!same),
            _ => None,
        }
    }

    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.tokens.first(), Some(Token::Word(first)) if first.eq_ignore_ascii_case(word));
        if found {
            self.tokens = self.tokens.get(1..).unwrap_or_default();
        }
        found
    }
}

fn literal(word: &str) -> Option<Cell> {
    match word {
        "null" => Some(Cell::Nothing),
        "true" => Some(Cell::Flag(true)),
        "false" => Some(Cell::Flag(false)),
        number if number.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
            Some(Cell::number(number))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::Cell;
    use super::passes;

    fn check(filter: &str, expect: Option<bool>) {
        let cell = |name: &str| match name {
            "Kind" => Cell::text("O'Neil"),
            "number" => Cell::Number("3".into()),
            "sellable" => Cell::Flag(true),
            "company.code" => Cell::text("usmf"),
            _ => Cell::Nothing,
        };
        assert_eq!(passes(filter, &cell), expect, "{filter}");
    }

    #[test]
    fn the_filters_of_maps_are_judged() {
        check("Kind eq 'o''neil'", Some(true));
        check("(Kind eq 'X') or (number eq 3)", Some(true));
        check("Kind eq 'X' or number eq 3 and sellable eq false", Some(false));
        check("sellable eq true  and other ne null", Some(false));
        check("not (other ne null)", Some(true));
        check("Kind ne Microsoft.Dynamics.DataEntities.Kinds'Shop'", Some(true));
        check("company/code eq 'USMF'", Some(true));
        for unknown in ["Kind like 'x'", "contains(Kind,'x')", "Kind eq 'x", "Kind eq", "(Kind eq 'x'", ""] {
            check(unknown, None);
        }
    }
}

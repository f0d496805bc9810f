//! The line of a file at which something is wrong, with carets under it.

use std::ops::Range;

/// A place in a text, for people.
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    /// The line, and carets under the place.
    pub(crate) excerpt: String,
}

/// The longest piece of a line shown on either side of the place.
const CONTEXT: usize = 90;

/// Where a byte range begins, and what it looks like. A range beyond the text is at its end.
pub(crate) fn place(text: &str, span: &Range<usize>) -> Place {
    let start = floor(text, span.start);
    let end = floor(text, span.end).max(start);
    let (before, after) = text.split_at(start);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    let lead: Vec<char> = text.get(line_start..start).unwrap_or_default().chars().collect();
    let marked: String =
        text.get(start..end).unwrap_or_default().chars().take_while(|at| *at != '\n').collect();
    let rest: String = after.chars().take_while(|at| *at != '\n' && *at != '\r').take(CONTEXT * 2).collect();
    // Tabs would shift the carets.
    let shown: String = lead
        .iter()
        .skip(lead.len().saturating_sub(CONTEXT))
        .map(|at| if *at == '\t' { ' ' } else { *at })
        .collect();
    let carets = marked.chars().count().clamp(1, rest.chars().count().max(1));
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let indent = " ".repeat(shown.chars().count());
    let excerpt = format!(
        " {margin} |\n {number} | {shown}{}\n {margin} | {indent}{}",
        rest.trim_end(),
        "^".repeat(carets)
    );
    Place { line, column: lead.len() + 1, excerpt }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn carets_stand_under_the_place() {
        let text = "[map]\nname = \"Ærø\" # x\n";
        let start = text.find("\"Ærø\"").unwrap();
        let place = place(text, &(start..start + "\"Ærø\"".len()));
        assert_eq!((place.line, place.column), (2, 8));
        assert_eq!(place.excerpt, "   |\n 2 | name = \"Ærø\" # x\n   |        ^^^^^");
    }

    #[test]
    fn odd_spans_do_no_harm() {
        for (text, span) in [("", 0..0), ("é", 1..1), ("a\n", 5..9), ("a\nb", 1..3), ("\r\n", 0..2)] {
            let place = place(text, &span);
            assert!(place.line >= 1 && place.excerpt.contains('^'));
        }
    }
}

//! As much of a filter as maps use: comparisons joined by `and`.

use anyhow::{Context, bail};

use crate::Cell;
use crate::row::Row;

/// Whether a row is a map's business: `PartyType eq 'Person'`, `a eq true and b ne null`.
///
/// # Errors
/// When the filter says more than this.
pub(crate) fn matches(filter: &str, row: &Row) -> anyhow::Result<bool> {
    let words = words(filter)?;
    for comparison in words.split(|word| word == "and") {
        let [column, operator, literal] = comparison else { bail!("not understood: {filter}") };
        let equal = match literal.as_str() {
            "null" => *row.cell(column) == Cell::Nothing,
            "true" => *row.cell(column) == Cell::Flag(true),
            "false" => *row.cell(column) == Cell::Flag(false),
            text => match text.strip_prefix('\'') {
                Some(text) => row.cell(column).key() == text.trim_end().to_lowercase(),
                None => *row.cell(column) == Cell::Number(text.to_owned()),
            },
        };
        let holds = match operator.as_str() {
            "eq" => equal,
            "ne" => !equal,
            _ => bail!("not understood: {operator} in {filter}"),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The words of a filter; a text begins with a quote and has lost the one at its end.
fn words(filter: &str) -> anyhow::Result<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = filter.trim();
    while !rest.is_empty() {
        let end = match rest.strip_prefix('\'') {
            Some(text) => text.find('\'').context("a text without an end")? + 2,
            None => rest.find(' ').unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(end);
        words.push(if word.starts_with('\'') {
            word.trim_end_matches('\'').to_owned()
        } else {
            word.to_owned()
        });
        rest = after.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::matches;
    use crate::{Row, System};

    #[test]
    fn comparisons_joined_by_and() {
        let row = serde_json::json!({"Kind": "Shop", "Open": true, "Level": 3, "Owner": null, "Name": "A b"});
        let row = Row::read(System::Finops, &row);
        for (filter, expect) in [
            ("Kind eq 'Shop'", true),
            ("Kind ne 'Shop'", false),
            ("Kind eq 'shop' and Open eq true", true),
            ("Kind eq 'Shop' and Level eq 4", false),
            ("Level eq 3 and Owner eq null", true),
            ("Owner ne null", false),
            ("Name eq 'a B'", true),
        ] {
            assert_eq!(matches(filter, &row).unwrap(), expect, "{filter}");
        }
        for filter in
            ["Kind", "Kind gt 'a'", "Kind eq 'a' or Open eq true", "startswith(Kind,'S')", "a eq 'b"]
        {
            assert!(matches(filter, &row).is_err(), "{filter}");
        }
    }
}

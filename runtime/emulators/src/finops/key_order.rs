//! Rows in the order of their key, read through the key's index: the order in which whole tables are read, page by page.

use super::error::ApiError;
use super::model::Entity;
use crate::kernel::rows::{Row, Snapshot};
use crate::kernel::schema::ColumnType;

/// After every text of a key.
const END: &str = "\u{10ffff}\u{10ffff}";
/// Follows the character that stands between two parts of a key's text.
const AFTER_PART: char = '}';

/// Whether this order is that of the key, and the index has it: the parts of its texts sort one by one only where there
/// is a company and one more part, or one part at all.
pub(super) fn is_key_order(entity: &Entity, order: &[(usize, bool)]) -> bool {
    let columns = &entity.key.columns;
    let plain = match columns.as_slice() {
        [_] => true,
        [first, _] => entity.company == Some(*first),
        _ => false,
    };
    let texts =
        |position: &usize| entity.column(*position).is_some_and(|column| column.kind == ColumnType::Text);
    plain
        && columns.iter().all(texts)
        && order.len() == columns.len()
        && order.iter().zip(columns).all(|((position, descending), column)| position == column && !descending)
}

/// Visits rows in the order of the key, of one company or of all, after a key's text, until `see` answers false.
pub(super) fn in_key_order(
    snapshot: &Snapshot<'_>,
    entity: &Entity,
    company: Option<&str>,
    after: Option<&str>,
    mut see: impl FnMut(&str, Row) -> bool,
) -> Result<(), ApiError> {
    // No text lies between another and the same with this character.
    let start = after.map(|text| format!("{text}\u{0}"));
    let [_, _] = entity.key.columns.as_slice() else {
        let low = start.as_deref().unwrap_or("");
        return snapshot.scan_key(&entity.table, 0, (low, END), |text, row| Ok(see(text, row)));
    };
    let mut companies = companies(snapshot, entity)?;
    if let Some(only) = company {
        let only = only.trim_end().to_lowercase();
        companies.retain(|known| *known == only);
    }
    let begun = after.map(first_part);
    let mut goes_on = true;
    for company in companies {
        let mut low = format!("{company}|");
        match begun {
            Some(begun) if company.as_str() < begun => continue,
            Some(begun) if company == begun => low = start.clone().unwrap_or(low),
            _ => {}
        }
        let high = format!("{company}{AFTER_PART}");
        snapshot.scan_key(&entity.table, 0, (&low, &high), |text, row| {
            goes_on = see(text, row);
            Ok::<bool, ApiError>(goes_on)
        })?;
        if !goes_on {
            break;
        }
    }
    Ok(())
}

/// The companies that have rows, sorted; as they stand in the texts of keys.
fn companies(snapshot: &Snapshot<'_>, entity: &Entity) -> Result<Vec<String>, ApiError> {
    let mut companies = Vec::new();
    let mut low = String::new();
    while let Some(text) = snapshot.next_key(&entity.table, 0, &low)? {
        let company = first_part(&text).to_owned();
        low = format!("{company}{AFTER_PART}");
        companies.push(company);
    }
    companies.sort();
    Ok(companies)
}

/// What stands before the first separator of a key's text.
fn first_part(text: &str) -> &str {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '|' if !escaped => return text.get(..at).unwrap_or(text),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::first_part;

    #[test]
    fn the_company_is_the_first_part() {
        assert_eq!(first_part("usmf|a|b"), "usmf");
        assert_eq!(first_part("a\\|b|c"), "a\\|b");
        assert_eq!(first_part("a\\\\|b"), "a\\\\");
        assert_eq!(first_part("one"), "one");
        assert_eq!(first_part(""), "");
    }
}

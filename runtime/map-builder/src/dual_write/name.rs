//! Names: of maps, of tables, of versions.

/// Words in lower case with single dashes: `Customers V3 (accounts)` becomes `customers-v3-accounts`.
pub(super) fn kebab(text: &str) -> String {
    let mut name = String::new();
    let mut before = ' ';
    for character in text.chars() {
        if !character.is_ascii_alphanumeric() {
            before = ' ';
            continue;
        }
        let starts_word = !before.is_ascii_alphanumeric()
            || (character.is_ascii_uppercase() && before.is_ascii_lowercase());
        if starts_word && !name.is_empty() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
        before = character;
    }
    name
}

/// The letters and digits alone: `Customer groups` and `CustomerGroups` are one.
pub(super) fn squeezed(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `Customer groups` as a data service would spell the entity set.
pub(super) fn pascal(text: &str) -> String {
    let mut name = String::new();
    let mut upper = true;
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || character == '_' {
            name.push(if upper { character.to_ascii_uppercase() } else { character });
            upper = false;
        } else {
            upper = true;
        }
    }
    name
}

/// The two tables of a map's name, `[one] - [other]`, squeezed and in a fixed order: tools turn them round.
pub(super) fn tables_of(name: &str) -> Option<[String; 2]> {
    let (one, other) = name.split_once(" - ")?;
    let mut tables = [squeezed(one), squeezed(other)];
    tables.sort();
    Some(tables)
}

/// A version of four numbers as three, and what does not fit.
pub(super) fn version(text: &str) -> Option<([u32; 3], u32)> {
    let mut numbers = [0; 4];
    let parts: Vec<&str> = text.trim().split('.').collect();
    if parts.is_empty() || parts.len() > 4 {
        return None;
    }
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = part.parse().ok()?;
    }
    let [major, minor, patch, revision] = numbers;
    Some(([major, minor, patch], revision))
}

/// For finding the newest of several: what is no version is older than all.
pub(super) fn version_order(text: Option<&str>) -> ([u32; 3], u32) {
    text.and_then(version).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{kebab, pascal, tables_of, version};

    #[test]
    fn names_are_made_of_labels() {
        assert_eq!(kebab("Customers V3 (accounts)"), "customers-v3-accounts");
        assert_eq!(kebab("msdyn_customergroups"), "msdyn-customergroups");
        assert_eq!(kebab("ReleasedProductsV2"), "released-products-v2");
        assert_eq!(pascal("CDS purchase order line entity"), "CDSPurchaseOrderLineEntity");
        assert_eq!(tables_of("[Customer groups] - [uoms]"), tables_of("uoms - Customer groups"));
        assert_eq!(version("1.0.2.7"), Some(([1, 0, 2], 7)));
        assert_eq!(version("1.x"), None);
    }
}

//! Which columns an OData filter needs. Only that: what the filter means is the host's business.

/// The words of the filter language that look like columns and are none.
const WORDS: [&str; 18] = [
    "eq", "ne", "gt", "ge", "lt", "le", "and", "or", "not", "in", "has", "null", "true", "false", "add",
    "sub", "mul", "div",
];

/// The columns that a filter names, each once, in the order they appear; paths through lookups with dots, as a map
/// writes them. `None` when a quoted text does not end.
pub fn filter_columns(filter: &str) -> Option<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    let mut rest = filter;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = after_quoted(rest)?;
        } else if is_word(first) {
            let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after;
            let follows = after.trim_start().chars().next();
            // `contains(`: a function; `Microsoft.Dynamics.DataEntities.NoYes'Yes'`: the type of a member.
            let column = follows != Some('(') && !after.starts_with('\'') && is_column(word);
            let name = word.replace('/', ".");
            if column && !columns.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                columns.push(name);
            }
        } else {
            rest = rest.get(first.len_utf8()..)?;
        }
    }
    Some(columns)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '/' | '-' | ':' | '@' | '$')
}

/// Not a reserved word, and not a number, moment or GUID.
fn is_column(word: &str) -> bool {
    let starts_like_a_name = word.starts_with(|first: char| first.is_alphabetic() || first == '_');
    starts_like_a_name && !word.contains(['-', ':']) && !WORDS.contains(&word.to_lowercase().as_str())
}

/// What follows a text in quotes; a doubled quote is a quote inside.
fn after_quoted(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('\'')?;
    loop {
        rest = rest.split_once('\'')?.1;
        match rest.strip_prefix('\'') {
            Some(inside) => rest = inside,
            None => return Some(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::filter_columns;

    fn check(filter: &str, expect: &[&str]) {
        assert_eq!(filter_columns(filter).unwrap(), expect, "{filter}");
    }

    #[test]
    fn columns_and_nothing_else() {
        check("PartyType eq 'Organization'", &["PartyType"]);
        check(
            "customertypecode eq 3 and (statecode eq 0 or statecode ne 1)",
            &["customertypecode", "statecode"],
        );
        check("contains(Name, 'it''s a Name2') and not (Blocked eq true)", &["Name", "Blocked"]);
        check("Blocked eq Microsoft.Dynamics.DataEntities.NoYes'Yes'", &["Blocked"]);
        check("msdyn_company/cdm_companycode eq 'USMF'", &["msdyn_company.cdm_companycode"]);
        check(
            "ownerid eq a1b2c3d4-0000-0000-0000-000000000000 and x gt 2026-01-01T00:00:00Z",
            &["ownerid", "x"],
        );
        check("", &[]);
    }

    #[test]
    fn an_open_quote_is_no_filter() {
        assert_eq!(filter_columns("Name eq 'open"), None);
        assert_eq!(filter_columns("Name eq 'open''"), None);
    }
}

//! Tokens in the links that page through rows and changes: `@odata.nextLink`, `@odata.deltaLink`.
//!
//! A link is the service's own and opaque; a client follows it as it is. A server, and a client that keeps only the
//! token, need it taken out and put in.

use crate::percent::{decode_query, encode_query};

/// The option that carries a feed's position.
pub const DELTA_TOKEN: &str = "$deltatoken";
/// The option that carries a page's position.
pub const SKIP_TOKEN: &str = "$skiptoken";

/// Longer links are not looked at.
const MAX_LINK: usize = 64 * 1024;

/// A row that a delta answer reports as gone: `{"@odata.context":"…/$deletedEntity","id":GUID,"reason":"deleted"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedEntity {
    /// The row's id.
    pub id: String,
    /// `deleted` or `changed` (no longer part of what was asked for).
    pub reason: String,
}

/// The feed position in a link.
pub fn delta_token(link: &str) -> Option<String> {
    option(link, DELTA_TOKEN)
}

/// The page position in a link.
pub fn skip_token(link: &str) -> Option<String> {
    option(link, SKIP_TOKEN)
}

/// One option of a link's query, decoded; its name is compared without regard to case.
pub fn option(link: &str, name: &str) -> Option<String> {
    if link.len() > MAX_LINK {
        return None;
    }
    let query = link.split_once('?')?.1;
    let query = query.split_once('#').map_or(query, |split| split.0);
    query.split('&').find_map(|pair| {
        let (given, value) = pair.split_once('=')?;
        let given = decode_query(given).ok()?;
        given.eq_ignore_ascii_case(name).then(|| decode_query(value).ok()).flatten()
    })
}

/// A link with an option put behind its query.
pub fn with_option(link: &str, name: &str, value: &str) -> String {
    let joint = match link.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{link}{joint}{}={}", encode_query(name), encode_query(value))
}

/// Reads one item of a delta answer as a deletion; `None` for an ordinary row.
pub fn deleted_entity(item: &serde_json::Value) -> Option<DeletedEntity> {
    let text = |name: &str| item.get(name).and_then(serde_json::Value::as_str);
    let context = text("@odata.context").or_else(|| text("@context")).unwrap_or_default();
    let removed = item.get("@removed").or_else(|| item.get("@odata.removed"));
    if !context.ends_with("$deletedEntity") && removed.is_none() {
        return None;
    }
    let reason = removed.and_then(|removed| removed.get("reason")).and_then(serde_json::Value::as_str);
    Some(DeletedEntity {
        id: text("id").or_else(|| text("@odata.id")).or_else(|| text("@id"))?.to_owned(),
        reason: text("reason").or(reason).unwrap_or("deleted").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{deleted_entity, delta_token, option, skip_token, with_option};

    #[test]
    fn tokens_are_found_and_put_back() {
        let link =
            "http://h/api/data/v9.2/accounts?$select=name&%24deltatoken=919042%2108%2f22%2f2017%2008%3a10";
        assert_eq!(delta_token(link).unwrap(), "919042!08/22/2017 08:10");
        assert_eq!(skip_token(link), None);
        assert_eq!(skip_token(&with_option("http://h/a", "$skiptoken", "a&b=c")).unwrap(), "a&b=c");
        assert_eq!(skip_token(&with_option("http://h/a?x=1", "$skiptoken", "1")).unwrap(), "1");
        assert_eq!(delta_token("http://h/a"), None);
    }

    #[test]
    fn deletions_are_told_from_rows() {
        let gone = json!({"@odata.context": "http://h/$metadata#accounts/$deletedEntity", "id": "x", "reason": "deleted"});
        assert_eq!(deleted_entity(&gone).unwrap().id, "x");
        assert_eq!(
            deleted_entity(&json!({"@removed": {"reason": "changed"}, "@id": "y"})).unwrap().reason,
            "changed"
        );
        assert_eq!(deleted_entity(&json!({"id": "x", "name": "a"})), None);
    }

    proptest! {
        #[test]
        fn any_token_survives(token in any::<String>()) {
            prop_assert_eq!(delta_token(&with_option("http://h/a?b=c", "$deltatoken", &token)).unwrap(), token);
        }

        #[test]
        fn garbage_does_not_panic(link in any::<String>()) {
            let _ = option(&link, "x");
        }
    }
}

//! Query options: `$select`, `$filter`, `$orderby`, `$expand` and their kin, between `?` and the end of an address.
//!
//! OData v4 URL conventions, section 5. Options of a system's own (`cross-company`, `tag`) and unknown ones are kept.

use std::fmt;

use crate::filter::{Filter, FilterError};
use crate::percent::{decode_query, encode_query};

/// The options of one request, or of one expanded navigation property.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `$select`: columns, as written; empty for all.
    pub select: Vec<String>,
    /// `$filter`.
    pub filter: Option<Filter>,
    /// `$orderby`.
    pub order_by: Vec<OrderBy>,
    /// `$top`.
    pub top: Option<u64>,
    /// `$skip`.
    pub skip: Option<u64>,
    /// `$count`.
    pub count: Option<bool>,
    /// `$expand`.
    pub expand: Vec<Expand>,
    /// `$skiptoken`: where a page goes on.
    pub skip_token: Option<String>,
    /// `$deltatoken`: where a feed goes on.
    pub delta_token: Option<String>,
    /// `cross-company`: whether F&O reads all legal entities instead of the user's own.
    pub cross_company: Option<bool>,
    /// All other options, decoded, in their order.
    pub other: Vec<(String, String)>,
}

/// One column of `$orderby`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderBy {
    /// The column or path.
    pub path: String,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// One navigation property of `$expand`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expand {
    /// The navigation property.
    pub path: String,
    /// The options in its brackets.
    pub options: Query,
}

/// A text that is not a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Longer than any server takes.
    #[error("the query is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// `$expand` within `$expand`, too often.
    #[error("$expand is nested more than {MAX_NESTING} deep")]
    TooDeep,
    /// Not percent-encoded UTF-8.
    #[error("the query is not percent-encoded UTF-8")]
    Encoding,
    /// An option given twice.
    #[error("the option {0} is given more than once")]
    Repeated(&'static str),
    /// A value that the option cannot have.
    #[error("the value of {0} is not valid")]
    Value(&'static str),
    /// The filter is not one.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

const MAX_LENGTH: usize = 512 * 1024;
const MAX_NESTING: usize = 8;

impl Query {
    /// Reads what follows the `?` of an address, percent-encoded.
    ///
    /// # Errors
    /// When an option that this type knows has a value that it cannot have.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > MAX_LENGTH {
            return Err(QueryError::TooLong);
        }
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode_query(name).map_err(|_| QueryError::Encoding)?;
            let value = decode_query(value).map_err(|_| QueryError::Encoding)?;
            query.take(name, value, 0)?;
        }
        Ok(query)
    }

    /// The first of the other options with this name, without regard to case.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.other.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn take(&mut self, name: String, value: String, nesting: usize) -> Result<(), QueryError> {
        match name.to_ascii_lowercase().as_str() {
            "$select" => once("$select", &mut self.select, names(&value)),
            "$filter" => once_some("$filter", &mut self.filter, Filter::parse(&value)?),
            "$orderby" => once("$orderby", &mut self.order_by, order_by(&value)?),
            "$top" => once_some("$top", &mut self.top, number("$top", &value)?),
            "$skip" => once_some("$skip", &mut self.skip, number("$skip", &value)?),
            "$count" => once_some("$count", &mut self.count, flag("$count", &value)?),
            "$expand" => once("$expand", &mut self.expand, expand(&value, nesting)?),
            "$skiptoken" => once_some("$skiptoken", &mut self.skip_token, value),
            "$deltatoken" => once_some("$deltatoken", &mut self.delta_token, value),
            "cross-company" => {
                once_some("cross-company", &mut self.cross_company, flag("cross-company", &value)?)
            }
            _ => {
                self.other.push((name, value));
                Ok(())
            }
        }
    }

    /// The options with their decoded values, in the order in which they are printed.
    fn options(&self) -> Vec<(&str, String)> {
        let mut options: Vec<(&str, String)> = Vec::new();
        if !self.select.is_empty() {
            options.push(("$select", self.select.join(",")));
        }
        if let Some(filter) = &self.filter {
            options.push(("$filter", filter.to_string()));
        }
        if !self.order_by.is_empty() {
            options.push(("$orderby", join(&self.order_by)));
        }
        if !self.expand.is_empty() {
            options.push(("$expand", join(&self.expand)));
        }
        let numbers = [("$top", self.top), ("$skip", self.skip)];
        options.extend(numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string()))));
        let flags = [("$count", self.count), ("cross-company", self.cross_company)];
        options.extend(flags.into_iter().filter_map(|(name, flag)| Some((name, flag?.to_string()))));
        let tokens = [("$skiptoken", &self.skip_token), ("$deltatoken", &self.delta_token)];
        options.extend(tokens.into_iter().filter_map(|(name, token)| Some((name, token.clone()?))));
        options.extend(self.other.iter().map(|(name, value)| (name.as_str(), value.clone())));
        options
    }
}

impl fmt::Display for Query {
    /// What follows the `?`, percent-encoded; empty without options.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.options().into_iter().enumerate() {
            let joint = if index > 0 { "&" } else { "" };
            write!(formatter, "{joint}{}={}", encode_query(name), encode_query(&value))?;
        }
        Ok(())
    }
}

impl fmt::Display for OrderBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.path, if self.descending { " desc" } else { "" })
    }
}

impl fmt::Display for Expand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options.options();
        if options.is_empty() {
            return formatter.write_str(&self.path);
        }
        let options: Vec<String> =
            options.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        write!(formatter, "{}({})", self.path, options.join(";"))
    }
}

fn join<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn once<T>(name: &'static str, place: &mut Vec<T>, values: Vec<T>) -> Result<(), QueryError> {
    if !place.is_empty() {
        return Err(QueryError::Repeated(name));
    }
    *place = values;
    Ok(())
}

fn once_some<T>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), QueryError> {
    match place.replace(value) {
        Some(_) => Err(QueryError::Repeated(name)),
        None => Ok(()),
    }
}

fn names(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn number(name: &'static str, value: &str) -> Result<u64, QueryError> {
    value.trim().parse().map_err(|_| QueryError::Value(name))
}

fn flag(name: &'static str, value: &str) -> Result<bool, QueryError> {
    match value.trim() {
        value if value.eq_ignore_ascii_case("true") => Ok(true),
        value if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(QueryError::Value(name)),
    }
}

fn order_by(value: &str) -> Result<Vec<OrderBy>, QueryError> {
    let column = |item: &str| {
        let mut words = item.split_whitespace();
        let path = words.next().ok_or(QueryError::Value("$orderby"))?.to_owned();
        let descending = match words.next() {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("asc") => false,
            Some(word) if word.eq_ignore_ascii_case("desc") => true,
            Some(_) => return Err(QueryError::Value("$orderby")),
        };
        if words.next().is_some() {
            return Err(QueryError::Value("$orderby"));
        }
        Ok(OrderBy { path, descending })
    };
    value.split(',').map(column).collect()
}

fn expand(value: &str, nesting: usize) -> Result<Vec<Expand>, QueryError> {
    if nesting >= MAX_NESTING {
        return Err(QueryError::TooDeep);
    }
    split(value, ',')
        .ok_or(QueryError::Value("$expand"))?
        .into_iter()
        .map(|item| expanded(item, nesting))
        .collect()
}

fn expanded(item: &str, nesting: usize) -> Result<Expand, QueryError> {
    let item = item.trim();
    let (path, inside) = match item.split_once('(') {
        None => (item, ""),
        Some((path, rest)) => (path, rest.strip_suffix(')').ok_or(QueryError::Value("$expand"))?),
    };
    if path.is_empty() {
        return Err(QueryError::Value("$expand"));
    }
    let mut options = Query::default();
    for option in split(inside, ';').ok_or(QueryError::Value("$expand"))? {
        if option.trim().is_empty() {
            continue;
        }
        let (name, value) = option.split_once('=').ok_or(QueryError::Value("$expand"))?;
        options.take(name.trim().to_owned(), value.to_owned(), nesting + 1)?;
    }
    Ok(Expand { path: path.to_owned(), options })
}

/// Splits outside of brackets and quotes; `None` when those do not match up.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_usize, false);
    for (index, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            c if c == separator && depth == 0 => {
                parts.push(text.get(start..index)?);
                start = index + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    (depth == 0 && !quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Query, QueryError};
    use crate::filter::Filter;

    #[test]
    fn a_query_of_each_system_is_read_and_printed() {
        let text = "$select=accountid,name&$filter=statecode%20eq%200%20and%20name%20ne%20'a%26b'&$orderby=name desc,accountid\
                    &$expand=primarycontactid($select=fullname,contactid),msdyn_company($select=cdm_companycode;$filter=name eq 'a;b,(c')\
                    &$top=50&$count=true&tag=dualwright";
        let query = Query::parse(text).unwrap();
        assert_eq!(query.select, ["accountid", "name"]);
        assert_eq!(query.filter, Some(Filter::parse("statecode eq 0 and name ne 'a&b'").unwrap()));
        assert!(query.order_by[0].descending && !query.order_by[1].descending);
        assert_eq!(query.expand[0].options.select, ["fullname", "contactid"]);
        assert_eq!(query.expand[1].options.filter, Some(Filter::parse("name eq 'a;b,(c'").unwrap()));
        assert_eq!((query.top, query.count), (Some(50), Some(true)));
        assert_eq!(query.option("TAG"), Some("dualwright"));
        assert_eq!(Query::parse(&query.to_string()).unwrap(), query);

        let query = Query::parse("cross-company=true&$skiptoken=2%2Cx&%24deltatoken=9").unwrap();
        assert_eq!(query.cross_company, Some(true));
        assert_eq!((query.skip_token.as_deref(), query.delta_token.as_deref()), (Some("2,x"), Some("9")));
        assert_eq!(query.to_string(), "cross-company=true&$skiptoken=2,x&$deltatoken=9");
        assert_eq!(Query::parse("").unwrap(), Query::default());
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for (text, error) in [
            ("$top=-1", QueryError::Value("$top")),
            ("$top=1&$top=2", QueryError::Repeated("$top")),
            ("$count=maybe", QueryError::Value("$count")),
            ("$orderby=a sideways", QueryError::Value("$orderby")),
            ("$expand=a(b", QueryError::Value("$expand")),
            ("$expand=a($select)", QueryError::Value("$expand")),
            ("$select=%ff", QueryError::Encoding),
        ] {
            assert_eq!(Query::parse(text), Err(error), "{text}");
        }
        assert!(matches!(Query::parse("$filter=a"), Err(QueryError::Filter(_))));
        let deep = format!("$expand={}b{}", "a($expand=".repeat(100), ")".repeat(100));
        assert_eq!(Query::parse(&deep), Err(QueryError::TooDeep));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            select in prop::collection::vec("[a-z_@/]{1,9}", 0..4),
            token in prop::option::of(any::<String>()),
            other in prop::collection::vec(("[a-z]{1,9}", any::<String>()), 0..3),
            top in prop::option::of(any::<u64>()),
        ) {
            let query = Query { select, delta_token: token, other, top, ..Query::default() };
            prop_assert_eq!(Query::parse(&query.to_string()).unwrap(), query);
        }

        #[test]
        fn garbage_does_not_panic(text in any::<String>(), words in "([$a-z=&()',;%+]|expand|filter|select){0,40}") {
            let _ = Query::parse(&text);
            let _ = Query::parse(&words);
        }
    }
}

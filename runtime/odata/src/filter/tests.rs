use dualwright_model::{Date, Decimal, Timestamp, Value};
use proptest::prelude::*;

use super::{Filter, Operator, TextFunction};
use crate::literal::{Literal, tests::any_literal};

fn row(path: &str) -> Value {
    match path {
        "PartyType" => Value::text("Organization"),
        "Name" => Value::text("Contoso Europe "),
        "CreditLimit" => Value::Decimal(Decimal::parse("100000000000000000000.10").unwrap()),
        "Count" => Value::Integer(7),
        "Blocked" => Value::text("No"),
        "Active" => Value::Boolean(true),
        "Since" => Value::Timestamp(Timestamp::parse("2026-01-02T00:00:00Z").unwrap()),
        "Day" => Value::Date(Date::parse("2026-01-02").unwrap()),
        "id" => Value::text("00000000-0000-0000-0000-00000000abcd"),
        "msdyn_company.cdm_companycode" => Value::text("usmf"),
        _ => Value::Null,
    }
}

fn check(text: &str, expect: bool) {
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(filter.matches(&row), expect, "{text}");
    let again = Filter::parse(&filter.to_string()).unwrap();
    assert_eq!(again, filter, "{text} printed as {filter}");
}

#[test]
fn rows_fit_as_both_systems_decide() {
    check("PartyType eq 'organization'", true);
    check("PartyType eq Microsoft.Dynamics.DataEntities.DirPartyType'Organization'", true);
    check("PartyType eq 'Person' or (Count ge 7 and Count lt 8)", true);
    check("not (PartyType eq 'Organization')", false);
    check("Name eq 'Contoso Europe'", true);
    check("startswith(Name,'CONTOSO') and contains(Name,' eu') and not endswith(Name,'x')", true);
    check("CreditLimit gt 100000000000000000000.09", true);
    check("CreditLimit eq 100000000000000000000.1", true);
    check("Count in (1, 7, 9)", true);
    check("Count in (1,9)", false);
    check("Count eq '7'", true);
    check("Count eq 7.0", true);
    check("Active eq true and Blocked eq false", true);
    check("Active eq Microsoft.Dynamics.DataEntities.NoYes'Yes'", true);
    check("Since eq 2026-01-02 and Day lt 2026-01-02T00:00:01Z", true);
    check("id eq 00000000-0000-0000-0000-00000000ABCD", true);
    check("msdyn_company.cdm_companycode eq 'USMF'", true);
    check("a eq 1 and b eq 2 or Count eq 7", true);
    check("Count eq 7 or a eq 1 and b eq 2", true);
    check("PartyType EQ 'Organization' AND Count EQ 7", true);
}

#[test]
fn nothing_is_neither_greater_nor_less_nor_equal_to_something() {
    check("Nothing eq null", true);
    check("Nothing ne null", false);
    check("Count ne null", true);
    check("Nothing eq 'x'", false);
    check("Nothing ne 'x'", true);
    check("Nothing gt 1", false);
    check("Nothing ge null", false);
    check("not contains(Nothing,'x')", false);
    check("contains(Nothing,'x') or Count eq 7", true);
    check("Nothing eq ''", false);
}

#[test]
fn filters_of_the_standard_maps_are_read() {
    for text in [
        "msdyn_contactforvendor eq true and msdyn_sellable eq false and msdyn_contactpersonid ne null",
        "(objecttypecode eq 'msdyn_vendor'  and msdyn_relatedentityid2 ne null) or (objecttypecode eq 'account')",
        "(msdyn_b2bcommerceprospect eq true)",
        "not eq 1 and not not eq 2",
    ] {
        Filter::parse(text).unwrap();
    }
}

fn refused(text: &str, position: usize, reason: &str) {
    let error = Filter::parse(text).unwrap_err();
    assert_eq!((error.position, error.reason), (position, reason), "{text}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    refused("", 0, "a column is expected");
    refused("a == 1", 2, "one of eq, ne, gt, ge, lt, le, in is expected");
    refused("a eq", 4, "a literal is expected");
    refused("a eq b", 5, "not a literal");
    refused("a eq 'x", 5, "the text has no closing quote");
    refused("(a eq 1", 7, "a closing bracket is expected");
    refused("a eq 1 b", 7, "'and', 'or' or the end is expected");
    refused("year(a) eq 1", 0, "this function is not supported");
    refused("contains(a,1)", 11, "a text in quotes is expected");
    refused(&"(".repeat(100_000), 65, "the filter is nested too deeply");
    refused(&"not ".repeat(1000), 4 * 64 + 3, "the filter is nested too deeply");
    refused(&"a".repeat(300_000), 262_144, "the filter is too long");
}

#[test]
fn a_long_chain_is_flat() {
    let text = vec!["a eq 1"; 20_000].join(" or ");
    let Filter::Or(filters) = Filter::parse(&text).unwrap() else { panic!("not an or") };
    assert_eq!(filters.len(), 20_000);
}

#[test]
fn literals_and_paths_are_rewritten() {
    let mut filter = Filter::parse("partytype eq 'Organization' and not (count in (1,2))").unwrap();
    assert_eq!(filter.columns().into_iter().collect::<Vec<_>>(), ["count", "partytype"]);
    filter.map_paths(&|path| if path == "partytype" { "PartyType".into() } else { path.to_owned() });
    filter.map_literals(&|path, literal| match literal {
        Literal::Text(member) if path == "PartyType" => Literal::Enum { type_name: "N.T".into(), member },
        other => other,
    });
    assert_eq!(filter.to_string(), "PartyType eq N.T'Organization' and not (count in (1,2))");
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let path = "[A-Za-z_][A-Za-z0-9_]{0,8}([./][a-z]{1,5})?";
    let operator = prop::sample::select(vec![
        Operator::Equal,
        Operator::NotEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
        Operator::Less,
        Operator::LessOrEqual,
    ]);
    let function =
        prop::sample::select(vec![TextFunction::StartsWith, TextFunction::EndsWith, TextFunction::Contains]);
    let leaf = prop_oneof![
        (path, operator, any_literal()).prop_map(|(path, operator, literal)| Filter::Compare {
            path,
            operator,
            literal
        }),
        (path, prop::collection::vec(any_literal(), 1..4)).prop_map(|(path, list)| Filter::In { path, list }),
        (function, path, any::<String>()).prop_map(|(function, path, text)| Filter::Function {
            function,
            path,
            text
        }),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(filter in any_filter()) {
        prop_assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter);
    }

    #[test]
    fn garbage_does_not_panic(text in any::<String>(), words in "([a-z ()',]|eq|and|not|null){0,60}") {
        let _ = Filter::parse(&text);
        if let Ok(filter) = Filter::parse(&words) {
            let _ = filter.matches(&row);
        }
    }
}

/// OData v4 URL conventions, section 5.1.1.7: text compares without regard to case, with the functions and without.
#[test]
fn columns_may_stand_in_a_function_of_letter_case() {
    let text =
        "contains(tolower(Name),'cust') and toupper(Kind) eq 'ORG' and tolower(Name) in ('customer','x')";
    let mut filter = Filter::parse(text).unwrap();
    assert_eq!(filter.to_string(), text);
    assert_eq!(filter.columns().into_iter().collect::<Vec<_>>(), ["Kind", "Name"]);
    assert_eq!(filter.wrapped_column(), Some("tolower(Name)"));
    let cells = |path: &str| Value::text(if path == "Name" { "Customer" } else { "Org" });
    assert!(filter.matches(&cells));
    filter.map_paths(&str::to_lowercase);
    assert_eq!(filter.to_string(), text.replace("Name", "name").replace("Kind", "kind"));
    // A column of that name is a column.
    assert_eq!(Filter::parse("tolower eq 'x'").unwrap().wrapped_column(), None);
    for wrong in ["tolower(Name eq 'x'", "tolower(toupper(Name)) eq 'x'", "length(Name) eq 3"] {
        Filter::parse(wrong).unwrap_err();
    }
}

use dualwright_model::{Date, Decimal, Timestamp};
use dualwright_odata::filter::Operator;
use proptest::prelude::*;

use super::{Condition, Operand, from_odata, to_odata};

fn parsed(text: &str) -> Condition {
    Condition::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).unwrap()
}

fn check(xpp: &str, odata: &str) {
    assert_eq!(to_odata(&parsed(xpp)).unwrap().to_string(), odata, "{xpp}");
}

#[test]
fn filters_become_odata() {
    check("((PartyType == \"Organization\"))", "PartyType eq 'Organization'");
    check("(PartyType != 'Person') && Blocked == 0", "PartyType ne 'Person' and Blocked eq 0");
    check("A == 1 || B == 2 && C == 3", "A eq 1 or (B eq 2 and C eq 3)");
    check("(A == 1 || B == 2) && !(C >= 1.50)", "(A eq 1 or B eq 2) and not (C ge 1.5)");
    let yes = "Microsoft.Dynamics.DataEntities.NoYes'Yes'";
    check("IsBlocked == NoYes::Yes", &format!("IsBlocked eq {yes}"));
    check("NoYes::Yes != IsBlocked", &format!("IsBlocked ne {yes}"));
    check("5 < Days", "Days gt 5");
    check("(Name) == (\"it's \\\"x\\\" \\\\\")", "Name eq 'it''s \"x\" \\'");
    check("Path == @\"a\\b\"", "Path eq 'a\\b'");
    check("ValidTo > 31\\12\\2026", "ValidTo gt 2026-12-31");
    check("At <= 2026-12-31T08:00:00", "At le 2026-12-31T08:00:00Z");
    check("IsActive && !IsOld", "IsActive eq true and not (IsOld eq true)");
    check("Id like \"C-*\" || Id LIKE '*x*'", "startswith(Id,'C-') or contains(Id,'x')");
    check("Memo == null", "Memo eq null");
    assert_eq!(Condition::parse(" \n").unwrap(), None);
}

#[test]
fn what_odata_lacks_is_told_all_at_once() {
    let check = |text: &str, expect: &[&str]| {
        assert_eq!(to_odata(&parsed(text)).unwrap_err(), expect, "{text}");
    };
    check(
        "ValidFrom < DateTimeUtil::utcNow() && (A == 1) && f(\"a)\", g(1)) == 2",
        &[
            "the call DateTimeUtil::utcNow() has no counterpart",
            "the call f(\"a)\", g(1)) has no counterpart",
        ],
    );
    check("A == B", &["two columns are compared, A and B"]);
    check("1 == 1", &["`1 == 1` compares two values, and no column"]);
    check("CustTable.Id == 1", &["CustTable.Id is a column of a table inside the entity"]);
    check("Id like \"a*b\"", &["a pattern with a * or ? inside has no counterpart"]);
}

#[test]
fn garbage_is_refused_with_its_place() {
    for (text, position) in [
        ("A == ", 5),
        ("A == \"x", 5),
        ("(A == 1", 7),
        ("A == 1 B", 7),
        ("A # 1", 2),
        ("f(", 2),
        ("12x == A", 0),
    ] {
        assert_eq!(Condition::parse(text).unwrap_err().position, position, "{text}");
    }
    assert!(Condition::parse(&"(".repeat(100_000)).is_err());
    assert!(Condition::parse(&"!".repeat(1_000)).is_err());
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z_][A-Za-z0-9_]{0,8}".prop_filter("a reserved word", |word| {
        !["true", "false", "null", "like"].contains(&word.to_ascii_lowercase().as_str())
    })
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        name().prop_map(Operand::Column),
        any::<String>().prop_map(Operand::Text),
        any::<i64>().prop_map(Operand::Integer),
        (any::<i64>(), 0_u32..99).prop_map(|(whole, part)| Operand::Decimal(
            Decimal::parse(&format!("{whole}.{part:02}")).unwrap()
        )),
        any::<bool>().prop_map(Operand::Boolean),
        Just(Operand::Null),
        (0..900_000).prop_map(|days| Operand::Date(Date::from_days(days))),
        (0_i64..4_000_000_000_000_000).prop_map(|micros| Operand::Moment(Timestamp::from_micros(micros))),
        (name(), name()).prop_map(|(type_name, member)| Operand::Enum { type_name, member }),
        (name(), name()).prop_map(|(one, other)| Operand::Call(format!("{one}::{other}()"))),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    prop_oneof![
        Just(Operator::Equal),
        Just(Operator::NotEqual),
        Just(Operator::Greater),
        Just(Operator::GreaterOrEqual),
        Just(Operator::Less),
        Just(Operator::LessOrEqual)
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        (operand(), operator(), operand()).prop_map(|(left, operator, right)| Condition::Compare {
            left,
            operator,
            right
        }),
        (operand(), any::<String>()).prop_map(|(left, pattern)| Condition::Like { left, pattern }),
        operand().prop_map(Condition::Holds),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::Or),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_printed_is_read_back(condition in condition()) {
        prop_assert_eq!(Condition::parse(&condition.to_string()).unwrap(), Some(condition));
    }

    /// What OData can say comes back out of OData with the same meaning: the same OData.
    #[test]
    fn what_became_odata_goes_back(condition in condition()) {
        if let Ok(filter) = to_odata(&condition) {
            let text = filter.to_string();
            if let Ok(back) = from_odata(&filter) {
                prop_assert_eq!(to_odata(&back).unwrap().to_string(), text);
            }
        }
    }

    #[test]
    fn garbage_does_not_panic(text in "[ -~é\\\\\"']{0,40}") {
        let _ = Condition::parse(&text);
    }
}

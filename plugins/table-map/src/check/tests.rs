use dualwright_sdk::{Cell, Change, Leg, Operation, Outcome, Violation};
use proptest::prelude::*;

use crate::compile::{compile, parse};
use crate::{encode, eval};

const MAP: &str = r#"
[map]
name = "things"
version = "1.0.0"
finops = "Things"
dataverse = "things"
key = [ { finops = "Id", dataverse = "thing_id" } ]
field = [
  { finops = "Name", dataverse = "name" },
  { finops = "Amount", dataverse = "amount", direction = "to-dataverse", default = "0.50" },
  { finops = "Blocked", dataverse = "blocked", values = { No = 1, Yes = 2 } },
]
"#;

fn bytes(rules: &str) -> Vec<u8> {
    let file = parse(&format!("{MAP}\n{rules}")).unwrap_or_else(|problem| panic!("{problem:?}"));
    let map =
        compile(&file, &mut |_| Err("none".to_owned())).unwrap_or_else(|problems| panic!("{problems:?}"));
    map.encode()
}

fn run(rules: &str, rows: Vec<Vec<(&str, Cell)>>) -> Vec<Outcome> {
    let bytes = bytes(rules);
    let description = encode::description(&bytes).unwrap();
    let reads = &description.legs[0].reads;
    let batch = rows
        .into_iter()
        .map(|row| {
            let mut cells = vec![Cell::Absent; reads.len()];
            for (column, cell) in row {
                if let Some(position) = reads.iter().position(|read| read == column) {
                    cells[position] = cell;
                }
            }
            Change { operation: Operation::Upsert, cells }
        })
        .collect();
    eval::transform(&encode::program(&bytes, Leg::ToDataverse).unwrap(), batch)
}

fn violations(rules: &str, row: Vec<(&str, Cell)>) -> Vec<Violation> {
    match run(rules, vec![row]).remove(0) {
        Outcome::Reject(violations) => violations,
        Outcome::Upsert(_) => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn decimal(text: &str) -> Cell {
    Cell::Decimal(text.to_owned())
}

#[track_caller]
fn check(rule: &str, column: &str, good: &[Cell], bad: &[Cell]) {
    let rules = format!("[[rule]]\nfinops = {column:?}\n{rule}");
    for (cells, expect) in [(good, 0), (bad, 1)] {
        for cell in cells {
            let found = violations(&rules, vec![(column, cell.clone())]);
            assert_eq!(found.len(), expect, "{rule}: {cell:?}");
        }
    }
}

#[test]
fn each_rule_accepts_and_refuses() {
    let empty = [Cell::Absent, Cell::Null, "".into(), "  ".into()];
    check("required = true", "Name", &[Cell::Absent, "x".into(), Cell::Integer(0)], &empty[1..]);
    check("one-of = [\"A\", \"Bé\"]", "Name", &["a".into(), "BÉ ".into()], &["C".into(), Cell::Integer(1)]);
    let numbers = [decimal("1.00"), Cell::Integer(12), "12.0".into()];
    check("one-of = [1, 12]", "Amount", &numbers, &[decimal("1.01"), "x".into()]);
    check("one-of = [true]", "Name", &[true.into(), "Yes".into()], &[false.into(), "no".into(), "x".into()]);
    let range = "range = { min = 0, max = \"99999999999999999999.99\" }";
    let good = [decimal("0.00"), decimal("99999999999999999999.990"), Cell::Integer(5)];
    let bad = [decimal("-0.01"), decimal("99999999999999999999.991"), "much".into(), decimal("1e3")];
    check(range, "Amount", &good, &bad);
    check(
        "range = { max = \"2026-01-31\" }",
        "Since",
        &[Cell::Date(20_484)],
        &[Cell::Date(20_485), 1.into()],
    );
    let noon = Cell::Timestamp(20_484 * 86_400_000_000 + 1);
    check("range = { max = \"2026-01-31\" }", "Since", &[Cell::Timestamp(0)], &[noon]);
    check(
        "length = { min = 2, max = 3 }",
        "Name",
        &["ÆØ".into(), "abc".into()],
        &["x".into(), "abcd".into()],
    );
    check(
        "pattern = '[A-Z]{2}-\\d+'",
        "Name",
        &["DK-12".into()],
        &["DK-".into(), "xDK-12".into(), "DK-1 ".into()],
    );
    for rule in ["one-of = [1]", "length = { min = 3 }", "pattern = 'x'", "unique = true", range] {
        check(rule, "Name", &empty, &[]);
    }
}

#[test]
fn expressions_are_true_false_or_unknown() {
    let check = |expression: &str, row: &[(&'static str, Cell)], good: bool| {
        let rule = format!("[[rule]]\ndirection = \"to-dataverse\"\nexpression = \"{expression}\"");
        let found = violations(&rule, row.to_vec());
        assert_eq!(found.is_empty(), good, "{expression}: {row:?}");
    };
    let amount = |text: &str| ("Amount", decimal(text));
    let limit = |text: &str| ("Limit", decimal(text));
    check("Amount <= Limit", &[amount("10.0"), limit("10")], true);
    check("Amount <= Limit", &[amount("10.01"), limit("10")], false);
    check("Amount <= Limit", &[amount("10.01"), ("Limit", Cell::Null)], true);
    check("Amount <= Limit", &[amount("10.01")], true);
    check("Limit is not null and Amount <= Limit", &[amount("1"), ("Limit", Cell::Null)], false);
    check("Amount * 3 - 0.10 = Limit + Limit", &[amount("0.1"), limit("0.1")], true);
    check("-Amount * -1 = Amount and - - Amount > 0", &[amount("5")], true);
    check("not (Amount > 5 or Amount < 2)", &[amount("3")], true);
    check("not Amount > 5 and Amount > 2", &[amount("7")], false);
    check("Amount > 5 or Amount < 2 and Amount > 9", &[amount("6")], true);
    check("Name in ('A', 'b') or Name = 'it''s'", &[("Name", "B".into())], true);
    check("Name in ('A', 'b') or Name = 'it''s'", &[("Name", "IT'S ".into())], true);
    check("Name not in ('A', 'b')", &[("Name", "a".into())], false);
    check("Amount in (-1, 2.50)", &[amount("-1.00")], true);
    check("length(Name) < 3", &[("Name", "ÆØÅ".into())], false);
    check(
        "Since <= Until",
        &[("Since", Cell::Date(5)), ("Until", Cell::Timestamp(5 * 86_400_000_000))],
        true,
    );
    check("Since > date '2026-01-31'", &[("Since", Cell::Date(20_484))], false);
    check("Name is null", &[("Name", " ".into())], true);
    check("Name is null", &[("Name", "x".into())], false);
    check("Name is null", &[], true);
    check("Flag or Amount = 1", &[("Flag", false.into()), amount("2")], false);
    check("Flag != false", &[("Flag", "Yes".into())], true);
    // What cannot be worked out is refused, unless it makes no difference.
    check("Amount > 5", &[("Amount", "many".into())], false);
    check("Amount > 5 or Name = 'x'", &[("Amount", "many".into()), ("Name", "x".into())], true);
    check("Amount * Amount > 5", &[amount(&"9".repeat(30))], false);
}

#[test]
fn a_record_gets_all_its_reasons_and_the_others_flow() {
    let rules = r#"
[[rule]]
finops = "Name"
required = true

[[rule]]
finops = "Amount"
range = { min = 0 }
code = "no-debt"
message = "We owe nothing."

[[rule]]
direction = "to-dataverse"
expression = "Amount <= Limit"

[[rule]]
dataverse = "amount"
direction = "to-dataverse"
stage = "mapped"
one-of = ["0.50", 1]
"#;
    let bad = vec![
        ("Id", "1".into()),
        ("Name", Cell::Null),
        ("Amount", decimal("-3.25")),
        ("Limit", decimal("-4")),
        ("Blocked", "maybe".into()),
    ];
    let good = vec![("Id", "2".into()), ("Name", "x".into()), ("Amount", Cell::Null)];
    let mapped = vec![("Id", "3".into()), ("Name", "x".into()), ("Amount", decimal("7"))];
    let outcomes = run(rules, vec![bad, good, mapped]);
    let Outcome::Reject(violations) = &outcomes[0] else { panic!("{outcomes:?}") };
    let told: Vec<String> = violations
        .iter()
        .map(|found| format!("{} [{}] {}", found.field.as_deref().unwrap_or("-"), found.code, found.message))
        .collect();
    assert_eq!(
        told,
        [
            "Name [required] Name must not be empty",
            "Amount [no-debt] We owe nothing.",
            "- [expression] this must hold: Amount <= Limit",
            "Blocked [unmapped-value] the value of Blocked is not in the map's value set, which has: No, Yes",
        ]
    );
    let Outcome::Upsert(cells) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!(cells[2], "0.50".into(), "the default is what the rule of the mapped stage sees");
    let Outcome::Reject(violations) = &outcomes[2] else { panic!("{outcomes:?}") };
    assert_eq!(violations[0].message, "amount must be one of: 0.50, 1");
}

#[test]
fn deletes_are_not_judged() {
    let bytes = bytes("[[rule]]\nfinops = \"Name\"\nrequired = true");
    let program = encode::program(&bytes, Leg::ToDataverse).unwrap();
    let delete = Change { operation: Operation::Delete, cells: vec!["1".into(), Cell::Null] };
    assert_eq!(eval::transform(&program, vec![delete]), [Outcome::Delete]);
}

#[test]
fn the_first_of_equal_values_stays() {
    let row = |id: &'static str, name: Cell| vec![("Id", Cell::from(id)), ("Name", name)];
    let refused = |rows: Vec<Vec<(&str, Cell)>>| {
        let outcomes = run("[[rule]]\nfinops = \"Name\"\nunique = true", rows);
        let refused =
            outcomes.iter().enumerate().filter(|(_, outcome)| matches!(outcome, Outcome::Reject(_)));
        refused.map(|(index, _)| index).collect::<Vec<_>>()
    };
    assert_eq!(refused(vec![row("1", "A".into()), row("2", "b".into()), row("3", "a ".into())]), [2]);
    assert_eq!(
        refused(vec![row("1", "A".into()), row("1", "A".into())]),
        [0; 0],
        "one record, changed twice"
    );
    assert_eq!(refused(vec![row("1", Cell::Null), row("2", Cell::Null), row("3", "".into())]), [0; 0]);
    assert_eq!(refused(vec![row("1", decimal("1.50")), row("2", decimal("1.5"))]), [1]);
    let without_id = vec![("Name", Cell::from("A"))];
    assert_eq!(refused(vec![without_id.clone(), without_id]), [1]);
}

proptest! {
    /// A range is fulfilled exactly when the number lies within, however it is written.
    #[test]
    fn ranges_are_exact(minimum in -10_000_i64..0, maximum in 0_i64..10_000, cents in -20_000_i64..20_000, zeros in 0_usize..5) {
        let text = |cents: i64| format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
        let rule = format!(
            "[[rule]]\nfinops = \"Amount\"\nrange = {{ min = \"{}\", max = \"{}\" }}", text(minimum), text(maximum)
        );
        let cell = decimal(&format!("{}{}", text(cents), "0".repeat(zeros)));
        let good = violations(&rule, vec![("Amount", cell)]).is_empty();
        prop_assert_eq!(good, (minimum..=maximum).contains(&cents));
    }

    /// An expression and its negation are never both fulfilled by known values, and `in` is what it stands for.
    #[test]
    fn expressions_follow_logic(one in -50_i64..50, other in -50_i64..50) {
        let good = |expression: &str| {
            let rule = format!("[[rule]]\ndirection = \"to-dataverse\"\nexpression = \"{expression}\"");
            violations(&rule, vec![("Amount", Cell::Integer(one)), ("Limit", Cell::Integer(other))]).is_empty()
        };
        for (expression, expect) in [
            ("Amount < Limit", one < other),
            ("Amount + 1 > Limit * 2", one + 1 > other * 2),
            ("Amount in (1, 2, -3)", [1, 2, -3].contains(&one)),
            ("Amount = 0 or Limit = 0 and Amount != Limit", one == 0 || (other == 0 && one != other)),
        ] {
            prop_assert_eq!(good(expression), expect);
            prop_assert_eq!(good(&format!("not ({expression})")), !expect);
        }
    }

    /// Records that no rule speaks against are written as they would be without rules.
    #[test]
    fn rules_change_nothing_of_what_is_written(name in ".{0,12}", amount in any::<i64>()) {
        let row = || vec![("Id", "1".into()), ("Name", Cell::from(name.as_str())), ("Amount", amount.into())];
        let ruled = run("[[rule]]\nfinops = \"Name\"\nlength = { max = 12 }", vec![row()]);
        prop_assert_eq!(ruled, run("", vec![row()]));
    }
}

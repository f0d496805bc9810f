use std::borrow::Cow;

use dualwright_sdk::{Cell, Change, Leg, Operation, Outcome};
use proptest::prelude::*;

use super::{description, encode, format, program};
use crate::compile::{compile, parse};
use crate::eval;
use crate::exact::Exact;
use crate::pattern::{Pattern, Step};
use crate::program::{
    Check, Comparison, Constant, DeletePolicy, Literal, Program, Rule, Stage, Term, Test, Values,
};

fn any_constant() -> impl Strategy<Value = Constant<'static>> {
    prop_oneof![
        ".{0,8}".prop_map(|text| Constant::Text(Cow::Owned(text))),
        any::<i64>().prop_map(Constant::Integer),
        any::<bool>().prop_map(Constant::Boolean),
    ]
}

fn any_rule() -> impl Strategy<Value = Rule<'static>> {
    let values = (prop::collection::vec((".{0,6}", any_constant()), 0..5), ".{0,20}", any::<bool>())
        .prop_map(|(entries, allowed, keeps_others)| Values {
            entries: entries.into_iter().map(|(text, constant)| (Cow::Owned(text), constant)).collect(),
            allowed: Cow::Owned(allowed),
            keeps_others,
        });
    (
        prop::option::of(0_usize..100_000),
        ".{0,12}",
        any::<bool>(),
        prop::option::of(any_constant()),
        prop::option::of(any_constant()),
        prop::option::of(values),
        prop::option::of(0_usize..100_000),
    )
        .prop_map(|(source, column, key, default, mark, values, cut)| Rule {
            source,
            column: Cow::Owned(column),
            key,
            default,
            mark,
            values,
            cut,
        })
}

fn any_literal() -> impl Strategy<Value = Literal<'static>> {
    prop_oneof![
        ".{0,8}".prop_map(|text| Literal::Text(Cow::Owned(text))),
        any::<bool>().prop_map(Literal::Boolean),
        (any::<i128>(), 0_u8..38)
            .prop_map(|(mantissa, scale)| Literal::Number(Exact::of_parts(mantissa, scale).unwrap())),
        any::<i32>().prop_map(Literal::Day),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..9).prop_map(Step::Take),
        (0_usize..9, 0_usize..9).prop_map(|(one, other)| Step::Split(one, other)),
        (0_usize..9).prop_map(Step::Jump),
        Just(Step::Start),
        Just(Step::End),
        Just(Step::Done),
    ]
}

fn any_term() -> impl Strategy<Value = Term<'static>> {
    let plain = vec![
        Term::Not,
        Term::IsNull,
        Term::Length,
        Term::Negate,
        Term::And,
        Term::Or,
        Term::Compare(Comparison::Equal),
        Term::Compare(Comparison::NotEqual),
        Term::Compare(Comparison::Less),
        Term::Compare(Comparison::LessOrEqual),
        Term::Compare(Comparison::Greater),
        Term::Compare(Comparison::GreaterOrEqual),
        Term::Add,
        Term::Subtract,
        Term::Multiply,
    ];
    prop_oneof![
        (0_usize..9).prop_map(Term::Cell),
        any_literal().prop_map(Term::Literal),
        prop::sample::select(plain),
    ]
}

fn any_test() -> impl Strategy<Value = Test<'static>> {
    let bounds = || (prop::option::of(any_literal()), prop::option::of(any_literal()));
    let lengths = || (prop::option::of(0_usize..300), prop::option::of(0_usize..300));
    let class = prop::collection::vec(any::<(char, char)>(), 0..4);
    let pattern = (prop::collection::vec(class, 0..4), prop::collection::vec(any_step(), 0..9));
    prop_oneof![
        Just(Test::Required),
        Just(Test::Unique),
        prop::collection::vec(any_literal(), 0..4).prop_map(Test::OneOf),
        bounds().prop_map(|(minimum, maximum)| Test::Range { minimum, maximum }),
        lengths().prop_map(|(minimum, maximum)| Test::Length { minimum, maximum }),
        pattern.prop_map(|(classes, steps)| Test::Pattern(Pattern { classes, steps })),
        prop::collection::vec(any_term(), 0..12).prop_map(Test::Expression),
    ]
}

fn any_check() -> impl Strategy<Value = Check<'static>> {
    (any::<bool>(), 0_usize..9, prop::option::of(".{0,9}"), ".{0,9}", ".{0,20}", any_test()).prop_map(
        |(mapped, position, field, code, message, test)| Check {
            stage: if mapped { Stage::Mapped } else { Stage::Captured },
            position,
            field: field.map(Cow::Owned),
            code: Cow::Owned(code),
            message: Cow::Owned(message),
            test,
        },
    )
}

fn any_cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        Just(Cell::Absent),
        Just(Cell::Null),
        Just(Cell::Text(String::new())),
        ".{0,8}".prop_map(Cell::Text),
        any::<i64>().prop_map(Cell::Integer),
        Just(Cell::Decimal("0.00".to_owned())),
        any::<i32>().prop_map(|number| Cell::Decimal(format!("{number}.25"))),
        any::<bool>().prop_map(Cell::Boolean),
        any::<i64>().prop_map(Cell::Timestamp),
        any::<i32>().prop_map(Cell::Date),
    ]
}

const ROUND_TRIP: &str = r#"
[map]
name = "round-trip"
version = "1.0.0"
finops = "Things"
dataverse = "things"
key = [ { finops = "Id", dataverse = "thing_id" } ]
field = [
  { finops = "Name", dataverse = "name" },
  { finops = "Amount", dataverse = "amount" },
  { finops = "Status", dataverse = "status", values = { Open = 1, Closed = 2, Void = 0 } },
  { finops = "Flag", dataverse = "flag", values = { No = false, Yes = true } },
]
"#;

fn round_trip() -> Vec<u8> {
    let file = parse(ROUND_TRIP).unwrap();
    compile(&file, &mut |_| Err("none".to_owned())).unwrap().encode()
}

fn through(bytes: &[u8], leg: Leg, cells: Vec<Cell>) -> Outcome {
    let program = program(bytes, leg).unwrap();
    eval::transform(&program, vec![Change { operation: Operation::Upsert, cells }]).pop().unwrap()
}

proptest! {
    #[test]
    fn programs_survive_their_bytes(
        rules in prop::collection::vec(any_rule(), 0..8),
        checks in prop::collection::vec(any_check(), 0..5),
        policy in 0..3,
    ) {
        let on_delete = match policy {
            0 => DeletePolicy::Propagate,
            1 => DeletePolicy::Ignore,
            _ => DeletePolicy::Mark,
        };
        let written = Program { leg: Leg::ToFinops, on_delete, rules, checks };
        let about = description(&round_trip()).unwrap();
        let bytes = encode(&about, std::slice::from_ref(&written));
        prop_assert_eq!(format(&bytes), Some(if written.checks.is_empty() { 1 } else { 2 }));
        prop_assert_eq!(program(&bytes, Leg::ToFinops), Some(written));
        prop_assert_eq!(program(&bytes, Leg::ToDataverse), None);
        prop_assert_eq!(description(&bytes), Some(about));
    }

    /// Whatever the bytes of a table say, a batch comes to an end and every change has its outcome.
    #[test]
    fn any_checks_run_without_harm(
        checks in prop::collection::vec(any_check(), 1..5),
        rows in prop::collection::vec(prop::collection::vec(any_cell(), 0..8), 0..6),
    ) {
        let bytes = round_trip();
        let mut program = program(&bytes, Leg::ToDataverse).unwrap();
        program.checks = checks;
        let batch: Vec<Change> =
            rows.into_iter().map(|cells| Change { operation: Operation::Upsert, cells }).collect();
        prop_assert_eq!(eval::transform(&program, batch.clone()).len(), batch.len());
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
        let _ = program(&bytes, Leg::ToDataverse);
        let _ = description(&bytes);
        let whole = round_trip();
        let cut = cut.min(whole.len() - 1);
        prop_assert_eq!(description(&whole[..cut]), None);
    }

    /// What goes out and comes back is what it was; for a field with a value set, empty text comes back as null,
    /// which is what the host makes of either.
    #[test]
    fn two_way_fields_come_back_as_they_were(
        name in any_cell(),
        amount in any_cell(),
        status in prop::sample::select(vec!["Open", "Closed", "Void", ""]),
        flag in prop::sample::select(vec!["No", "Yes", ""]),
    ) {
        let bytes = round_trip();
        let cells = vec![Cell::from("T-1"), name, amount, Cell::from(status), Cell::from(flag)];
        let Outcome::Upsert(out) = through(&bytes, Leg::ToDataverse, cells.clone()) else {
            return Err(TestCaseError::fail("not an upsert"));
        };
        let Outcome::Upsert(back) = through(&bytes, Leg::ToFinops, out) else {
            return Err(TestCaseError::fail("not an upsert"));
        };
        prop_assert_eq!(&back[..3], &cells[..3]);
        for (back, cell) in back[3..].iter().zip(&cells[3..]) {
            prop_assert!(back == cell || (back.is_empty() && cell.is_empty()));
        }
    }

    #[test]
    fn every_change_has_its_outcome_whatever_its_cells(
        rows in prop::collection::vec(prop::collection::vec(any_cell(), 0..8), 0..6),
        deletes in any::<u8>(),
    ) {
        let bytes = round_trip();
        let program = program(&bytes, Leg::ToDataverse).unwrap();
        let batch: Vec<Change> = rows
            .into_iter()
            .enumerate()
            .map(|(index, cells)| {
                let operation = if deletes >> index & 1 == 1 { Operation::Delete } else { Operation::Upsert };
                Change { operation, cells }
            })
            .collect();
        let outcomes = eval::transform(&program, batch.clone());
        prop_assert_eq!(outcomes.len(), batch.len());
        for outcome in outcomes {
            if let Outcome::Upsert(cells) = outcome {
                prop_assert_eq!(cells.len(), program.rules.len());
            }
        }
    }
}

/// A table without rules is what it was before there were any: every guest reads it.
#[test]
fn tables_without_rules_have_not_changed() {
    let bytes = round_trip();
    assert_eq!(format(&bytes), Some(1));
    assert_eq!(&bytes[..4], [2, 0, 0, 5], "two programs: to Dataverse, deletes propagate, five rules");
    let ruled =
        ROUND_TRIP.replace("field = [", "rule = [ { finops = \"Name\", required = true } ]\nfield = [");
    let ruled = compile(&parse(&ruled).unwrap(), &mut |_| Err("none".to_owned())).unwrap().encode();
    assert_eq!(format(&ruled), Some(2));
    assert_eq!(&ruled[..4], [2, 0, 0x80, 5], "a guest of the first format refuses this byte");
}

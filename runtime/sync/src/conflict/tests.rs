use dualwright_model::{Fingerprint, Leg, Record, System, Timestamp, Value};
use proptest::prelude::*;

use super::{Circumstances, Clash, Policy, decide, deletion_goes_through};

fn record(cells: &[(&str, &str)]) -> Record {
    cells.iter().map(|(column, text)| ((*column).into(), Value::text(*text))).collect()
}

fn circumstances(leg: Leg) -> Circumstances {
    Circumstances { leg, source_modified_at: None, target_modified_at: None }
}

#[test]
fn edits_of_different_columns_both_survive() {
    let known = Fingerprint::of(&record(&[("a", "1"), ("b", "1")]), &[]);
    let (desired, current) = (record(&[("a", "2"), ("b", "1")]), record(&[("a", "1"), ("b", "9")]));
    for policy in [Policy::FinopsWins, Policy::DataverseWins, Policy::LatestWins] {
        let clash = Clash { desired: &desired, known: &known, current: &current, key: &[] };
        let decision = decide(clash, policy, circumstances(Leg::ToDataverse));
        assert_eq!(decision.write, record(&[("a", "2")]));
        assert_eq!(decision.kept, vec!["b".to_owned()]);
        assert!(!decision.conflicted && !decision.clean);
    }
}

#[test]
fn the_policy_decides_a_column_that_both_changed() {
    let known = Fingerprint::of(&record(&[("a", "1")]), &[]);
    let (desired, current) = (record(&[("a", "2")]), record(&[("a", "3")]));
    let clash = Clash { desired: &desired, known: &known, current: &current, key: &[] };
    let wins = decide(clash, Policy::FinopsWins, circumstances(Leg::ToDataverse));
    assert_eq!(wins.write, desired);
    assert!(wins.conflicted);
    let loses = decide(clash, Policy::FinopsWins, circumstances(Leg::ToFinops));
    assert!(loses.write.is_empty() && loses.conflicted);
    assert_eq!(loses.kept, vec!["a".to_owned()]);
}

#[test]
fn a_version_that_moved_without_our_columns_is_no_conflict() {
    let known = Fingerprint::of(&record(&[("a", "1")]), &[]);
    let (desired, current) = (record(&[("a", "2")]), record(&[("a", "1")]));
    let clash = Clash { desired: &desired, known: &known, current: &current, key: &[] };
    let decision = decide(clash, Policy::DataverseWins, circumstances(Leg::ToDataverse));
    assert_eq!(decision.write, desired);
    assert!(decision.clean && !decision.conflicted);
}

#[test]
fn the_later_change_wins_from_both_sides() {
    let early = Some(Timestamp::from_micros(1));
    let late = Some(Timestamp::from_micros(2));
    for (leg, source, target, expect) in [
        (Leg::ToDataverse, late, early, System::Finops),
        (Leg::ToFinops, early, late, System::Finops),
        (Leg::ToFinops, late, early, System::Dataverse),
        (Leg::ToFinops, late, None, System::Finops),
    ] {
        let circumstances = Circumstances { leg, source_modified_at: source, target_modified_at: target };
        assert_eq!(Policy::LatestWins.winner(circumstances), expect);
    }
}

#[test]
fn a_deletion_yields_to_an_edit_when_the_policy_says_so() {
    let known = Fingerprint::of(&record(&[("a", "1")]), &[]);
    let edited = record(&[("a", "2")]);
    assert!(deletion_goes_through(&known, &edited, &[], Policy::FinopsWins, circumstances(Leg::ToDataverse)));
    assert!(!deletion_goes_through(&known, &edited, &[], Policy::FinopsWins, circumstances(Leg::ToFinops)));
    let same = record(&[("a", "1"), ("never-read", "x")]);
    assert!(deletion_goes_through(&known, &same, &[], Policy::FinopsWins, circumstances(Leg::ToFinops)));
}

proptest! {
    /// Whoever is asked first, both sides agree on the winner of every column.
    #[test]
    fn both_directions_agree(finops in 0_i64..3, dataverse in 0_i64..3, policy in 0_usize..3) {
        let policy = [Policy::FinopsWins, Policy::DataverseWins, Policy::LatestWins][policy];
        let (finops, dataverse) = (Some(Timestamp::from_micros(finops)), Some(Timestamp::from_micros(dataverse)));
        let one = policy.winner(Circumstances {
            leg: Leg::ToDataverse, source_modified_at: finops, target_modified_at: dataverse,
        });
        let two = policy.winner(Circumstances {
            leg: Leg::ToFinops, source_modified_at: dataverse, target_modified_at: finops,
        });
        prop_assert_eq!(one, two);
    }

    /// After the decision is carried out, every column holds the wish or a newer value of the target's own.
    #[test]
    fn a_decision_never_invents_a_value(
        known in prop::collection::vec(0_u8..3, 4),
        wanted in prop::collection::vec(0_u8..3, 4),
        now in prop::collection::vec(0_u8..3, 4),
    ) {
        let make = |values: &[u8]| -> Record {
            values.iter().enumerate().map(|(i, v)| (i.to_string().into(), Value::Integer(i64::from(*v)))).collect()
        };
        let (known, desired, current) = (Fingerprint::of(&make(&known), &[]), make(&wanted), make(&now));
        let clash = Clash { desired: &desired, known: &known, current: &current, key: &[] };
        let decision = decide(clash, Policy::FinopsWins, circumstances(Leg::ToFinops));
        for (column, wish) in desired.iter() {
            let after = match decision.write.get(column.as_str()) {
                Value::Absent => current.get(column.as_str()),
                written => written,
            };
            prop_assert!(after == wish || !known.matches(column, after, &[]) || !known.matches(column, current.get(column.as_str()), &[]));
        }
    }
}

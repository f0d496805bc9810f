//! Somebody was asked, and said who wins.

use dualwright_model::{ColumnPath, Record, Value, same_value};

use super::{Choice, Clash, Column, Decision, by_side, columns, decide_by};

/// What becomes of a record that both sides changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Contested columns get what the map wants.
    SourceWins,
    /// Contested columns stay as the target has them.
    TargetWins,
    /// Columns get these values, in the target's own terms; a column that is absent stays as the target has it.
    Merge(Record),
}

/// The columns that the source changed, and those that the target changed, since the last settle.
pub fn changed_columns(clash: Clash<'_>) -> (Vec<ColumnPath>, Vec<ColumnPath>) {
    let (mut by_source, mut by_target) = (Vec::new(), Vec::new());
    for column in columns(clash) {
        if column.source_changed {
            by_source.push(column.name.clone());
        }
        if column.target_changed {
            by_target.push(column.name.clone());
        }
    }
    (by_source, by_target)
}

/// Turns a verdict into what is to be written.
///
/// Columns of the integration key are never merged: a record with another key would be another record.
pub fn carry_out(clash: Clash<'_>, verdict: &Verdict) -> Decision {
    decide_by(clash, |column| match verdict {
        Verdict::SourceWins => by_side(column, true),
        Verdict::TargetWins => by_side(column, false),
        Verdict::Merge(_) if clash.key.contains(column.name) => by_side(column, true),
        Verdict::Merge(merged) => merge(column, merged.get(column.name.as_str()), clash.key),
    })
}

fn merge(column: &Column<'_>, merged: &Value, key: &[ColumnPath]) -> Choice {
    if merged.is_absent() || same_value(column.name, merged, column.now, key) {
        Choice::Target
    } else if same_value(column.name, merged, column.wanted, key) {
        Choice::Source
    } else {
        Choice::Other(merged.clone())
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{Fingerprint, Leg, Record, Value};
    use proptest::prelude::*;

    use super::{Verdict, carry_out, changed_columns};
    use crate::conflict::{Circumstances, Clash, Policy, decide};

    fn record(cells: &[(&str, i64)]) -> Record {
        cells.iter().map(|(column, number)| ((*column).into(), Value::Integer(*number))).collect()
    }

    #[test]
    fn a_merged_value_is_written_and_travels_back() {
        let known = Fingerprint::of(&record(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]), &[]);
        let desired = record(&[("a", 2), ("b", 2), ("c", 2), ("d", 1)]);
        let current = record(&[("a", 3), ("b", 3), ("c", 1), ("d", 4)]);
        let clash = Clash { desired: &desired, known: &known, current: &current, key: &[] };
        let (by_source, by_target) = changed_columns(clash);
        assert_eq!(by_source, ["a".into(), "b".into(), "c".into()]);
        assert_eq!(by_target, ["a".into(), "b".into(), "d".into()]);

        // One sum, one column left alone, one as the source says, one as the target says.
        let merged = record(&[("a", 5), ("c", 2), ("d", 4)]);
        let decision = carry_out(clash, &Verdict::Merge(merged));
        assert_eq!(decision.write, record(&[("a", 5), ("c", 2)]));
        assert_eq!(decision.returned, ["a".into()]);
        assert_eq!(decision.kept, ["b", "d"]);
        assert!(decision.conflicted && !decision.clean);
    }

    #[test]
    fn a_value_on_which_both_agree_can_be_merged_away() {
        let known = Fingerprint::of(&record(&[("a", 1)]), &[]);
        let both = record(&[("a", 2)]);
        let clash = Clash { desired: &both, known: &known, current: &both, key: &[] };
        let decision = carry_out(clash, &Verdict::Merge(record(&[("a", 9)])));
        assert_eq!((decision.write, decision.returned), (record(&[("a", 9)]), vec!["a".into()]));
        assert!(!decision.conflicted);
    }

    #[test]
    fn what_only_the_source_changed_travels_back_when_the_target_keeps_its_value() {
        let known = Fingerprint::of(&record(&[("a", 1), ("b", 1)]), &[]);
        let (desired, current) = (record(&[("a", 2), ("b", 2)]), record(&[("a", 1), ("b", 3)]));
        let clash = Clash { desired: &desired, known: &known, current: &current, key: &[] };
        let decision = carry_out(clash, &Verdict::Merge(record(&[("a", 1), ("b", 3)])));
        assert!(decision.write.is_empty());
        // The target's own feed tells of `b`, but shows nothing new in `a`.
        assert_eq!((decision.kept, decision.returned), (vec!["a".into(), "b".into()], vec!["a".into()]));
    }

    #[test]
    fn the_key_is_not_merged() {
        let known = Fingerprint::of(&record(&[("k", 1)]), &["k".into()]);
        let (desired, current) = (record(&[("k", 2)]), record(&[("k", 3)]));
        let clash = Clash { desired: &desired, known: &known, current: &current, key: &["k".into()] };
        let decision = carry_out(clash, &Verdict::Merge(record(&[("k", 7)])));
        assert_eq!(decision.write, desired);
    }

    proptest! {
        /// A verdict for a side is what the policy of that side decides.
        #[test]
        fn a_side_that_wins_by_verdict_wins_as_by_policy(
            known in prop::collection::vec(0_i64..3, 4),
            wanted in prop::collection::vec(0_i64..3, 4),
            now in prop::collection::vec(0_i64..3, 4),
        ) {
            let make = |values: &[i64]| -> Record {
                values.iter().enumerate().map(|(i, v)| (i.to_string().into(), Value::Integer(*v))).collect()
            };
            let (known, desired, current) = (Fingerprint::of(&make(&known), &[]), make(&wanted), make(&now));
            let clash = Clash { desired: &desired, known: &known, current: &current, key: &[] };
            let circumstances =
                Circumstances { leg: Leg::ToDataverse, source_modified_at: None, target_modified_at: None };
            for (verdict, policy) in
                [(Verdict::SourceWins, Policy::FinopsWins), (Verdict::TargetWins, Policy::DataverseWins)]
            {
                prop_assert_eq!(carry_out(clash, &verdict), decide(clash, policy, circumstances));
            }
        }
    }
}

//! Should this swap be undone?
//!
//! After a switch the new version is watched beside what is remembered of the one before it. Rows are counted, not time:
//! a quiet night proves nothing.

use serde::{Deserialize, Serialize};

/// How one version of a map has fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows it was given.
    pub rows: u64,
    /// Rows on which it trapped, ran out of time or memory, or answered nonsense.
    pub faults: u64,
    /// Rows it refused.
    pub rejects: u64,
    /// Time spent in it, in microseconds.
    pub micros: u64,
}

impl Tally {
    /// Adds what one batch showed.
    pub fn add(&mut self, batch: Tally) {
        self.rows = self.rows.saturating_add(batch.rows);
        self.faults = self.faults.saturating_add(batch.faults);
        self.rejects = self.rejects.saturating_add(batch.rejects);
        self.micros = self.micros.saturating_add(batch.micros);
    }

    fn share_permille(self, part: u64) -> u64 {
        part.saturating_mul(1000).checked_div(self.rows).unwrap_or(0)
    }

    fn micros_a_row(self) -> u64 {
        self.micros.checked_div(self.rows).unwrap_or(0)
    }
}

/// When a switch is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct HealthPolicy {
    /// After so many rows without trouble the new version is trusted.
    pub watched_rows: u64,
    /// So many rows must have been seen before anything but a fault counts.
    pub least_rows: u64,
    /// So many faults, in thousandths of the rows, above the version before.
    pub faults_permille: u64,
    /// So many refused rows, in thousandths of the rows, above the version before.
    pub rejects_permille: u64,
    /// So many times slower a row than the version before; 0 never undoes for that.
    pub times_slower: u64,
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self {
            watched_rows: 10_000,
            least_rows: 50,
            faults_permille: 10,
            rejects_permille: 100,
            times_slower: 20,
        }
    }
}

/// Below this a row's cost is noise, whatever it is a multiple of.
const SLOW_MICROS_A_ROW: u64 = 500;

/// What follows from two tallies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Too early to tell.
    Watch,
    /// It may stay.
    Trust,
    /// The version before has to come back, for this reason.
    Undo(String),
}

/// Compares the new version with the one before it.
pub fn verdict(before: Tally, after: Tally, policy: HealthPolicy) -> Verdict {
    let excess = |now: u64, then: u64| {
        let (now, then) = (after.share_permille(now), before.share_permille(then));
        (now, then, now.saturating_sub(then))
    };
    let (now, then, more) = excess(after.faults, before.faults);
    // One poison record in a small batch is a record's fault; a handful is the version's.
    if after.faults >= 3 && more >= policy.faults_permille.max(1) {
        return Verdict::Undo(format!(
            "it failed on {} of {} rows ({now} in a thousand; the version before: {then})",
            after.faults, after.rows
        ));
    }
    if after.rows < policy.least_rows {
        return Verdict::Watch;
    }
    let (now, then, more) = excess(after.rejects, before.rejects);
    if more >= policy.rejects_permille.max(1) {
        return Verdict::Undo(format!(
            "it refused {} of {} rows ({now} in a thousand; the version before: {then})",
            after.rejects, after.rows
        ));
    }
    let (now, then) = (after.micros_a_row(), before.micros_a_row());
    let slower = policy.times_slower > 0 && now > then.max(1).saturating_mul(policy.times_slower);
    if slower && before.rows >= policy.least_rows && now > SLOW_MICROS_A_ROW {
        return Verdict::Undo(format!("it takes {now} microseconds a row; the version before took {then}"));
    }
    if after.rows >= policy.watched_rows { Verdict::Trust } else { Verdict::Watch }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HealthPolicy, Tally, Verdict, verdict};

    const POLICY: HealthPolicy = HealthPolicy {
        watched_rows: 1000,
        least_rows: 50,
        faults_permille: 10,
        rejects_permille: 100,
        times_slower: 20,
    };

    fn tally(rows: u64, faults: u64, rejects: u64, micros: u64) -> Tally {
        Tally { rows, faults, rejects, micros }
    }

    #[test]
    fn what_fails_where_the_other_did_not_is_undone() {
        let before = tally(5000, 2, 100, 5000);
        let says = |after| verdict(before, after, POLICY);
        assert!(
            matches!(says(tally(10, 3, 0, 10)), Verdict::Undo(reason) if reason.contains("failed on 3 of 10"))
        );
        assert!(
            matches!(says(tally(100, 0, 20, 100)), Verdict::Undo(reason) if reason.contains("refused 20 of 100"))
        );
        assert!(
            matches!(says(tally(100, 0, 0, 100_000)), Verdict::Undo(reason) if reason.contains("1000 microseconds"))
        );
        assert_eq!(says(tally(10, 2, 10, 100_000)), Verdict::Watch, "too few rows to say");
        assert_eq!(says(tally(999, 2, 30, 999)), Verdict::Watch);
        assert_eq!(says(tally(1000, 2, 30, 1000)), Verdict::Trust);
        assert_eq!(says(tally(1000, 0, 0, 300_000)), Verdict::Trust, "slower, and still nothing");
    }

    #[test]
    fn a_policy_of_zeros_undoes_only_what_is_worse() {
        let policy = HealthPolicy { faults_permille: 0, rejects_permille: 0, times_slower: 0, ..POLICY };
        let same = tally(1000, 0, 10, 9_000_000);
        assert_eq!(verdict(same, same, policy), Verdict::Trust);
    }

    proptest! {
        #[test]
        fn what_is_no_worse_stays(rows in 1_u64..100_000, faults in 0_u64..100, rejects in 0_u64..100, micros in 0_u64..1_000_000) {
            let before = tally(rows, faults.min(rows), rejects.min(rows), micros);
            prop_assert!(!matches!(verdict(before, before, POLICY), Verdict::Undo(_)));
        }

        #[test]
        fn nothing_seen_is_no_reason(before in (0_u64..1000, 0_u64..1000, 0_u64..1000, 0_u64..1000)) {
            let before = tally(before.0, before.1, before.2, before.3);
            prop_assert_eq!(verdict(before, Tally::default(), POLICY), Verdict::Watch);
        }
    }
}

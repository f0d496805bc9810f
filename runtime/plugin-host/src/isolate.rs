//! When a call fails: who was it?
//!
//! The failed batch is split and tried again, and so on, until the record at fault is alone. It is split in sixteen
//! rather than in halves: a guest that hangs costs its whole deadline at every step of the way down, and there are
//! three steps to one of 1,000 records instead of ten, while the honest records are called no more often.
//!
//! The search is bounded, whatever the guest does. Once `isolated_faults` records were found, or `isolation_time` has
//! passed since the first failure, what is left gets one last try, as it is then grouped, with an eighth of its
//! deadline; groups that still fail end with their fault together. At most 15 groups are left at each of the three
//! levels, so 1,000 records that all hang cost one deadline, the isolation time, one more deadline and 45 eighths of one:
//! half a minute with the defaults, not half an hour.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::{GuestFault, Limits};

/// How many parts a failed batch is split into.
const PARTS: usize = 16;

/// Answers every record of `batch`, in order. Ends early, with fewer answers, only when `cancelled`.
pub(crate) fn answer_all<T>(
    batch: Range<usize>,
    limits: &Limits,
    cancelled: &AtomicBool,
    mut call: impl FnMut(Range<usize>, Duration) -> Result<Vec<Result<T, GuestFault>>, GuestFault>,
) -> Vec<Result<T, GuestFault>> {
    let mut answers = Vec::with_capacity(batch.len());
    let mut waiting = vec![batch];
    let mut found = 0_usize;
    let mut started: Option<Instant> = None;
    while let Some(part) = waiting.pop() {
        if cancelled.load(Ordering::Relaxed) {
            break;
        }
        let last_try = found >= limits.isolated_faults
            || started.is_some_and(|started| started.elapsed() >= limits.isolation_time);
        let deadline = limits.deadline_for(part.len());
        let deadline = if last_try { deadline / 8 } else { deadline };
        match call(part.clone(), deadline) {
            Ok(good) => answers.extend(good),
            Err(fault) if part.len() <= 1 => {
                found = found.saturating_add(1);
                started.get_or_insert_with(Instant::now);
                answers.extend(part.map(|_| Err(fault.clone())));
            }
            Err(fault) if last_try => {
                let together = together(fault, part.len());
                answers.extend(part.map(|_| Err(together.clone())));
            }
            Err(_) => {
                started.get_or_insert_with(Instant::now);
                waiting.extend(split(&part).rev());
            }
        }
    }
    answers
}

fn split(part: &Range<usize>) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
    let (start, end) = (part.start, part.end);
    let step = part.len().div_ceil(PARTS).max(1);
    let count = part.len().div_ceil(step);
    (0..count).map(move |index| {
        let from = start.saturating_add(index.saturating_mul(step));
        from..from.saturating_add(step).min(end)
    })
}

fn together(fault: GuestFault, count: usize) -> GuestFault {
    let note = format!(
        "{count} records failed together and were not tried one by one: too many others of their batch had failed, or \
         for too long"
    );
    let message = match fault.message.split_once('\n') {
        Some((reason, trace)) => format!("{reason} ({note})\n{trace}"),
        None => format!("{} ({note})", fault.message),
    };
    GuestFault { kind: fault.kind, message }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::{answer_all, split};
    use crate::{GuestFault, GuestFaultKind, Limits, Outcome, TransformResult};

    struct Seen {
        answers: Vec<TransformResult>,
        calls: Vec<(Range<usize>, Duration)>,
    }

    fn run(rows: usize, limits: &Limits, poison: impl Fn(usize) -> bool) -> Seen {
        let mut calls = Vec::new();
        let answers = answer_all(0..rows, limits, &AtomicBool::new(false), |range, deadline| {
            calls.push((range.clone(), deadline));
            if range.clone().any(&poison) {
                return Err(GuestFault { kind: GuestFaultKind::Trap, message: "reason\n   0: f".to_owned() });
            }
            Ok(range.map(|row| Ok(Outcome::Skip(row.to_string()))).collect())
        });
        Seen { answers, calls }
    }

    fn faults(seen: &Seen) -> Vec<usize> {
        seen.answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).map(|(row, _)| row).collect()
    }

    #[test]
    fn i9_only_the_poison_is_refused_and_order_is_kept() {
        for (rows, poison) in [(1, vec![0]), (2, vec![1]), (17, vec![0, 16]), (1000, vec![3, 4, 500, 999])] {
            let seen = run(rows, &Limits::default(), |row| poison.contains(&row));
            assert_eq!(faults(&seen), poison, "of {rows}");
            assert_eq!(seen.answers.len(), rows);
            for (row, answer) in seen.answers.iter().enumerate() {
                if let Ok(outcome) = answer {
                    assert_eq!(*outcome, Outcome::Skip(row.to_string()));
                }
            }
        }
    }

    #[test]
    fn an_honest_batch_is_one_call() {
        assert_eq!(run(1000, &Limits::default(), |_| false).calls.len(), 1);
    }

    #[test]
    fn one_that_hangs_costs_few_deadlines() {
        let seen = run(1000, &Limits::default(), |row| row == 777);
        let failing = seen.calls.iter().filter(|(range, _)| range.contains(&777)).count();
        assert_eq!(failing, 4);
    }

    #[test]
    fn a_batch_where_all_fail_is_given_up() {
        let limits = Limits::default();
        let seen = run(1000, &limits, |_| true);
        assert_eq!(faults(&seen).len(), 1000);
        assert!(seen.calls.len() < 60, "{} calls", seen.calls.len());
        let alone = seen
            .answers
            .iter()
            .filter(|answer| matches!(answer, Err(fault) if !fault.message.contains("together")));
        assert!(alone.count() >= limits.isolated_faults);
        let last = seen.answers.last().unwrap().as_ref().unwrap_err();
        // The last of sixteen parts of 1,000.
        assert!(last.message.starts_with("reason (55 records failed together"), "{}", last.message);
        assert!(last.message.ends_with("\n   0: f"));
    }

    #[test]
    fn innocents_still_pass_after_giving_up() {
        let limits = Limits { isolated_faults: 2, ..Limits::default() };
        let seen = run(1000, &limits, |row| row < 10);
        assert!(faults(&seen).len() < 20, "{:?}", faults(&seen));
    }

    #[test]
    fn when_the_time_is_over_tries_are_short() {
        let limits = Limits { isolation_time: Duration::ZERO, ..Limits::default() };
        let seen = run(100, &limits, |row| row == 50);
        assert_eq!(seen.calls.len(), 1 + 15);
        assert!(
            seen.calls[1..].iter().all(|(range, deadline)| *deadline == limits.deadline_for(range.len()) / 8)
        );
        assert!(faults(&seen).contains(&50) && faults(&seen).len() == 7);
    }

    #[test]
    fn nobody_waits_for_a_cancelled_search() {
        let answers = answer_all::<Outcome>(0..10, &Limits::default(), &AtomicBool::new(true), |_, _| {
            Err(GuestFault { kind: GuestFaultKind::Trap, message: String::new() })
        });
        assert!(answers.is_empty());
    }

    #[test]
    fn parts_cover_the_whole_once() {
        for rows in [2, 15, 16, 17, 63, 1000] {
            let parts: Vec<usize> = split(&(5..5 + rows)).flatten().collect();
            assert_eq!(parts, (5..5 + rows).collect::<Vec<_>>());
        }
    }
}

//! What becomes of a record that could not be applied. The only such table in the house.

use dualwright_diagnostics::Class;
use dualwright_model::Timestamp;

/// What to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again at this moment.
    At(Timestamp),
    /// Keep it as a dead letter.
    Dead,
}

/// How one record has fared.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// How often it was tried before this time.
    pub attempts: u32,
    /// When it first failed.
    pub since: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// A random number in 0..=1000, so that many records do not come back at once.
    pub jitter_permille: u32,
}

/// Passing faults are given up after this long, in milliseconds: a day, as long as a weekend admin may sleep.
const GIVE_UP_AFTER_MS: i64 = 24 * 60 * 60 * 1000;

/// Decides for one failure class.
///
/// | class | verdict |
/// |---|---|
/// | transient, host | again after 0.5 s, 1 s, 2 s … 5 min; dead after a day |
/// | throttled | again, for as long as it takes |
/// | conflict | again quickly, at most 50 times, then dead |
/// | permission | again each minute (somebody must mend it); dead after a day |
/// | data, config, guest | dead at once: the same record gives the same answer |
pub fn verdict(class: Class, history: History) -> Verdict {
    let waited_ms = history.now.as_micros().saturating_sub(history.since.as_micros()) / 1000;
    let expired = waited_ms >= GIVE_UP_AFTER_MS;
    match class {
        Class::Data | Class::Config | Class::Guest => Verdict::Dead,
        Class::Transient | Class::Host | Class::Permission if expired => Verdict::Dead,
        Class::Transient | Class::Host => Verdict::At(later(history, 500, 300_000)),
        Class::Permission => Verdict::At(later(history, 60_000, 60_000)),
        Class::Throttled => Verdict::At(later(history, 1_000, 60_000)),
        Class::Conflict if history.attempts >= 50 => Verdict::Dead,
        Class::Conflict => Verdict::At(later(history, 50, 2_000)),
    }
}

/// When to look again for a lookup's target that nobody has announced; `None` once the wait limit has passed.
pub fn lookup_wait(history: History, limit_ms: u64) -> Option<Timestamp> {
    let waited_ms = history.now.as_micros().saturating_sub(history.since.as_micros()) / 1000;
    if u64::try_from(waited_ms).unwrap_or(0) >= limit_ms {
        return None;
    }
    Some(later(history, 1_000, 60_000))
}

fn later(history: History, first_ms: u64, most_ms: u64) -> Timestamp {
    let doubled = first_ms.saturating_mul(1_u64 << history.attempts.min(20)).min(most_ms);
    // Half of the pause is fixed, half is jitter.
    let pause = doubled / 2 + doubled / 2 * u64::from(history.jitter_permille.min(1000)) / 1000;
    history.now.plus_millis(pause.max(1))
}

#[cfg(test)]
mod tests {
    use dualwright_diagnostics::Class;
    use dualwright_model::Timestamp;

    use super::{History, Verdict, lookup_wait, verdict};

    fn history(attempts: u32, waited_ms: u64) -> History {
        let since = Timestamp::from_micros(0);
        History { attempts, since, now: since.plus_millis(waited_ms), jitter_permille: 1000 }
    }

    #[test]
    fn a_record_at_fault_is_dead_and_a_service_at_fault_is_not() {
        for class in [Class::Data, Class::Config, Class::Guest] {
            assert_eq!(verdict(class, history(0, 0)), Verdict::Dead);
        }
        for class in [Class::Transient, Class::Throttled, Class::Conflict, Class::Permission, Class::Host] {
            assert!(matches!(verdict(class, history(0, 0)), Verdict::At(_)), "{class}");
        }
    }

    #[test]
    fn throttling_never_fails_a_record() {
        assert!(matches!(verdict(Class::Throttled, history(10_000, 1 << 40)), Verdict::At(_)));
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let pause = |attempts| match verdict(Class::Transient, history(attempts, 0)) {
            Verdict::At(at) => at.as_micros() / 1000,
            Verdict::Dead => -1,
        };
        assert_eq!([pause(0), pause(1), pause(2), pause(40)], [500, 1000, 2000, 300_000]);
    }

    #[test]
    fn a_lookup_is_waited_for_until_its_limit() {
        assert!(lookup_wait(history(3, 999), 1000).is_some());
        assert!(lookup_wait(history(3, 1000), 1000).is_none());
    }
}

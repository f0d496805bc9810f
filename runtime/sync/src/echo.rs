//! Is this change our own write coming home?
//!
//! Judged by content, never by user name (automations share users) and never by version alone: a feed that collapses
//! changes can show a user's edit and our write in one image that carries our version. So a version only *confirms*.

use std::collections::HashMap;

use dualwright_model::{ColumnPath, Fingerprint, Leg, Record, Timestamp, Version};

/// What a captured change showed.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// The columns read.
    pub record: &'a Record,
    /// The columns of the integration key.
    pub key: &'a [ColumnPath],
    /// The row version of the image.
    pub version: Option<&'a Version>,
    /// The clock before the request that read it.
    pub observed_at: Timestamp,
}

/// What the record link knows of that side.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The last known content.
    pub fingerprint: &'a Fingerprint,
    /// The version it was known at.
    pub version: Option<&'a Version>,
    /// The clock after our last write to that side was answered, or before the newest image of it was read.
    pub written_at: Option<Timestamp>,
}

/// What the change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The row says what we already know it to say: drop it.
    Echo,
    /// The image may be older than our own last write, or than an image dealt with already: read the row again and
    /// judge that.
    Stale,
    /// The version is that of our own write, but the content is not what we wrote: the system changed it on the way
    /// in (a plug-in, rounding, trimming). It is a real change, and worth counting.
    NearMiss,
    /// Somebody changed the row.
    Real,
}

/// Judges one image of a linked record.
///
/// An image equal to what is known is an echo even when it is stale: whatever came after it will be captured as a
/// change of its own.
pub fn judge(image: Image<'_>, known: Known<'_>) -> Verdict {
    if !image.record.is_empty() && known.fingerprint.agrees_with(image.record, image.key) {
        return Verdict::Echo;
    }
    if known.written_at.is_some_and(|written_at| image.observed_at <= written_at) {
        return Verdict::Stale;
    }
    match image.version.is_some() && image.version == known.version {
        false => Verdict::Real,
        true if is_edited(image, known) => Verdict::NearMiss,
        // Our own write, and the image shows columns besides that the map does not write: worth learning, no change.
        // Were it taken for one, the blanks of a row that we just made would travel back.
        true => Verdict::Echo,
    }
}

/// Whether any column of which something was known holds something else now.
pub fn is_edited(image: Image<'_>, known: Known<'_>) -> bool {
    let mut columns = image.record.iter().filter(|(column, _)| known.fingerprint.knows(column));
    columns.any(|(column, value)| !known.fingerprint.matches(column, value, image.key))
}

/// Breaks the loop of two systems that each rewrite what the other stored (one upper-cases, the other lower-cases).
///
/// A record bounces when the very same content was written in the very same direction before, with a write in the
/// other direction in between. People who edit a record many times write different contents, and are left alone.
#[derive(Debug, Default)]
pub struct BounceGuard {
    last: HashMap<String, Bounce>,
}

#[derive(Debug)]
struct Bounce {
    leg: Leg,
    written: [Option<u64>; 2],
    repeats: u32,
    at: Timestamp,
}

/// So many identical rounds are a loop.
const REPEATS_MAX: u32 = 8;
/// A round that takes longer than this is not a loop that hurts, in microseconds.
const WINDOW_MICROS: i64 = 60_000_000;
/// Beyond so many remembered records the oldest half is forgotten.
const REMEMBERED_MAX: usize = 20_000;

impl BounceGuard {
    /// Notes that `content` is about to be written to the target of `leg`; answers whether this is a loop.
    pub fn is_bouncing(&mut self, lane_key: &str, leg: Leg, content: u64, now: Timestamp) -> bool {
        if self.last.len() > REMEMBERED_MAX {
            self.forget_older(now);
        }
        let index = usize::from(leg == Leg::ToFinops);
        let bounce = self.last.entry(lane_key.to_owned()).or_insert(Bounce {
            leg,
            written: [None, None],
            repeats: 0,
            at: now,
        });
        let quick = now.as_micros().saturating_sub(bounce.at.as_micros()) < WINDOW_MICROS;
        let turned = bounce.leg != leg;
        let same = bounce.written.get(index).copied().flatten() == Some(content);
        bounce.repeats = if quick && turned && same {
            bounce.repeats + 1
        } else if turned {
            0
        } else {
            bounce.repeats
        };
        bounce.leg = leg;
        bounce.at = now;
        if let Some(slot) = bounce.written.get_mut(index) {
            *slot = Some(content);
        }
        bounce.repeats >= REPEATS_MAX
    }

    fn forget_older(&mut self, now: Timestamp) {
        self.last.retain(|_, bounce| now.as_micros().saturating_sub(bounce.at.as_micros()) < WINDOW_MICROS);
        if self.last.len() > REMEMBERED_MAX {
            self.last.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{Fingerprint, Leg, Record, Timestamp, Value, Version};

    use super::{BounceGuard, Image, Known, Verdict, judge};

    fn record(name: &str) -> Record {
        [("name".into(), Value::text(name))].into_iter().collect()
    }

    fn check(image: &str, version: &str, observed: i64, expect: Verdict) {
        let (image, version) = (record(image), Version(version.into()));
        let fingerprint = Fingerprint::of(&record("known"), &[]);
        let known_version = Version("2".into());
        let verdict = judge(
            Image {
                record: &image,
                key: &[],
                version: Some(&version),
                observed_at: Timestamp::from_micros(observed),
            },
            Known {
                fingerprint: &fingerprint,
                version: Some(&known_version),
                written_at: Some(Timestamp::from_micros(100)),
            },
        );
        assert_eq!(verdict, expect);
    }

    #[test]
    fn content_decides_and_version_confirms() {
        check("known", "2", 200, Verdict::Echo);
        check("known", "1", 50, Verdict::Echo);
        check("edited", "1", 50, Verdict::Stale);
        check("edited", "2", 100, Verdict::Stale);
        check("edited", "2", 200, Verdict::NearMiss);
        check("edited", "3", 200, Verdict::Real);
    }

    #[test]
    fn what_else_our_own_write_made_is_learned_and_sent_nowhere() {
        let mut image = record("known");
        image.set("made-by-the-system", Value::Null);
        let fingerprint = Fingerprint::of(&record("known"), &[]);
        let (ours, later) = (Version("2".into()), Version("3".into()));
        let known = Known { fingerprint: &fingerprint, version: Some(&ours), written_at: None };
        let look = |version| {
            let image =
                Image { record: &image, key: &[], version: Some(version), observed_at: Timestamp::default() };
            judge(image, known)
        };
        assert_eq!(look(&ours), Verdict::Echo);
        assert_eq!(look(&later), Verdict::Real);
    }

    #[test]
    fn two_systems_that_rewrite_each_other_are_stopped_and_people_are_not() {
        let mut guard = BounceGuard::default();
        let mut stopped = false;
        for round in 0..20 {
            let now = Timestamp::from_micros(round);
            stopped |= guard.is_bouncing("loop", Leg::ToDataverse, 1, now);
            stopped |= guard.is_bouncing("loop", Leg::ToFinops, 2, now);
        }
        assert!(stopped);
        for round in 0..10_u8 {
            let now = Timestamp::from_micros(i64::from(round));
            assert!(!guard.is_bouncing("people", Leg::ToDataverse, u64::from(round), now));
            assert!(!guard.is_bouncing("people", Leg::ToFinops, 100 + u64::from(round), now));
        }
    }
}

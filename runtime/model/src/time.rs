//! Moments and days as whole numbers with a unit. Never a clock: time is passed in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A calendar day: days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Date(i32);

/// A text that is not a moment or a day in ISO 8601.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 8601 date or time between the years 1 and 9999")]
pub struct TimeError;

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Microseconds since an earlier moment; 0 when that was later.
    pub fn micros_since(self, earlier: Self) -> u64 {
        u64::try_from(self.as_micros().saturating_sub(earlier.as_micros())).unwrap_or(0)
    }

    /// This moment, later by so many milliseconds.
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000)))
    }

    /// Whether it falls into the years 1 to 9999, the only ones that both systems know and that can be printed for them.
    pub fn is_in_calendar(self) -> bool {
        (FIRST_MICROS..END_MICROS).contains(&self.0)
    }

    /// Reads `2026-11-23T06:18:00.123Z`, with any offset.
    ///
    /// # Errors
    /// When the text is not such a moment.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        if let Some(civil) = text.strip_suffix(['Z', 'z']) {
            return Self::from_civil(civil.parse().map_err(|_| TimeError)?)?.checked();
        }
        text.parse::<jiff::Timestamp>()
            .map_err(|_| TimeError)
            .and_then(|time| Self(time.as_microsecond()).checked())
    }

    fn checked(self) -> Result<Self, TimeError> {
        self.is_in_calendar().then_some(self).ok_or(TimeError)
    }

    // Both systems use 9999-12-31T23:59:59Z for "never", which is later than `jiff::Timestamp` reaches.
    fn from_civil(civil: jiff::civil::DateTime) -> Result<Self, TimeError> {
        let days = epoch().until(civil.date()).map_err(|_| TimeError)?.get_days();
        let since_midnight = civil.time().duration_since(jiff::civil::Time::midnight()).as_micros();
        let micros = i128::from(days) * i128::from(MICROS_A_DAY) + since_midnight;
        i64::try_from(micros).map(Self).map_err(|_| TimeError)
    }

    fn to_civil(self) -> Option<jiff::civil::DateTime> {
        let days = i32::try_from(self.0.div_euclid(MICROS_A_DAY)).ok()?;
        let date = jiff::Span::new().try_days(days).and_then(|span| epoch().checked_add(span)).ok()?;
        let since_midnight = jiff::SignedDuration::from_micros(self.0.rem_euclid(MICROS_A_DAY));
        date.to_datetime(jiff::civil::Time::midnight()).checked_add(since_midnight).ok()
    }
}

const MICROS_A_DAY: i64 = 86_400_000_000;
/// 0001-01-01, and the day after 9999-12-31.
const FIRST_DAY: i32 = -719_162;
const END_DAY: i32 = 2_932_897;
const FIRST_MICROS: i64 = FIRST_DAY as i64 * MICROS_A_DAY;
const END_MICROS: i64 = END_DAY as i64 * MICROS_A_DAY;

fn epoch() -> jiff::civil::Date {
    jiff::civil::date(1970, 1, 1)
}

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC, with as many fractional digits as are needed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_civil() {
            Some(time) => write!(formatter, "{time}Z"),
            None => write!(formatter, "@{}us", self.0),
        }
    }
}

impl Date {
    /// From days since the Unix epoch.
    pub fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since the Unix epoch.
    pub fn as_days(self) -> i32 {
        self.0
    }

    /// Whether it falls into the years 1 to 9999, the only ones that both systems know and that can be printed for them.
    pub fn is_in_calendar(self) -> bool {
        (FIRST_DAY..END_DAY).contains(&self.0)
    }

    /// Reads `2026-11-23`.
    ///
    /// # Errors
    /// When the text is not such a day.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let date = text.parse::<jiff::civil::Date>().map_err(|_| TimeError)?;
        let date = Self(epoch().until(date).map_err(|_| TimeError)?.get_days());
        date.is_in_calendar().then_some(date).ok_or(TimeError)
    }

    /// The day in UTC on which a moment falls.
    pub fn of(time: Timestamp) -> Self {
        // Some 106 million days either way, which always fits.
        Self(i32::try_from(time.0.div_euclid(MICROS_A_DAY)).unwrap_or(i32::MAX))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Span::new().try_days(self.0).and_then(|span| epoch().checked_add(span)) {
            Ok(date) => write!(formatter, "{date}"),
            Err(_) => write!(formatter, "@{}d", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Date, Timestamp};

    #[test]
    fn moments_and_days_survive_their_text() {
        for text in ["1900-01-01T12:00:00Z", "2026-11-23T06:18:00.123456Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        for text in ["1900-01-01", "1970-01-01", "2024-02-29", "9999-12-31"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Timestamp::parse("2026-01-01T02:00:00+02:00").unwrap().to_string(),
            "2026-01-01T00:00:00Z"
        );
        assert!(Timestamp::parse("yesterday").is_err());
        assert!(Date::parse("2025-02-30").is_err());
    }

    #[test]
    fn the_calendar_of_both_systems_has_two_ends() {
        let (first, last) = (Date::parse("0001-01-01").unwrap(), Date::parse("9999-12-31").unwrap());
        assert!(first.is_in_calendar() && last.is_in_calendar());
        for days in [first.as_days() - 1, last.as_days() + 1, i32::MIN, i32::MAX] {
            assert!(!Date::from_days(days).is_in_calendar(), "{days}");
        }
        let first = Timestamp::parse("0001-01-01T00:00:00Z").unwrap();
        let last = Timestamp::parse("9999-12-31T23:59:59.999999Z").unwrap();
        assert!(first.is_in_calendar() && last.is_in_calendar());
        for micros in [first.as_micros() - 1, last.as_micros() + 1, i64::MIN, i64::MAX] {
            assert!(!Timestamp::from_micros(micros).is_in_calendar(), "{micros}");
        }
        for text in ["-000001-01-01", "0000-01-01", "+010000-01-01"] {
            assert!(Date::parse(text).is_err(), "{text}");
            assert!(Timestamp::parse(&format!("{text}T00:00:00Z")).is_err(), "{text}");
        }
    }

    proptest! {
        // Whatever a guest makes of a moment or a day, it is printed without a panic, and read again as itself where the
        // systems know it.
        #[test]
        fn any_moment_and_day_is_printed(micros: i64, days: i32) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&time.to_string()).ok(), Some(time).filter(|time| time.is_in_calendar()));
            let date = Date::from_days(days);
            prop_assert_eq!(Date::parse(&date.to_string()).ok(), Some(date).filter(|date| date.is_in_calendar()));
            Date::of(time).to_string();
        }

        #[test]
        fn moments_of_the_calendar_survive_their_text(micros in super::FIRST_MICROS..super::END_MICROS) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
            let date = Date::of(time);
            prop_assert_eq!(Date::parse(&date.to_string()), Ok(date));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9TtZz:. ]{0,40}") {
            let _ = (Timestamp::parse(&text), Date::parse(&text));
        }
    }
}

//! The wall clock, in the units the emulators use.

use dualwright_model::Timestamp;

/// Now.
pub fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}

/// Now, in whole seconds: both systems store moments without fractions.
pub fn now_seconds() -> Timestamp {
    let micros = now().as_micros();
    Timestamp::from_micros(micros - micros.rem_euclid(1_000_000))
}

/// Now, in milliseconds since the Unix epoch.
pub fn now_millis() -> i64 {
    now().as_micros() / 1000
}

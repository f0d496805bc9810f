//! The one place that asks the wall clock: when was a request sent.

use dualwright_model::Timestamp;

/// Now.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}

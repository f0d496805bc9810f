//! Conducts a change from capture to settle; initial sync; supervision.

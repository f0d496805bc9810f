//! Pure decisions: lanes, echo, conflict, retry, map states, waves, parking.

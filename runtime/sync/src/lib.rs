//! Pure decisions: lanes, echo, conflict, retry, map states, waves, parking, health.
//!
//! Every function here is `(state, event, now) → answer`: no clock, no randomness, no I/O, no runtime (I5). Whoever
//! acts on an answer lives in `engine`. That is why the rules that guard the data can be tested by the million.

pub mod conflict;
pub mod echo;
pub mod health;
pub mod lane;
pub mod map_state;
pub mod park;
pub mod plan;
pub mod retry;
pub mod wave;

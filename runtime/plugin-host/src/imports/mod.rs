//! What the host gives to guests that were granted it. One file an interface.

mod answers;
mod http;
pub(crate) mod log;
mod lookup;
pub(crate) mod outside;
pub(crate) mod settings;

/// What a guest is told that asks while it is only asked what it is.
const ASLEEP: &str = "nothing is asked of the world outside while a component says what it is";

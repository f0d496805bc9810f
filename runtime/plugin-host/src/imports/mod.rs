//! What the host gives to guests that were granted it. One file an interface.

pub(crate) mod log;
pub(crate) mod settings;

//! One resource a file.

pub(crate) mod activities;
pub(crate) mod check;
pub(crate) mod dead_letters;
pub(crate) mod health;
pub(crate) mod maps;
pub(crate) mod nudges;
pub(crate) mod plugins;
pub(crate) mod records;

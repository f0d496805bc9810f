//! Checks of the house itself: layers, sizes, names, invariants, contracts, licences. What these check, a review
//! need not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise, helpers included")]

mod contract;
mod files;
mod invariants;
mod layers;
mod licences;
mod metadata;
mod sources;
mod words;

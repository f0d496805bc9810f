//! The tables that travel inside the program: they hold what the catalogue's maps name, and can be filled from files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]
#![allow(unreachable_pub, reason = "an integration test is its own crate")]

#[allow(dead_code, reason = "not all helpers of the Dataverse tests are used here")]
#[path = "../dataverse/support.rs"]
mod shared;

mod catalogue;
mod load;
mod load_faults;
mod numbers;
mod support;

//! The Finance and Operations emulator over HTTP, as a client sees it. Pages named here are those of
//! `MicrosoftDocs/dynamics-365-unified-operations-public`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]
#![allow(unreachable_pub, reason = "an integration test is its own crate")]

#[allow(dead_code, reason = "the other emulator's own helpers are not used here")]
#[path = "../dataverse/support.rs"]
mod shared;

mod batches;
mod clients;
mod companies;
mod events;
mod garbage;
mod metadata;
mod queries;
mod support;
mod writing;

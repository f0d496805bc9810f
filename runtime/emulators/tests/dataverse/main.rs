//! The Dataverse emulator over real HTTP, one file a protocol feature.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]
#![allow(unreachable_pub, reason = "an integration test is its own crate")]

mod basics;
mod batches;
mod bulk;
mod changes;
mod clients;
mod crash;
mod definitions;
mod faults;
mod garbage;
mod https;
mod keys;
mod queries;
mod support;
mod webhooks;
mod writing;

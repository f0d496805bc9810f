//! The command, run as people run it, between two systems that are processes of their own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test that fails says so by panicking"
)]

mod bad_maps;
mod bad_values;
mod captured;
mod conflicts;
mod deletes;
mod demo;
mod doctor;
mod downloads;
mod guest;
mod identity;
mod imports;
mod layers;
mod lookups;
mod northwind;
mod operator;
mod services;
mod slow;
mod story;
mod swaps;
mod throttled;
mod undone;
mod values;
mod versions;
mod watched;

//! Programs that others wrote, at work with ours: see README.md beside this file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails loudly, and says what it leaves out"
)]

mod cap;
mod dataverse_on_cap;
mod emulators;
mod finops_on_cap;
mod install;
mod script;
mod table;

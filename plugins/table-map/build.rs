//! How the guest's memory is laid out.

#![allow(clippy::print_stdout, reason = "cargo listens to it")]

/// What the guest has from its beginning, in bytes: room for its stack, its data and a batch. Growing later costs two
/// calls of the kernel for each instance; memory that is never touched costs nothing.
const MEMORY: u32 = 1 << 20;
/// The guest's stack, in bytes: nothing in it recurses over a row.
const STACK: u32 = 64 << 10;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo::rustc-link-arg-cdylib=--initial-memory={MEMORY}");
        println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK}");
    }
}

//! What is told of a Rust guest that panics: the guest's own source line, and neither row values nor the builder's folders.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says when it could not run"
)]

use std::path::{Path, PathBuf};

use dualwright_map_builder::guest::rust::{BuiltGuest, build_guest};
use dualwright_map_builder::{BuildError, BuildOptions};
use dualwright_model::{ColumnPath, Leg, Operation, Record, Value};
use dualwright_plugin_host::{Grants, GuestChange, GuestFaultKind, Host, HostConfig, Plugin};

fn guest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/trapping")
}

fn built() -> Option<BuiltGuest> {
    match build_guest(&guest().join("Cargo.toml"), &BuildOptions::default()) {
        Ok(built) => Some(built),
        Err(BuildError::NoToolchain { reason, command }) => {
            eprintln!("skipped: no tool chain for WebAssembly ({reason}); {command}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The number of the line that is marked so.
fn line(mark: &str) -> usize {
    let text = std::fs::read_to_string(guest().join("src/lib.rs")).unwrap();
    text.lines().position(|line| line.ends_with(&format!("// LINE {mark}"))).expect("a marked line") + 1
}

async fn told(plugin: &Plugin, text: &str) -> String {
    let record: Record = [("K", "secret-key"), ("A", text)]
        .map(|(name, value)| (ColumnPath::from(name), Value::text(value)))
        .into_iter()
        .collect();
    let change = GuestChange { operation: Operation::Upsert, record };
    let mut answers = plugin.transform(Leg::ToDataverse, false, &[change]).await;
    let fault = answers.remove(0).expect_err("it panics");
    assert_eq!(fault.kind, GuestFaultKind::Trap, "{}", fault.message);
    fault.message
}

#[tokio::test]
async fn a_panic_shows_the_guests_own_line() {
    let Some(built) = built() else { return };
    assert!(built.bytes.len() < 600_000, "{} bytes", built.bytes.len());
    let host = Host::new(HostConfig::default()).unwrap();
    let plugin = host.load("trapping", &built.bytes, &Grants::default()).unwrap();
    for (word, function) in [
        ("unwrap", "trapping_guest::unwrapped"),
        ("index", "trapping_guest::indexed"),
        ("panic", "transform"),
    ] {
        let message = told(&plugin, word).await;
        let place = format!("guests/trapping/src/lib.rs:{}", line(word));
        let (first, rest) = message.split_once('\n').unwrap();
        assert!(first.starts_with("wasm trap: ") && first.ends_with(&place), "{message}");
        // Its own functions, from the first frame on: how a panic gets to its end is nobody's concern.
        assert!(rest.lines().next().unwrap().contains("   0: "), "{message}");
        assert!(rest.contains(function), "{message}");
        assert!(!message.contains("panicking") && !message.contains("rust_panic"), "{message}");
        assert!(!message.contains("secret-key") && !message.contains("the value is"), "{message}");
        assert!(message.len() < 1000, "{message}");
    }
    nobody_learns_who_built_it_where(&built.bytes);
}

fn nobody_learns_who_built_it_where(component: &[u8]) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let home = std::env::home_dir().filter(|home| home.as_os_str().len() > 1);
    for place in [Some(repository), home].into_iter().flatten() {
        let place = place.to_str().unwrap().as_bytes();
        let found = component.windows(place.len()).any(|bytes| bytes == place);
        assert!(!found, "{} is in the component", String::from_utf8_lossy(place));
    }
}

//! What a guest spends is counted, function by function.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use dualwright_model::Leg;
use dualwright_plugin_host::{FuelProfile, Grants, HostError, Limits, fuel_profile};

fn profile(guest: &str, rows: usize) -> Result<FuelProfile, HostError> {
    let (bytes, batch) = (support::guest(guest), support::batch(rows, &[]));
    fuel_profile(guest, &bytes, &Grants::default(), &Limits::default(), Leg::ToDataverse, &batch)
}

#[test]
fn fuel_is_counted_by_function_and_always_the_same() {
    let profile_of = |rows| profile("echo", rows).unwrap();
    let once = profile_of(50);
    assert_eq!(once, profile_of(50), "the same rows give the same numbers");
    assert_eq!(once.stacks.iter().map(|stack| stack.fuel).sum::<u64>(), once.fuel);
    let stacks: Vec<String> = once.stacks.iter().map(|stack| stack.functions.join(" > ")).collect();
    assert!(stacks.contains(&"transform > echo".to_owned()), "{stacks:?}");
    assert!(
        stacks.contains(&"cabi_realloc > allocate".to_owned()),
        "the host's own calls are seen: {stacks:?}"
    );
    assert!(!once.is_nameless());
    // Echoing is one loop over the rows.
    let echoed = |profile: &FuelProfile| -> u64 {
        let echo =
            profile.stacks.iter().filter(|stack| stack.functions.last().is_some_and(|name| name == "echo"));
        echo.map(|stack| stack.fuel).sum()
    };
    let (few, many) = (echoed(&once), echoed(&profile_of(150)));
    assert!(many > few * 2 && many < few * 4, "{few} for 50 rows, {many} for 150");
}

#[test]
fn a_guest_that_fails_is_told_apart_from_a_host_that_does() {
    let bytes = support::guest("echo");
    let refused = fuel_profile(
        "cut-off",
        &bytes[..bytes.len() / 2],
        &Grants::default(),
        &Limits::default(),
        Leg::ToDataverse,
        &support::batch(1, &[]),
    );
    let error = refused.unwrap_err();
    assert!(matches!(&error, HostError::NotMeasured { .. }), "{error}");
    assert!(error.to_string().contains("what cut-off spends cannot be counted"), "{error}");
}

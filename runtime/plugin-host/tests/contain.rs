//! Hostile guests, each shown to cost nobody but the records that set it off (I9).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

mod support;

use std::time::Duration;

use dualwright_model::Leg;
use dualwright_plugin_host::{GuestFault, GuestFaultKind, Host, HostConfig, Limits, TransformResult};

use support::{SECRET, batch, echoed, host, load, patient, row, tight};

const ROWS: usize = 20;

/// Runs a batch with two poisoned records through a guest; these two fail and the others do not. Afterwards the same
/// plugin and another one still work.
async fn contained(guest: &str, limits: Limits) -> GuestFault {
    let poison = [3, 17];
    let host = host(limits);
    let plugin = load(&host, guest);
    let answers = plugin.transform(Leg::ToDataverse, false, &batch(ROWS, &poison)).await;
    let fault = only_poison_fails(guest, &answers, &poison);

    assert_eq!(plugin.stats().rows, ROWS as u64);
    assert_eq!(plugin.stats().faults, 2);
    let after = plugin.transform(Leg::ToDataverse, false, &batch(ROWS, &[])).await;
    assert_eq!(
        after,
        (0..ROWS).map(|index| echoed(index, SECRET)).collect::<Vec<_>>(),
        "{guest}: the next batch"
    );
    let other = load(&host, "echo").transform(Leg::ToDataverse, false, &[row(1, "x")]).await;
    assert_eq!(other, [echoed(1, "x")], "{guest}: another map");
    fault
}

fn only_poison_fails(guest: &str, answers: &[TransformResult], poison: &[usize]) -> GuestFault {
    assert_eq!(answers.len(), ROWS, "{guest}");
    let mut faults = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        if poison.contains(&index) {
            let fault = answer.as_ref().expect_err("the poisoned record fails");
            // I11: whatever a guest does, its fault carries no row value.
            assert!(
                !fault.message.contains(SECRET) && !fault.message.contains(support::POISON),
                "{guest}: {fault:?}"
            );
            assert!(!fault.message.contains("key-"), "{guest}: {fault:?}");
            faults.push(fault.clone());
        } else {
            assert_eq!(*answer, echoed(index, SECRET), "{guest}: record {index}");
        }
    }
    let fault = faults.remove(0);
    assert!(faults.iter().all(|other| other.kind == fault.kind));
    fault
}

async fn check(guest: &str, kind: GuestFaultKind, message: &str) {
    let limits = if kind == GuestFaultKind::TimedOut { tight() } else { patient() };
    let fault = contained(guest, limits).await;
    assert_eq!(fault.kind, kind, "{guest}: {}", fault.message);
    assert!(fault.message.contains(message), "{guest}: {}", fault.message);
}

#[tokio::test]
async fn one_that_traps() {
    let fault = contained("trap", patient()).await;
    assert_eq!(fault.kind, GuestFaultKind::Trap);
    let lines: Vec<&str> = fault.message.lines().collect();
    assert_eq!(lines[0], "wasm trap: wasm `unreachable` instruction executed");
    assert!(lines[1].contains("0: step_on_it @ 0x"), "{}", fault.message);
    assert!(lines[2].contains("1: walk_into_trap @ 0x"), "{}", fault.message);
    assert!(lines[3].contains("2: transform @ 0x"), "{}", fault.message);
}

#[tokio::test]
async fn one_that_hangs() {
    check("spin", GuestFaultKind::TimedOut, "ran longer than 1000 ms").await;
}

#[tokio::test]
async fn one_that_eats_memory() {
    check("grow", GuestFaultKind::OutOfMemory, "asked for more than 67108864 bytes of memory").await;
}

#[tokio::test]
async fn one_that_asks_for_memory_for_ever() {
    check("greedy", GuestFaultKind::OutOfMemory, "asked for more than").await;
}

#[tokio::test]
async fn one_with_two_memories_that_are_too_much_together() {
    check("memory", GuestFaultKind::OutOfMemory, "asked for more than").await;
}

#[tokio::test]
async fn one_that_recurses_without_end() {
    check("recurse", GuestFaultKind::Trap, "call stack exhausted").await;
}

#[tokio::test]
async fn one_that_forgets_an_answer() {
    check("length", GuestFaultKind::BadAnswer, "returned 0 outcomes for 1 changes").await;
}

#[tokio::test]
async fn one_that_answers_a_million_times() {
    check("surplus", GuestFaultKind::BadAnswer, "returned more than it may").await;
}

#[tokio::test]
async fn one_that_answers_too_much() {
    check("huge", GuestFaultKind::BadAnswer, "returned more than it may").await;
}

#[tokio::test]
async fn one_that_names_the_same_memory_many_times() {
    check("amplify", GuestFaultKind::BadAnswer, "returned more than it may").await;
}

#[tokio::test]
async fn one_that_points_outside_its_memory() {
    check("pointer", GuestFaultKind::BadAnswer, "returned a pointer outside its memory").await;
}

#[tokio::test]
async fn one_that_points_between_cells() {
    check("unaligned", GuestFaultKind::BadAnswer, "returned a pointer that is not aligned").await;
}

#[tokio::test]
async fn one_that_allocates_outside_its_memory() {
    check("realloc", GuestFaultKind::BadAnswer, "returned a pointer outside its memory").await;
}

#[tokio::test]
async fn one_with_an_unknown_kind_of_outcome() {
    check("variant", GuestFaultKind::BadAnswer, "a case that does not exist").await;
}

#[tokio::test]
async fn one_that_does_not_speak_utf8() {
    check("utf8", GuestFaultKind::BadAnswer, "not UTF-8").await;
}

#[tokio::test]
async fn one_with_too_few_cells() {
    check("cells", GuestFaultKind::BadAnswer, "returned 2 cells for 3 columns").await;
}

#[tokio::test]
async fn one_whose_decimal_is_none() {
    check("decimal", GuestFaultKind::BadAnswer, "returned a decimal that is not a decimal number for b")
        .await;
}

#[tokio::test]
async fn one_that_hangs_on_every_record_is_given_up() {
    let limits = Limits { deadline: Duration::from_millis(100), isolated_faults: 2, ..tight() };
    let host = host(limits);
    let plugin = load(&host, "spin");
    let all: Vec<usize> = (0..300).collect();
    let answers = plugin.transform(Leg::ToDataverse, false, &batch(300, &all)).await;
    assert_eq!(answers.len(), 300);
    assert!(
        answers.iter().all(|answer| matches!(answer, Err(fault) if fault.kind == GuestFaultKind::TimedOut))
    );
    assert!(answers[299].as_ref().unwrap_err().message.contains("failed together"));
    let calls = plugin.stats().calls;
    assert!(calls < 60, "{calls} calls for 300 records");
}

#[tokio::test]
async fn nothing_is_left_over_from_batch_to_batch() {
    let host = host(Limits { batch_rows: 5, ..patient() });
    let plugin = load(&host, "state");
    for _ in 0..3 {
        let answers = plugin.transform(Leg::ToDataverse, false, &batch(ROWS, &[])).await;
        assert_eq!(answers, (0..ROWS).map(|index| echoed(index, SECRET)).collect::<Vec<_>>());
    }
    assert_eq!(plugin.stats().calls, 12);
}

/// Each of them would trap, were it not the first call of its instance.
#[tokio::test]
async fn an_instance_made_ahead_serves_one_batch_and_has_nothing_left_over() {
    let config = HostConfig { limits: patient(), slow_start: Duration::ZERO, ..HostConfig::default() };
    let host = Host::new(config).unwrap();
    let plugin = load(&host, "state");
    let (mut rows, begun) = (0_u64, std::time::Instant::now());
    while plugin.stats().ahead < 20 {
        assert!(begun.elapsed().as_secs() < 60, "none is made ahead: {:?}", plugin.stats());
        let answers = plugin.transform(Leg::ToDataverse, false, &batch(3, &[])).await;
        assert_eq!(answers, (0..3).map(|index| echoed(index, SECRET)).collect::<Vec<_>>());
        rows += 3;
    }
    assert_eq!((plugin.stats().rows, plugin.stats().faults), (rows, 0));
    // And a batch whose instance traps is nobody else's trouble.
    let trapping = load(&host, "trap");
    for _ in 0..5 {
        let answers = trapping.transform(Leg::ToDataverse, false, &batch(3, &[1])).await;
        assert!(answers[0].is_ok() && answers[1].is_err() && answers[2].is_ok(), "{answers:?}");
    }
}

/// The places of a host are few: components that find none go on without.
#[tokio::test]
async fn more_slow_components_than_places_all_answer() {
    let config = HostConfig { limits: patient(), slow_start: Duration::ZERO, ..HostConfig::default() };
    let host = Host::new(config).unwrap();
    let plugins: Vec<_> = (0..40).map(|_| load(&host, "state")).collect();
    for _ in 0..3 {
        for plugin in &plugins {
            assert_eq!(plugin.transform(Leg::ToDataverse, false, &[row(1, "x")]).await, [echoed(1, "x")]);
        }
    }
}

#[tokio::test]
async fn a_hanging_map_leaves_places_for_others() {
    let host = host(tight());
    let (hanging, honest) = (load(&host, "spin"), load(&host, "echo"));
    let mut stuck = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let hanging = hanging.clone();
        stuck.spawn(async move { hanging.transform(Leg::ToDataverse, false, &batch(1, &[0])).await });
    }
    tokio::task::yield_now().await;
    // If the hanging ones held every place this would come back last, after all of them.
    let answers = honest.transform(Leg::ToDataverse, false, &[row(1, "x")]).await;
    assert_eq!(answers, [echoed(1, "x")]);
    assert!(hanging.stats().rows < 64, "the honest map had to wait for all others");
    stuck.abort_all();
}

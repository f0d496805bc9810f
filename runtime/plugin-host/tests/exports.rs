//! Every export of every role, each spinning, trapping, eating memory and answering nonsense, shown to cost nobody but the
//! records that set it off (I9).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

mod support;

use dualwright_model::{ColumnPath, Leg, Record, Value};
use dualwright_plugin_host::{
    Clash, Grants, GuestFault, GuestFaultKind, Limits, Outcome, Plugin, ResolveResult, Stack,
    TransformResult, Verdict,
};

use support::layer::{Poisoned, SPIN, Said, extension, validator};
use support::{POISON, SECRET, batch, echoed, filled, host, load, patient, row, tight};

/// Few enough to be tried one by one after the first failure: a guest that hangs costs two deadlines.
const ROWS: usize = 12;
const BAD: usize = 7;
const MAP: &str = "test-map";
const EAT: &str =
    "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
/// Claims a list of a thousand million answers.
const GIGABYTE: &str = "(i32.store offset=4 (local.get $answer) (i32.const 0x40000000))";

fn limits(act: &str) -> Limits {
    if act == SPIN { tight() } else { patient() }
}

/// The kinds of faults that an act brings about, and a word of the message.
fn expected(act: &str) -> (GuestFaultKind, &'static str) {
    match act {
        SPIN => (GuestFaultKind::TimedOut, "ran longer than 1000 ms"),
        EAT => (GuestFaultKind::OutOfMemory, "asked for more than"),
        "(unreachable)" => (GuestFaultKind::Trap, "unreachable"),
        _ => (GuestFaultKind::BadAnswer, "returned"),
    }
}

fn check_fault(what: &str, act: &str, fault: &GuestFault) {
    let (kind, word) = expected(act);
    assert_eq!(fault.kind, kind, "{what}: {}", fault.message);
    assert!(fault.message.contains(word), "{what}: {}", fault.message);
    assert!(!fault.message.contains(POISON) && !fault.message.contains(SECRET), "{what}: {}", fault.message);
}

fn only_one_fails(what: &str, act: &str, answers: &[TransformResult]) {
    assert_eq!(answers.len(), ROWS, "{what}");
    for (index, answer) in answers.iter().enumerate() {
        match answer {
            Err(fault) if index == BAD => check_fault(what, act, fault),
            Ok(Outcome::Upsert(record)) if index != BAD => {
                assert_eq!(record.get("k"), &Value::text(format!("key-{index}")), "{what}");
            }
            other => panic!("{what}: record {index}: {other:?}"),
        }
    }
}

/// A guest of `acts.wat` that does these things in its four places.
fn acting(act: &str, afterwards: &str, allocating: &str, starting: &str) -> Vec<u8> {
    let parts =
        [("act", act), ("afterwards", afterwards), ("allocating", allocating), ("starting", starting)];
    filled("acts", &parts, "map-plugin")
}

#[tokio::test]
async fn transform_and_what_the_host_calls_around_it() {
    for act in [SPIN, EAT, "(unreachable)", GIGABYTE] {
        // Afterwards it is too late for another answer: it was read before.
        let afterwards = (act != GIGABYTE).then(|| ("afterwards", acting("", act, "", "")));
        for (place, bytes) in [("transform", acting(act, "", "", ""))].into_iter().chain(afterwards) {
            let host = host(limits(act));
            let plugin = host.load("acts.wasm", &bytes, &Grants::default()).expect("loads");
            let answers = plugin.transform(Leg::ToDataverse, false, &batch(ROWS, &[BAD])).await;
            only_one_fails(place, act, &answers);
            let honest = load(&host, "echo").transform(Leg::ToDataverse, false, &[row(1, "x")]).await;
            assert_eq!(honest, [echoed(1, "x")], "{place}");
        }
    }
}

// The texts of four bytes are the poisoned ones: only with them is the guest asked for memory of that size.
#[tokio::test]
async fn the_allocator_that_the_host_calls() {
    for act in [SPIN, EAT, "(unreachable)"] {
        let host = host(limits(act));
        let plugin = host.load("acts.wasm", &acting("", "", act, ""), &Grants::default()).expect("loads");
        let answers = plugin.transform(Leg::ToDataverse, false, &batch(ROWS, &[BAD])).await;
        only_one_fails("cabi_realloc", act, &answers);
    }
}

#[test]
fn what_runs_before_anything_is_asked() {
    for act in [SPIN, EAT, "(unreachable)"] {
        let error = host(limits(act))
            .load("acts.wasm", &acting("", "", "", act), &Grants::default())
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("acts.wasm describes itself wrongly") && error.contains(expected(act).1),
            "{error}"
        );
    }
}

fn said(owns: &'static [&'static str]) -> Said {
    Said { name: "layer", map: MAP, reads: &["A"], owns }
}

#[tokio::test]
async fn validate_and_extend() {
    for act in [SPIN, EAT, "(unreachable)", GIGABYTE] {
        let layers = [
            ("the validator layer 2.1.0: ", validator(said(&[]), 0, Poisoned::Does(act))),
            (
                "the validator layer 2.1.0: ",
                validator(Said { reads: &["a"], ..said(&[]) }, 1, Poisoned::Does(act)),
            ),
            ("the extension layer 2.1.0: ", extension(said(&["x"]), false, Poisoned::Does(act))),
        ];
        for (name, bytes) in layers {
            let host = host(limits(act));
            let layer = host.load_layer("layer.wasm", &bytes, &Grants::default()).expect("loads");
            let stack = Stack::new(load(&host, "echo"), vec![layer]).expect("fits");
            let answers = stack.transform(Leg::ToDataverse, false, &batch(ROWS, &[BAD])).await;
            only_one_fails(name, act, &answers);
            let fault = answers[BAD].as_ref().unwrap_err();
            assert!(fault.message.starts_with(name), "{}", fault.message);
        }
    }
}

#[test]
fn layers_that_never_say_what_they_are() {
    for bytes in [validator(said(&[]), 0, Poisoned::Mute), extension(said(&["x"]), false, Poisoned::Mute)] {
        let error =
            host(tight()).load_layer("layer.wasm", &bytes, &Grants::default()).unwrap_err().to_string();
        assert!(error.contains("layer.wasm") && error.contains("ran longer than 1000 ms"), "{error}");
    }
}

fn clash(index: usize, text: &str) -> Clash {
    let record = |text: &str| -> Record {
        [("k", Value::text(format!("key-{index}"))), ("a", Value::text(text))]
            .map(|(name, value)| (ColumnPath::from(name), value))
            .into_iter()
            .collect()
    };
    Clash {
        wanted: record(text),
        found: record("what was there"),
        changed_by_source: vec!["a".into()],
        changed_by_target: vec!["a".into()],
        source_changed_at: None,
        target_changed_at: None,
    }
}

async fn resolved(plugin: &Plugin) -> Vec<ResolveResult> {
    let clashes: Vec<Clash> =
        (0..ROWS).map(|index| clash(index, if index == BAD { POISON } else { SECRET })).collect();
    plugin.resolve(Leg::ToDataverse, false, &clashes).await
}

#[tokio::test]
async fn resolve() {
    let too_few = "(i32.store offset=4 (local.get $answer) (i32.const 0))";
    let unknown = "(i32.store8 (local.get $verdict) (i32.const 9))";
    let one_cell = "(i32.store8 (local.get $verdict) (i32.const 2)) \
        (i32.store offset=4 (local.get $verdict) (i32.const 896)) \
        (i32.store offset=8 (local.get $verdict) (i32.const 1))";
    for act in [SPIN, EAT, "(unreachable)", GIGABYTE, too_few, unknown, one_cell] {
        let host = host(limits(act));
        let bytes = filled("resolve", &[("act", act)], "resolving-map-plugin");
        let plugin = host.load("resolve.wasm", &bytes, &Grants::default()).expect("loads");
        for (index, verdict) in resolved(&plugin).await.iter().enumerate() {
            match verdict {
                Err(fault) if index == BAD => check_fault("resolve", act, fault),
                Ok(Verdict::SourceWins) if index != BAD => {}
                other => panic!("{act}: clash {index}: {other:?}"),
            }
        }
    }
}

// A fresh instance a call: what it counts is gone with it, so that it cannot be one thing when it is checked and another
// when it runs.
#[tokio::test]
async fn a_description_that_changes_when_it_is_asked_again() {
    let host = host(patient());
    let first = load(&host, "describe_changes");
    let answers = first.transform(Leg::ToDataverse, false, &batch(3, &[1])).await;
    assert_eq!(answers, [echoed(0, SECRET), echoed(1, POISON), echoed(2, SECRET)]);
    let second = load(&host, "describe_changes");
    assert_eq!((first.description(), first.description().version.as_str()), (second.description(), "1.0.0"));
}

// I9: of a thousand rows, the one that traps costs itself only.
#[tokio::test]
async fn a_trap_on_the_500th_of_1000_rows() {
    let host = host(patient());
    let plugin = load(&host, "trap");
    let answers = plugin.transform(Leg::ToDataverse, false, &batch(1000, &[499])).await;
    assert_eq!(answers.len(), 1000);
    for (index, answer) in answers.iter().enumerate() {
        match answer {
            Err(fault) => assert_eq!((index, fault.kind), (499, GuestFaultKind::Trap)),
            Ok(_) => assert_eq!(*answer, echoed(index, SECRET)),
        }
    }
    assert_eq!(plugin.stats().faults, 1);
}

//! Validators and extensions stacked on a map, as real components.

#![allow(clippy::panic, reason = "a test says what went wrong by panicking")]

mod support;

use dualwright_model::{ColumnPath, Leg, Record, Value};
use dualwright_plugin_host::{
    FieldGrant, Grants, GuestChange, GuestFaultKind, Host, HostError, Layer, Misfits, Outcome, Plugin, Stack,
    TransformResult,
};
use support::layer::{Poisoned, Said, extension, validator};
use support::{POISON, SECRET, batch, echoed, guest, host, load, patient, row};

const MAP: &str = "test-map";
const COPY: Said = Said { name: "copy-a", map: MAP, reads: &["A"], owns: &["x"] };
const JUDGE: Said = Said { name: "judge", map: MAP, reads: &["K", "A"], owns: &[] };

fn layer(host: &Host, bytes: &[u8]) -> Layer {
    layer_with(host, bytes, &Grants::default())
}

fn layer_with(host: &Host, bytes: &[u8], grants: &Grants) -> Layer {
    host.load_layer("layer.wasm", bytes, grants).unwrap_or_else(|error| panic!("{error}"))
}

fn stack(host: &Host, layers: Vec<Layer>) -> Stack {
    Stack::new(load(host, "echo"), layers).unwrap_or_else(|error| panic!("{error}"))
}

fn withholding(columns: &[&str]) -> Grants {
    let withhold = columns.iter().map(|column| ColumnPath::from(*column)).collect();
    Grants { fields: FieldGrant { withhold, ..FieldGrant::default() }, ..Grants::default() }
}

async fn run(stack: &Stack, batch: &[GuestChange]) -> Vec<TransformResult> {
    stack.transform(Leg::ToDataverse, false, batch).await
}

fn written(answer: &TransformResult) -> &Record {
    match answer {
        Ok(Outcome::Upsert(record)) => record,
        other => panic!("{other:?}"),
    }
}

fn refused(answer: &TransformResult) -> Vec<(Option<&str>, &str, &str)> {
    match answer {
        Ok(Outcome::Reject(violations)) => violations
            .iter()
            .map(|one| (one.field.as_ref().map(ColumnPath::as_str), one.code.as_str(), one.message.as_str()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_extension_adds_and_overrides_and_sees_what_is_below_it() {
    let host = host(patient());
    // The lower one puts A into x and K into b; the upper one gives back a and y as it found them.
    let lower = Said { owns: &["x", "b"], reads: &["A", "K"], ..COPY };
    let one = layer(&host, &extension(lower, false, Poisoned::Refused));
    let stacked = stack(&host, vec![one.clone()]);
    let answers = run(&stacked, &[row(1, "hello")]).await;
    let record = written(&answers[0]);
    assert_eq!((record.get("a"), record.get("x")), (&Value::text("hello"), &Value::text("hello")));
    assert_eq!(record.get("b"), &Value::text("key-1"), "it owns what the map wrote");
    let upper = Said { name: "looks-below", owns: &["A", "y"], ..COPY };
    let upper = layer(&host, &extension(upper, true, Poisoned::Refused));
    let both = Stack::new(load(&host, "echo"), vec![one, upper]).unwrap();
    let answers = run(&both, &[row(1, "hello")]).await;
    let record = written(&answers[0]);
    assert_eq!(record.get("a"), &Value::text("hello"), "it saw what the map wrote, and gave it back");
    assert!(record.get("y").is_absent(), "nobody below wrote it");
    assert_eq!(stacked.layers()[0].stats().rows, 2);
}

#[tokio::test]
async fn all_reasons_of_all_validators_are_told_and_others_pass() {
    let host = host(patient());
    let captured = layer(&host, &validator(JUDGE, 0, Poisoned::Refused));
    let mapped = Said { name: "judge-written", reads: &["a"], ..JUDGE };
    let mapped = layer(&host, &validator(mapped, 1, Poisoned::Refused));
    let second = layer(&host, &validator(Said { name: "judge-too", ..JUDGE }, 0, Poisoned::Refused));
    let copy = layer(&host, &extension(COPY, false, Poisoned::Refused));
    let answers = run(&stack(&host, vec![captured.clone(), second, copy.clone()]), &batch(3, &[1])).await;
    assert_eq!(
        refused(&answers[1]),
        [
            (Some("A"), "loud", "it is loud (validator judge 2.1.0)"),
            (None, "late", "it is late (validator judge 2.1.0)"),
            (Some("A"), "loud", "it is loud (validator judge-too 2.1.0)"),
            (None, "late", "it is late (validator judge-too 2.1.0)"),
        ]
    );
    assert_eq!(written(&answers[2]).get("x"), &Value::text(SECRET));
    assert_eq!(copy.stats().rows, 2, "what is refused goes no further");
    let answers = run(&stack(&host, vec![mapped]), &batch(3, &[1])).await;
    assert_eq!(refused(&answers[1]).len(), 2);
    assert_eq!(answers[0], echoed(0, SECRET));
    let refusing = layer(&host, &extension(COPY, false, Poisoned::Refused));
    let answers = run(&stack(&host, vec![refusing]), &batch(2, &[0])).await;
    assert_eq!(refused(&answers[0])[0].2, "it is loud (extension copy-a 2.1.0)");
}

#[tokio::test]
async fn i9_a_layers_fault_names_it_and_costs_its_own_record() {
    let host = host(patient());
    for (name, bytes) in [
        ("the validator judge 2.1.0: ", validator(JUDGE, 0, Poisoned::Trapped)),
        ("the extension copy-a 2.1.0: ", extension(COPY, false, Poisoned::Trapped)),
    ] {
        let trapping = layer(&host, &bytes);
        let answers = run(&stack(&host, vec![trapping.clone()]), &batch(100, &[70])).await;
        let faults: Vec<usize> = (0..100).filter(|place| answers[*place].is_err()).collect();
        assert_eq!(faults, [70]);
        let fault = answers[70].as_ref().unwrap_err();
        assert_eq!(fault.kind, GuestFaultKind::Trap);
        assert!(fault.message.starts_with(name) && !fault.message.contains(POISON), "{}", fault.message);
        assert_eq!(trapping.stats().faults, 1);
    }
}

#[tokio::test]
async fn deletes_pass_extensions_by() {
    let host = host(patient());
    let copy = layer(&host, &extension(COPY, false, Poisoned::Refused));
    let mut gone = row(1, "");
    gone.operation = dualwright_model::Operation::Delete;
    let answers = run(&stack(&host, vec![copy.clone()]), &[gone]).await;
    assert_eq!((answers.as_slice(), copy.stats().rows), (&[Ok(Outcome::Delete)][..], 0));
}

#[tokio::test]
async fn i6_what_was_not_granted_never_enters_a_sandbox() {
    let host = host(patient());
    // The map gives back what it sees.
    let without = host.load("echo", &guest("echo"), &withholding(&["a"])).unwrap();
    let bare = Stack::from(without.clone());
    let reads = |stack: &Stack| stack.description().leg(Leg::ToDataverse).unwrap().reads.clone();
    assert_eq!(reads(&bare), ["K".into(), "B".into()], "it is not even asked for");
    let answers = run(&bare, &[row(1, SECRET)]).await;
    let record = written(&answers[0]);
    assert!(record.get("a").is_absent() && !record.get("b").is_absent());
    // Each part has grants of its own: the layer sees what the map does not.
    let copy = layer(&host, &extension(COPY, false, Poisoned::Refused));
    let stacked = Stack::new(without, vec![copy]).unwrap();
    assert_eq!(reads(&stacked), ["K".into(), "B".into(), "A".into()]);
    let answers = run(&stacked, &[row(1, SECRET)]).await;
    let record = written(&answers[0]);
    assert_eq!((record.get("a"), record.get("x")), (&Value::Absent, &Value::text(SECRET)));
    // And the other way round; what an extension sees of the target is granted like the rest.
    let copy = layer_with(&host, &extension(COPY, false, Poisoned::Refused), &withholding(&["A"]));
    let echo = Said { name: "echo-target", owns: &["a"], ..COPY };
    let echo = layer_with(&host, &extension(echo, true, Poisoned::Refused), &withholding(&["A"]));
    let answers = run(&stack(&host, vec![copy, echo]), &[row(1, SECRET)]).await;
    let record = written(&answers[0]);
    assert_eq!((record.get("a"), record.get("x")), (&Value::Absent, &Value::Absent));
    // A validator that does not see the word does not stumble over it.
    let judge = layer_with(&host, &validator(JUDGE, 0, Poisoned::Refused), &withholding(&["A"]));
    assert_eq!(run(&stack(&host, vec![judge]), &[row(1, POISON)]).await, [echoed(1, POISON)]);
    let only = FieldGrant { only: Some(["k".into()].into()), ..FieldGrant::default() };
    let only = host.load("echo", &guest("echo"), &Grants { fields: only, ..Grants::default() }).unwrap();
    assert_eq!(reads(&Stack::from(only)), ["K".into()]);
    let error = host.load("echo", &guest("echo"), &withholding(&["K"])).unwrap_err();
    assert!(
        matches!(error, HostError::KeyNotGranted { .. }) && error.to_string().contains("K, k"),
        "{error}"
    );
}

#[tokio::test]
async fn the_whole_is_described_and_known_by_its_parts() {
    let host = host(patient());
    let base = load(&host, "echo");
    assert_eq!(Stack::from(base.clone()).digest(), base.digest());
    let copy = layer(&host, &extension(COPY, false, Poisoned::Refused));
    let judge = layer(&host, &validator(JUDGE, 0, Poisoned::Refused));
    let one = Stack::new(base.clone(), vec![copy.clone(), judge.clone()]).unwrap();
    let other = Stack::new(base.clone(), vec![judge, copy.clone()]).unwrap();
    assert_ne!(one.digest(), other.digest(), "order matters");
    assert_eq!(one.description().version, "1.0.0 + copy-a 2.1.0 + judge 2.1.0");
    let leg = one.description().leg(Leg::ToDataverse).unwrap();
    assert_eq!(leg.writes, ["k".into(), "a".into(), "b".into(), "x".into()]);
    assert_eq!(one.description().leg(Leg::ToFinops).unwrap().writes.len(), 3, "the other leg is as it was");
    assert_eq!(one.with_base(base.clone()).unwrap().digest(), one.digest());
    let next = layer(&host, &extension(Said { owns: &["y"], ..COPY }, false, Poisoned::Refused));
    let next = one.with_layer(next).unwrap();
    assert_eq!(next.layers().len(), 2);
    assert_eq!(next.description().leg(Leg::ToDataverse).unwrap().writes[3], "y".into());
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_a_row_flows() {
    let host = host(patient());
    let copy = |said| layer(&host, &extension(said, false, Poisoned::Refused));
    let misfits = |layers: Vec<Layer>| -> Misfits { Stack::new(load(&host, "echo"), layers).unwrap_err() };
    let two = misfits(vec![copy(COPY), copy(Said { name: "copy-b", ..COPY })]);
    assert_eq!(two.0[0].code(), "two-owners");
    let said = two.to_string();
    assert!(
        said.contains("copy-a 2.1.0") && said.contains("copy-b 2.1.0") && said.contains("x in dataverse"),
        "{said}"
    );
    assert_eq!(misfits(vec![copy(Said { owns: &["K"], ..COPY })]).0[0].code(), "layer-owns-key");
    assert_eq!(misfits(vec![copy(Said { map: "other-map", ..COPY })]).0[0].code(), "layer-of-another-map");
}

#[test]
fn a_component_is_taken_for_what_it_is() {
    let host = host(patient());
    let wrong = |result: Result<Layer, HostError>| result.unwrap_err().to_string();
    assert!(wrong(host.load_layer("echo", &guest("echo"), &Grants::default())).contains("it is a map"));
    let bytes = validator(JUDGE, 0, Poisoned::Refused);
    let result: Result<Plugin, HostError> = host.load("judge", &bytes, &Grants::default());
    let error = result.unwrap_err().to_string();
    assert!(error.contains("validator") && error.contains("[[map.layer]]"), "{error}");
    let nothing = Said { owns: &[], ..COPY };
    let bytes = extension(nothing, false, Poisoned::Refused);
    assert!(wrong(host.load_layer("idle", &bytes, &Grants::default())).contains("owns no column"));
}

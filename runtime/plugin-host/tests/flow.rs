//! Honest guests: what goes in and what comes out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

mod support;

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use dualwright_model::{ColumnPath, Date, Leg, Operation, Record, Timestamp, Value};
use dualwright_plugin_host::{
    Grants, GuestChange, GuestFaultKind, Host, HostConfig, Limits, Outcome, Violation,
};

use support::{POISON, batch, echoed, guest, host, load, patient, row, tight};

fn change(operation: Operation, cells: &[(&str, Value)]) -> GuestChange {
    let record: Record = cells.iter().map(|(name, value)| (ColumnPath::from(*name), value.clone())).collect();
    GuestChange { operation, record }
}

#[tokio::test]
async fn i10_every_kind_of_value_travels_as_itself() {
    let plugin = load(&host(patient()), "echo");
    let decimal = |text: &str| Value::Decimal(dualwright_model::Decimal::parse(text).unwrap());
    let values = [
        Value::Null,
        Value::text(""),
        Value::text("Größe 日本 🦀"),
        Value::Integer(0),
        Value::Integer(i64::MIN),
        decimal("0"),
        decimal("-1000000000000000000000.01"),
        Value::Boolean(false),
        Value::Boolean(true),
        Value::Timestamp(Timestamp::from_micros(-1)),
        Value::Date(Date::from_days(-25_567)),
    ];
    let changes: Vec<GuestChange> = values
        .iter()
        .map(|value| change(Operation::Upsert, &[("K", Value::text("k")), ("A", value.clone())]))
        .collect();
    let answers = plugin.transform(Leg::ToDataverse, false, &changes).await;
    for (value, answer) in values.iter().zip(answers) {
        let Ok(Outcome::Upsert(record)) = answer else { panic!("{value:?}: {answer:?}") };
        assert_eq!(record.get("a"), value);
        // What was absent stays absent: it is not null.
        assert_eq!(record.len(), 2);
        assert!(record.get("b").is_absent());
    }
}

#[tokio::test]
async fn deletes_and_the_other_leg() {
    let plugin = load(&host(patient()), "echo");
    let answers = plugin
        .transform(
            Leg::ToFinops,
            false,
            &[
                change(Operation::Delete, &[("k", Value::text("1"))]),
                change(
                    Operation::Upsert,
                    &[("k", Value::text("2")), ("K", Value::text("not read on this leg"))],
                ),
            ],
        )
        .await;
    assert_eq!(answers[0], Ok(Outcome::Delete));
    let expected: Record = [(ColumnPath::from("K"), Value::text("2"))].into_iter().collect();
    assert_eq!(answers[1], Ok(Outcome::Upsert(expected)));
}

#[tokio::test]
async fn the_guest_knows_an_initial_sync_and_may_refuse_and_skip() {
    let plugin = load(&host(patient()), "initial");
    let rejected = plugin.transform(Leg::ToDataverse, true, &[row(1, POISON)]).await;
    let violation =
        Violation { field: Some("A".into()), code: "no".to_owned(), message: "not now".to_owned() };
    assert_eq!(rejected, [Ok(Outcome::Reject(vec![violation]))]);
    let skipped = plugin.transform(Leg::ToDataverse, false, &[row(1, POISON), row(2, "x")]).await;
    assert_eq!(skipped, [Ok(Outcome::Skip("not now".to_owned())), echoed(2, "x")]);
}

#[tokio::test]
async fn a_large_batch_is_cut_and_stays_in_order() {
    let plugin = load(&host(Limits { batch_rows: 100, ..patient() }), "echo");
    let answers = plugin.transform(Leg::ToDataverse, false, &batch(1050, &[])).await;
    assert_eq!(answers, (0..1050).map(|index| echoed(index, support::SECRET)).collect::<Vec<_>>());
    let stats = plugin.stats();
    assert_eq!((stats.calls, stats.rows, stats.faults), (11, 1050, 0));
    assert!(!stats.time.is_zero());
}

#[tokio::test]
async fn a_large_row_goes_alone() {
    let plugin = load(&host(Limits { batch_bytes: 1000, ..patient() }), "echo");
    let long = "x".repeat(1_000_000);
    let answers = plugin.transform(Leg::ToDataverse, false, &[row(1, "s"), row(2, &long), row(3, "s")]).await;
    assert_eq!(answers, [echoed(1, "s"), echoed(2, &long), echoed(3, "s")]);
    assert_eq!(plugin.stats().calls, 3);
}

#[tokio::test]
async fn nothing_asked_nothing_answered() {
    let plugin = load(&host(patient()), "echo");
    assert_eq!(plugin.transform(Leg::ToDataverse, false, &[]).await, []);
    assert_eq!(plugin.stats().calls, 0);
}

#[tokio::test]
async fn a_leg_that_the_map_has_not() {
    let module =
        format!("(module {} {})", include_str!("guests/prelude.wat"), include_str!("guests/echo.wat"))
            .replace("\"\\c0\\00\\00\\00\\02", "\"\\c0\\00\\00\\00\\01");
    let bytes = support::component(&module, "map-plugin");
    let plugin = host(patient()).load("one-way", &bytes, &Grants::default()).expect("loads");
    let answers = plugin.transform(Leg::ToFinops, false, &[row(1, "x")]).await;
    assert_eq!(answers[0].as_ref().unwrap_err().kind, GuestFaultKind::BadAnswer);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_callers_than_places() {
    let config = HostConfig {
        limits: Limits::default(),
        concurrent_calls: NonZeroUsize::new(2).unwrap(),
        cache_folder: None,
        ..HostConfig::default()
    };
    let host = Host::new(config).expect("a host");
    let plugins = [load(&host, "echo"), load(&host, "echo"), load(&host, "initial")];
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..60 {
        let plugin = plugins[index % 3].clone();
        tasks.spawn(
            async move { (index, plugin.transform(Leg::ToDataverse, false, &[row(index, "x")]).await) },
        );
    }
    while let Some(task) = tasks.join_next().await {
        let (index, answers) = task.expect("no panic");
        assert_eq!(answers, [echoed(index, "x")]);
    }
}

#[test]
fn plugins_outlive_their_host() {
    let plugin = load(&host(tight()), "spin");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let answers = runtime.block_on(plugin.transform(Leg::ToDataverse, false, &batch(1, &[0])));
    assert_eq!(answers[0].as_ref().unwrap_err().kind, GuestFaultKind::TimedOut, "the clock still runs");
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_guest_may_use_what_it_was_granted() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    // The guest runs on another thread, so for the whole of this test program; no other test looks at the log.
    tracing::subscriber::set_global_default(subscriber).expect("the only subscriber here");

    let settings = [("reason".to_owned(), "because".to_owned())].into();
    let grants = Grants { log: true, settings, ..Grants::default() };
    let plugin = host(patient()).load("talk", &guest("talk"), &grants).expect("loads");
    let answers = plugin.transform(Leg::ToDataverse, false, &batch(2, &[])).await;
    assert_eq!(answers, vec![Ok(Outcome::Skip("because".to_owned())); 2]);

    let log = String::from_utf8(captured.0.lock().expect("the lock").clone()).expect("text");
    let line = log.lines().find(|line| line.contains("hello")).expect("the guest's line");
    assert!(
        line.contains("WARN") && line.contains("test-map 1.0.0") && line.contains("hello ERROR forged"),
        "{log}"
    );
}

#[tokio::test]
async fn a_setting_that_is_not_set_is_none() {
    let settings = [("other".to_owned(), "x".to_owned())].into();
    let grants = Grants { log: true, settings, ..Grants::default() };
    let plugin = host(patient()).load("talk", &guest("talk"), &grants).expect("loads");
    assert_eq!(plugin.transform(Leg::ToDataverse, false, &[row(1, "x")]).await, [echoed(1, "x")]);
}

#[tokio::test]
async fn a_wide_map() {
    let bytes = support::wide_echo(30);
    let plugin = host(patient()).load("wide", &bytes, &Grants::default()).expect("loads");
    assert_eq!(plugin.description().legs[0].reads.len(), 30);
    let record: Record =
        (0..30).map(|index| (ColumnPath::new(format!("c{index}")), Value::Integer(index))).collect();
    let changes = [GuestChange { operation: Operation::Upsert, record: record.clone() }];
    assert_eq!(plugin.transform(Leg::ToDataverse, false, &changes).await, [Ok(Outcome::Upsert(record))]);
}
